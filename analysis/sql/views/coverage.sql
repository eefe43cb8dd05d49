-- How much of what ought to exist does? One row per target.
-- target_id: the target.
-- pair_count: wanted pairs between its live embeddings.
-- fresh_count: those that are computed.
-- calibrated_count: those whose null is done, with the draws that the target wants now.
-- blocked_count: further pairs that wait for an embedding that is missing or corrupt and that no ready one replaces.
WITH members AS (
    SELECT slot.target_id, wanted.modality, embedding.checkpoint_id
    FROM stored_slot AS slot
    JOIN stored_embedding AS embedding ON embedding.id = slot.embedding_id
    JOIN stored_target_extraction AS wanted
        ON wanted.target_id = slot.target_id AND wanted.extraction_id = embedding.extraction_id
    WHERE slot.is_live
),

blocked AS (
    SELECT DISTINCT target.id AS target_id, wanted.modality, embedding.checkpoint_id
    FROM stored_target AS target
    JOIN stored_target_extraction AS wanted ON wanted.target_id = target.id
    JOIN stored_embedding AS embedding
        ON embedding.dataset_id = target.dataset_id AND embedding.extraction_id = wanted.extraction_id
    JOIN stored_checkpoint AS checkpoint ON checkpoint.id = embedding.checkpoint_id
    WHERE embedding.status IN ('missing', 'corrupt')
        AND checkpoint.retired_at IS NULL
        AND NOT EXISTS (
            SELECT 1
            FROM stored_embedding AS other
            WHERE other.checkpoint_id = embedding.checkpoint_id
                AND other.dataset_id = embedding.dataset_id
                AND other.extraction_id = embedding.extraction_id
                AND other.status = 'ready'
        )
),

per_modality AS (
    SELECT
        target_id,
        modality,
        count(*) FILTER (NOT is_blocked) AS live_count,
        count(*) AS all_count
    FROM (
        SELECT target_id, modality, FALSE AS is_blocked FROM members
        UNION ALL
        SELECT target_id, modality, TRUE AS is_blocked FROM blocked
    )
    GROUP BY target_id, modality
),

sums AS (
    SELECT
        target_id,
        sum(live_count)::BIGINT AS live_count,
        sum(all_count)::BIGINT AS all_count,
        sum(live_count * live_count)::BIGINT AS live_squares,
        sum(all_count * all_count)::BIGINT AS all_squares
    FROM per_modality
    GROUP BY target_id
),

wanted_pairs AS (
    SELECT
        sums.target_id,
        CASE target.pairs
            WHEN 'all' THEN live_count * (live_count - 1) // 2
            ELSE (live_count * live_count - live_squares) // 2
        END AS live_pairs,
        CASE target.pairs
            WHEN 'all' THEN all_count * (all_count - 1) // 2
            ELSE (all_count * all_count - all_squares) // 2
        END AS all_pairs
    FROM sums
    JOIN stored_target AS target ON target.id = sums.target_id
),

fresh AS (
    -- pairs, not directions: both directions of a pair are written together, and so are their nulls
    SELECT
        pair.target_id,
        count(*) AS fresh_count,
        count(*) FILTER (pair.draws >= target.draws) AS calibrated_count
    FROM stored_alignment AS pair
    JOIN stored_target AS target ON target.id = pair.target_id
    JOIN stored_slot AS row_side
        ON row_side.target_id = pair.target_id AND row_side.slot = pair.row_slot AND row_side.is_live
    JOIN stored_slot AS column_side
        ON column_side.target_id = pair.target_id AND column_side.slot = pair.column_slot AND column_side.is_live
    WHERE coalesce(pair.direction, 0) = 0
    GROUP BY pair.target_id
)

SELECT
    target.id AS target_id,
    coalesce(wanted_pairs.live_pairs, 0) AS pair_count,
    coalesce(fresh.fresh_count, 0) AS fresh_count,
    coalesce(fresh.calibrated_count, 0) AS calibrated_count,
    coalesce(wanted_pairs.all_pairs - wanted_pairs.live_pairs, 0) AS blocked_count
FROM stored_target AS target
LEFT JOIN wanted_pairs ON wanted_pairs.target_id = target.id
LEFT JOIN fresh ON fresh.target_id = target.id
