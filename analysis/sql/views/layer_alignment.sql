-- How aligned is every layer with every layer of a pair? One row per layer pair of the rows of alignment.
-- target_id: of which matrix.
-- left_checkpoint_id: the checkpoint that came earlier; in the second direction of a metric that is not symmetric the one that came later.
-- right_checkpoint_id: the other one.
-- left_layer: layer of the left embedding, counted from 0; one past its last is all of its layers at once.
-- right_layer: layer of the right embedding, counted from 0.
-- score: the metric between the two layers, from left to right; for mutual_knn shared neighbours / (n k); of a metric without counts in single precision.
WITH live_pairs AS (
    SELECT
        alignment.target_id,
        alignment.row_slot,
        alignment.column_slot,
        coalesce(alignment.direction, 0) AS direction,
        row_embedding.checkpoint_id AS row_checkpoint_id,
        column_embedding.checkpoint_id AS column_checkpoint_id
    FROM stored_alignment AS alignment
    JOIN stored_slot AS row_side
        ON row_side.target_id = alignment.target_id AND row_side.slot = alignment.row_slot AND row_side.is_live
    JOIN stored_slot AS column_side
        ON column_side.target_id = alignment.target_id
        AND column_side.slot = alignment.column_slot
        AND column_side.is_live
    JOIN stored_embedding AS row_embedding ON row_embedding.id = row_side.embedding_id
    JOIN stored_embedding AS column_embedding ON column_embedding.id = column_side.embedding_id
),

scales AS (
    -- what a stored count is divided by: these two metrics count items or steps, the others neighbours
    SELECT
        target_id,
        item_count
        * CASE WHEN metric IN ('cycle_knn', 'lcs_knn_prh') THEN 1 ELSE coalesce((parameters ->> 'k')::BIGINT, 1) END
            AS entries_per_score
    FROM targets
)

SELECT
    grid.target_id,
    CASE WHEN grid.direction = 1 THEN live_pairs.row_checkpoint_id ELSE live_pairs.column_checkpoint_id END
        AS left_checkpoint_id,
    CASE WHEN grid.direction = 1 THEN live_pairs.column_checkpoint_id ELSE live_pairs.row_checkpoint_id END
        AS right_checkpoint_id,
    CASE WHEN grid.direction = 1 THEN grid.row_layer ELSE grid.column_layer END AS left_layer,
    CASE WHEN grid.direction = 1 THEN grid.column_layer ELSE grid.row_layer END AS right_layer,
    coalesce(grid.score, grid.count::DOUBLE / scales.entries_per_score) AS score
FROM stored_layer_grid AS grid
JOIN live_pairs
    ON live_pairs.target_id = grid.target_id
    AND live_pairs.row_slot = grid.row_slot
    AND live_pairs.column_slot = grid.column_slot
    AND live_pairs.direction = coalesce(grid.direction, 0)
JOIN scales ON scales.target_id = grid.target_id
