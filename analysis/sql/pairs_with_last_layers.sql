-- How aligned is each pair of a target, by its own reducer and by the pair of last layers?
-- $target_id: which target.
-- left_id: the checkpoint that came earlier; in the second direction of a metric that is not symmetric the later one.
-- right_id: the other one.
-- score: the metric, reduced over all layer pairs as the target says.
-- score_se: standard error of the score over the items; NULL where the metric has none.
-- score_last: the metric between both last layers; NULL where the layer pairs are not kept.
-- excess: (score - null_mean) / (highest - null_mean), as alignment has it; NULL before the null is done.
-- null_mean: mean of the score over permuted items; NULL before the null is done.
WITH lengths AS (
    SELECT embedding_id, layer_count FROM embeddings
),

pairs AS (
    SELECT
        alignment.target_id,
        alignment.left_checkpoint_id,
        alignment.right_checkpoint_id,
        alignment.score,
        alignment.score_se,
        alignment.excess,
        alignment.null_mean,
        left_length.layer_count - 1 AS left_last,
        right_length.layer_count - 1 AS right_last
    FROM alignment
    JOIN lengths AS left_length ON left_length.embedding_id = alignment.left_embedding_id
    JOIN lengths AS right_length ON right_length.embedding_id = alignment.right_embedding_id
    WHERE alignment.target_id = $target_id
)

SELECT
    pairs.left_checkpoint_id AS left_id,
    pairs.right_checkpoint_id AS right_id,
    pairs.score,
    pairs.score_se,
    layer_alignment.score AS score_last,
    pairs.excess,
    pairs.null_mean
FROM pairs
LEFT JOIN layer_alignment
    ON layer_alignment.target_id = pairs.target_id
    AND layer_alignment.left_checkpoint_id = pairs.left_checkpoint_id
    AND layer_alignment.right_checkpoint_id = pairs.right_checkpoint_id
    AND layer_alignment.left_layer = pairs.left_last
    AND layer_alignment.right_layer = pairs.right_last
ORDER BY pairs.left_checkpoint_id, pairs.right_checkpoint_id
