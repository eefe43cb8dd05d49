-- Which checkpoints in use have an embedding of a data set, and how does each stand?
-- $dataset_id: which data set.
-- checkpoint_id: the checkpoint.
-- status: ready, missing or corrupt; NULL where it has none.
-- embedding_id: its newest embedding of that status.
-- layer_count: layers.
-- pooling: how tokens or positions became one row per item.
SELECT
    checkpoints.checkpoint_id,
    embeddings.status,
    embeddings.embedding_id,
    embeddings.layer_count,
    embeddings.pooling
FROM checkpoints
LEFT JOIN embeddings
    ON embeddings.checkpoint_id = checkpoints.checkpoint_id
    AND embeddings.dataset_id = $dataset_id
    AND embeddings.status <> 'superseded'
WHERE checkpoints.retired_at IS NULL
QUALIFY row_number() OVER (
    PARTITION BY checkpoints.checkpoint_id
    ORDER BY embeddings.status = 'ready' DESC NULLS LAST, embeddings.embedding_id DESC
) = 1
ORDER BY checkpoints.checkpoint_id
