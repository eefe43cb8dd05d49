-- How aligned are checkpoints of one modality with those of another, and is that more than chance?
-- $target_id: which target.   $left_modality, $right_modality: the two modalities, for example vision and language.
-- left_id: the checkpoint of the first modality.
-- left_name: what it is called.
-- left_embedding_id: its embedding.
-- right_id: the checkpoint of the second.
-- right_name: what it is called.
-- right_embedding_id: its embedding.
-- score: alignment of the pair, reduced over all layer pairs.
-- ci_low: lower end of its 95 % interval; NULL where the metric has none.
-- ci_high: upper end of its 95 % interval.
-- score_crossfit: score at layers that were chosen on other pairs of items: not raised by the choice.
-- null_mean: mean of the score over permuted items: chance for this pair; NULL before the null is done.
-- lift: score / null_mean.
-- p: (1 + draws that score as high) / (1 + draws).
-- calibrated: how far the score is above the null threshold, 0 at or below it.
-- left_layer: layer of the left one that gave the score, by name; all layers where it is all of them at once.
-- right_layer: layer of the right one that gave the score, by name; all layers where it is all of them at once.
WITH sides AS (
    SELECT embeddings.embedding_id, embeddings.layer_names, checkpoints.name, checkpoints.modality
    FROM embeddings
    JOIN checkpoints ON checkpoints.checkpoint_id = embeddings.checkpoint_id
)

SELECT
    pairs.checkpoint_id AS left_id,
    left_side.name AS left_name,
    pairs.embedding_id AS left_embedding_id,
    pairs.other_checkpoint_id AS right_id,
    right_side.name AS right_name,
    pairs.other_embedding_id AS right_embedding_id,
    pairs.score,
    pairs.ci_low,
    pairs.ci_high,
    pairs.score_crossfit,
    pairs.null_mean,
    pairs.lift,
    pairs.p,
    pairs.calibrated,
    coalesce(left_side.layer_names[pairs.layer + 1], 'all layers') AS left_layer,
    coalesce(right_side.layer_names[pairs.other_layer + 1], 'all layers') AS right_layer
FROM alignment_both AS pairs
JOIN sides AS left_side ON left_side.embedding_id = pairs.embedding_id
JOIN sides AS right_side ON right_side.embedding_id = pairs.other_embedding_id
WHERE pairs.target_id = $target_id
    AND left_side.modality = $left_modality
    AND right_side.modality = $right_modality
ORDER BY pairs.score DESC, left_side.name, right_side.name
