-- What does each layer of an embedding look like?
-- embedding_id: which embedding.
-- recipe: how it was prepared.
-- layer: position among its layers, counted from 0; one past the last is all layers at once.
-- layer_name: what that layer is called.
-- width: dimensions of the layer.
-- k: how many neighbours tied_rows and in_degree_skew count.
-- tied_rows: items of which a tie decides who is neighbour k.
-- duplicate_rows: items whose row another item has too.
-- mean_cosine: mean cosine of two different items.
-- effective_rank: exp of the entropy of the normalised singular values of the centred rows, in dimensions.
-- in_degree_skew: skewness of how often an item is among the k neighbours of another; NULL where all are equal.
SELECT
    stat.embedding_id,
    stat.recipe,
    stat.layer,
    coalesce((embedding.layer_names::JSON::VARCHAR[])[stat.layer + 1], 'all layers') AS layer_name,
    coalesce(
        (embedding.widths::JSON::INTEGER[])[stat.layer + 1],
        list_sum(embedding.widths::JSON::INTEGER[])
    )::INTEGER AS width,
    stat.k,
    stat.tied_rows,
    stat.duplicate_rows,
    stat.mean_cosine,
    stat.effective_rank,
    stat.in_degree_skew
FROM stored_layer_stat AS stat
JOIN stored_embedding AS embedding ON embedding.id = stat.embedding_id
