-- Do checkpoints of one modality see the items as those of another do?
-- $target_id: which target.   $left_modality, $right_modality: the two modalities, for example vision and language.
-- left_name: checkpoint of the first modality.
-- right_name: checkpoint of the second modality.
-- score: alignment of the pair, reduced over all layer pairs, 0..1.
-- left_layer: layer of the left one that gave the score, counted from 0.
-- right_layer: layer of the right one that gave the score, counted from 0.
-- left_layer_name: what that layer is called.
-- right_layer_name: what that layer is called.
-- chance: mean score of one layer pair over all pairings of the items, k / (n - 1); NULL where the metric has no such value.
WITH sides AS (
    SELECT
        embeddings.embedding_id,
        checkpoints.name,
        checkpoints.modality,
        embeddings.layer_names
    FROM embeddings
    JOIN checkpoints ON checkpoints.checkpoint_id = embeddings.checkpoint_id
)

SELECT
    left_side.name AS left_name,
    right_side.name AS right_name,
    pairs.score,
    pairs.layer AS left_layer,
    pairs.other_layer AS right_layer,
    left_side.layer_names[pairs.layer + 1] AS left_layer_name,
    right_side.layer_names[pairs.other_layer + 1] AS right_layer_name,
    targets.chance
FROM alignment_both AS pairs
JOIN targets ON targets.target_id = pairs.target_id
JOIN sides AS left_side ON left_side.embedding_id = pairs.embedding_id
JOIN sides AS right_side ON right_side.embedding_id = pairs.other_embedding_id
WHERE pairs.target_id = $target_id
    AND left_side.modality = $left_modality
    AND right_side.modality = $right_modality
ORDER BY pairs.score DESC, left_side.name, right_side.name
