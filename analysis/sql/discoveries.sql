-- Which pairs of one question are aligned above chance, when a share of false discoveries is allowed for?
-- $target_id: which target.   $checkpoint_id: whose partners; NULL for the pairs of all.   $left_modality, $right_modality: of which two modalities, in either order for the partners of a checkpoint; NULL for any.
-- left_checkpoint_id: the checkpoint that is asked about, or that of the first modality.
-- left_name: what it is called.
-- right_checkpoint_id: the other one.
-- right_name: what it is called.
-- score: alignment of the pair, reduced over all layer pairs.
-- null_mean: mean of the score over permuted items.
-- p: (1 + draws that score as high) / (1 + draws).
-- draws: permutations that p rests on.
-- wanted_draws: permutations that the target wants now.
-- q_bh: lowest level at which the pair is a discovery after Benjamini and Hochberg, 0..1; NULL where it is left out.
-- q_by: the same after Benjamini and Yekutieli, which holds however the pairs depend on each other.
-- m: pairs of the family (of a metric that is not symmetric each direction is one); those that are left out do not count.
-- left_out: why the pair is not in the family: no null yet, or same series; NULL where it is.
WITH asked AS (
    SELECT
        pairs.*,
        own.name AS left_name,
        other.name AS right_name,
        CASE
            WHEN own.series = other.series THEN 'same series'
            WHEN pairs.p IS NULL THEN 'no null yet'
        END AS left_out
    FROM alignment_both AS pairs
    JOIN checkpoints AS own ON own.checkpoint_id = pairs.checkpoint_id
    JOIN checkpoints AS other ON other.checkpoint_id = pairs.other_checkpoint_id
    JOIN targets ON targets.target_id = pairs.target_id
    WHERE pairs.target_id = $target_id
        AND CASE
            WHEN $checkpoint_id::BIGINT IS NOT NULL
                THEN
                    pairs.checkpoint_id = $checkpoint_id::BIGINT
                    AND (
                        (
                            own.modality = coalesce($left_modality::VARCHAR, own.modality)
                            AND other.modality = coalesce($right_modality::VARCHAR, other.modality)
                        )
                        OR (
                            own.modality = coalesce($right_modality::VARCHAR, own.modality)
                            AND other.modality = coalesce($left_modality::VARCHAR, other.modality)
                        )
                    )
            WHEN $left_modality::VARCHAR <> $right_modality::VARCHAR
                THEN own.modality = $left_modality::VARCHAR AND other.modality = $right_modality::VARCHAR
            ELSE
                -- one of the two sides that alignment_both shows; two directions are two scores, each with its p
                (pairs.embedding_id < pairs.other_embedding_id OR NOT targets.symmetric)
                AND own.modality = coalesce($left_modality::VARCHAR, own.modality)
                AND other.modality = coalesce($right_modality::VARCHAR, other.modality)
        END
),

ranked AS (
    SELECT
        checkpoint_id,
        other_checkpoint_id,
        p,
        row_number() OVER (ORDER BY p) AS place
    FROM asked
    WHERE left_out IS NULL
),

family AS (
    SELECT
        count(*) AS m,
        list_sum(list_transform(range(1, count(*) + 1), lambda place: 1 / place)) AS harmonic
    FROM ranked
),

stepped AS (
    -- in the words of bh_threshold and by_threshold, so that the two agree on every edge
    SELECT
        ranked.checkpoint_id,
        ranked.other_checkpoint_id,
        ranked.place,
        round(ranked.p * family.m / ranked.place, 15) AS step_bh,
        round(ranked.p * family.m * family.harmonic / ranked.place, 15) AS step_by
    FROM ranked
    CROSS JOIN family
),

adjusted AS (
    SELECT
        checkpoint_id,
        other_checkpoint_id,
        least(1, min(step_bh) OVER later) AS q_bh,
        least(1, min(step_by) OVER later) AS q_by
    FROM stepped
    WINDOW later AS (ORDER BY place ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
)

SELECT
    asked.checkpoint_id AS left_checkpoint_id,
    asked.left_name,
    asked.other_checkpoint_id AS right_checkpoint_id,
    asked.right_name,
    asked.score,
    asked.null_mean,
    asked.p,
    asked.draws,
    targets.draws AS wanted_draws,
    adjusted.q_bh,
    adjusted.q_by,
    family.m,
    asked.left_out
FROM asked
CROSS JOIN family
JOIN targets ON targets.target_id = asked.target_id
LEFT JOIN adjusted
    ON adjusted.checkpoint_id = asked.checkpoint_id AND adjusted.other_checkpoint_id = asked.other_checkpoint_id
ORDER BY adjusted.q_bh NULLS LAST, asked.p NULLS LAST, asked.score DESC, asked.left_name, asked.right_name
