-- Which embeddings are there: one checkpoint on one data set under one extraction?
-- embedding_id: the embedding.
-- checkpoint_id: whose.
-- dataset_id: of which items.
-- extraction_id: under which rule.
-- pooling: how tokens or positions became one row per item.
-- prompt: the text around each item, where the rule has one.
-- layer_count: layers.
-- layer_names: a list; layer 0 of an alignment is its first.
-- widths: numbers per item in each layer, a list.
-- dtype: type of these numbers.
-- kind: features, or a kernel or distances between the items where nobody has features.
-- status: ready, missing, corrupt or superseded.
-- sha256: digest of the file.
-- created_at: when it was made, UTC.
SELECT
    embedding.id AS embedding_id,
    embedding.checkpoint_id,
    embedding.dataset_id,
    embedding.extraction_id,
    coalesce(embedding.resolved ->> 'pooling', extraction.pooling) AS pooling,
    extraction.prompt,
    embedding.layer_count,
    embedding.layer_names::JSON::VARCHAR[] AS layer_names,
    embedding.widths::JSON::INTEGER[] AS widths,
    embedding.dtype,
    embedding.kind,
    embedding.status,
    embedding.sha256,
    embedding.created_at
FROM stored_embedding AS embedding
JOIN stored_extraction AS extraction ON extraction.id = embedding.extraction_id
