-- How aligned is every layer with every layer of a pair? One row per layer pair of the rows of alignment.
-- target_id: of which matrix.
-- left_checkpoint_id: the checkpoint that came earlier.
-- right_checkpoint_id: the checkpoint that came later.
-- left_layer: layer of the left embedding, counted from 0.
-- right_layer: layer of the right embedding, counted from 0.
-- score: the metric between the two layers; for mutual_knn shared neighbours / (n k), 0..1.
WITH live_pairs AS (
    SELECT
        alignment.target_id,
        alignment.row_slot,
        alignment.column_slot,
        left_embedding.checkpoint_id AS left_checkpoint_id,
        right_embedding.checkpoint_id AS right_checkpoint_id
    FROM stored_alignment AS alignment
    JOIN stored_slot AS left_slot
        ON left_slot.target_id = alignment.target_id AND left_slot.slot = alignment.column_slot AND left_slot.is_live
    JOIN stored_slot AS right_slot
        ON right_slot.target_id = alignment.target_id AND right_slot.slot = alignment.row_slot AND right_slot.is_live
    JOIN stored_embedding AS left_embedding ON left_embedding.id = left_slot.embedding_id
    JOIN stored_embedding AS right_embedding ON right_embedding.id = right_slot.embedding_id
)

SELECT
    grid.target_id,
    live_pairs.left_checkpoint_id,
    live_pairs.right_checkpoint_id,
    grid.column_layer AS left_layer,
    grid.row_layer AS right_layer,
    grid.count::DOUBLE / (targets.item_count * (targets.parameters ->> 'k')::BIGINT) AS score
FROM stored_layer_grid AS grid
JOIN live_pairs
    ON live_pairs.target_id = grid.target_id
    AND live_pairs.row_slot = grid.row_slot
    AND live_pairs.column_slot = grid.column_slot
JOIN targets ON targets.target_id = grid.target_id
