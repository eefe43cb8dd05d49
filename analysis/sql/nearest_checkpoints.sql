-- Which checkpoints of each modality are nearest to one?
-- $target_id: which target.   $checkpoint_id: the one that is asked about.   $count: how many of each modality.
-- modality: what the other one reads.
-- name: what it is called.
-- score: alignment of the two, reduced over all layer pairs.
-- ci_low: lower end of its 95 % interval; NULL where the metric has none.
-- ci_high: upper end of its 95 % interval.
-- lift: score / mean of the null; NULL before the null is done.
-- p: (1 + draws that score as high) / (1 + draws).
-- layer: layer of its own that gave the score, by name; all layers where it is all of them at once.
-- other_layer: layer of the other that gave the score, by name; all layers where it is all of them at once.
SELECT
    other.modality,
    other.name,
    pairs.score,
    pairs.ci_low,
    pairs.ci_high,
    pairs.lift,
    pairs.p,
    coalesce(own_embedding.layer_names[pairs.layer + 1], 'all layers') AS layer,
    coalesce(other_embedding.layer_names[pairs.other_layer + 1], 'all layers') AS other_layer
FROM alignment_both AS pairs
JOIN checkpoints AS other ON other.checkpoint_id = pairs.other_checkpoint_id
JOIN embeddings AS own_embedding ON own_embedding.embedding_id = pairs.embedding_id
JOIN embeddings AS other_embedding ON other_embedding.embedding_id = pairs.other_embedding_id
WHERE pairs.target_id = $target_id AND pairs.checkpoint_id = $checkpoint_id
QUALIFY row_number() OVER (PARTITION BY other.modality ORDER BY pairs.score DESC, other.name) <= $count
ORDER BY other.modality, pairs.score DESC, other.name
