-- How aligned are two embeddings? One row per pair of a target whose slots are both live, each pair once; of a metric that is not symmetric one per direction, from left to right.
-- target_id: of which matrix.
-- left_checkpoint_id: the checkpoint that came earlier; in the second direction the one that came later.
-- right_checkpoint_id: the other one.
-- left_embedding_id: its embedding.
-- right_embedding_id: its embedding.
-- score: the metric, reduced over all layer pairs; for mutual_knn the shared part of k neighbours.
-- score_se: standard error of the score over the items; NULL where the metric has none.
-- ci_low: lower end of its 95 % interval.
-- ci_high: upper end of its 95 % interval.
-- score_crossfit: score at layers that were chosen on other pairs of items: not raised by the choice.
-- left_layer: layer of the left embedding that gave the score, counted from 0.
-- right_layer: layer of the right embedding that gave the score, counted from 0.
-- layer_pairs: layer pairs that were compared.
-- null_mean: mean of the score over permuted items; NULL before the null is done.
-- null_sd: its standard deviation.
-- lift: score / null_mean.
-- excess: (score - null_mean) / (highest - null_mean): what is left above chance, 0 at chance and 1 at the metric's highest score; where it has none, at 1, the score of a layer with itself.
-- p: (1 + draws that score as high) / (1 + draws), never below 1 / (1 + draws).
-- tau: the null's threshold at the target's alpha.
-- calibrated: (score - tau) / (highest - tau), or score - tau where the metric has no highest score, 0 below tau; NULL where tau is the highest.
-- draws: permutations of its null.
-- status: scored (no null yet), calibrated, or fewer draws (than the target wants now).
-- run_id: the run that computed it.
-- computed_at: when, UTC.
-- chance: mean of one layer pair over unrelated embeddings, in closed form (of one, not of the best of many); NULL where there is none.
-- z: (score - chance) / chance_sd of the target, for one layer pair; NULL where either has no closed form.
WITH directed AS (
    -- direction 0 goes from the column slot, the earlier one, to the row slot; direction 1 back
    SELECT
        *,
        CASE WHEN direction = 1 THEN row_slot ELSE column_slot END AS left_slot,
        CASE WHEN direction = 1 THEN column_slot ELSE row_slot END AS right_slot,
        CASE WHEN direction = 1 THEN row_layer ELSE column_layer END AS left_layer,
        CASE WHEN direction = 1 THEN column_layer ELSE row_layer END AS right_layer
    FROM stored_alignment
)

SELECT
    alignment.target_id,
    left_embedding.checkpoint_id AS left_checkpoint_id,
    right_embedding.checkpoint_id AS right_checkpoint_id,
    left_side.embedding_id AS left_embedding_id,
    right_side.embedding_id AS right_embedding_id,
    alignment.score,
    alignment.score_se,
    alignment.score - 1.959963984540054 * alignment.score_se AS ci_low,
    alignment.score + 1.959963984540054 * alignment.score_se AS ci_high,
    alignment.score_crossfit,
    alignment.left_layer,
    alignment.right_layer,
    alignment.layer_pairs,
    alignment.null_mean,
    alignment.null_sd,
    alignment.score / nullif(alignment.null_mean, 0) AS lift,
    (alignment.score - alignment.null_mean)
    / nullif(coalesce(target.highest, 1) - alignment.null_mean, 0) AS excess,
    alignment.p,
    alignment.tau,
    alignment.calibrated,
    alignment.draws,
    CASE
        WHEN alignment.draws IS NULL THEN 'scored'
        WHEN alignment.draws < target.draws THEN 'fewer draws'
        ELSE 'calibrated'
    END AS status,
    part.run_id,
    part.created_at AS computed_at,
    coalesce(alignment.chance, target.chance) AS chance,
    (alignment.score - coalesce(alignment.chance, target.chance)) / target.chance_sd AS z
FROM directed AS alignment
JOIN stored_target AS target ON target.id = alignment.target_id
JOIN stored_slot AS left_side
    ON left_side.target_id = alignment.target_id AND left_side.slot = alignment.left_slot AND left_side.is_live
JOIN stored_slot AS right_side
    ON right_side.target_id = alignment.target_id AND right_side.slot = alignment.right_slot AND right_side.is_live
JOIN stored_embedding AS left_embedding ON left_embedding.id = left_side.embedding_id
JOIN stored_embedding AS right_embedding ON right_embedding.id = right_side.embedding_id
JOIN stored_part AS part ON part.id = alignment.part_id
