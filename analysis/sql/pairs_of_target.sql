-- Which pairs does a target hold, by name? What a labelled matrix is made of.
-- $target_id: which target.
-- left_embedding_id: the earlier embedding of the pair; in the second direction of a metric that is not symmetric the later one.
-- left_name: its checkpoint.
-- right_embedding_id: the other one.
-- right_name: its checkpoint.
-- score: alignment of the pair, reduced over all layer pairs.
SELECT
    alignment.left_embedding_id,
    left_checkpoint.name AS left_name,
    alignment.right_embedding_id,
    right_checkpoint.name AS right_name,
    alignment.score
FROM alignment
JOIN checkpoints AS left_checkpoint ON left_checkpoint.checkpoint_id = alignment.left_checkpoint_id
JOIN checkpoints AS right_checkpoint ON right_checkpoint.checkpoint_id = alignment.right_checkpoint_id
WHERE alignment.target_id = $target_id
ORDER BY alignment.left_embedding_id, alignment.right_embedding_id
