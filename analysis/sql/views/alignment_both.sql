-- How aligned is a checkpoint with every other? The rows of alignment, each symmetric pair from both sides; of other metrics each direction once, from the checkpoint to the other one.
-- target_id: of which matrix.
-- checkpoint_id: the checkpoint that is asked about.
-- other_checkpoint_id: the other one.
-- embedding_id: its embedding.
-- other_embedding_id: the other one's embedding.
-- score: the metric, reduced over all layer pairs; for mutual_knn the shared part of k neighbours.
-- score_se: standard error of the score over the items; NULL where the metric has none.
-- ci_low: lower end of its 95 % interval.
-- ci_high: upper end of its 95 % interval.
-- score_crossfit: score at layers that were chosen on other pairs of items: not raised by the choice.
-- layer: layer of its own that gave the score, counted from 0.
-- other_layer: layer of the other that gave the score, counted from 0.
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
SELECT
    target_id,
    left_checkpoint_id AS checkpoint_id,
    right_checkpoint_id AS other_checkpoint_id,
    left_embedding_id AS embedding_id,
    right_embedding_id AS other_embedding_id,
    score,
    score_se,
    ci_low,
    ci_high,
    score_crossfit,
    left_layer AS layer,
    right_layer AS other_layer,
    layer_pairs,
    null_mean,
    null_sd,
    lift,
    excess,
    p,
    tau,
    calibrated,
    draws,
    status,
    run_id,
    computed_at,
    chance,
    z
FROM alignment
UNION ALL
SELECT
    target_id,
    right_checkpoint_id,
    left_checkpoint_id,
    right_embedding_id,
    left_embedding_id,
    score,
    score_se,
    ci_low,
    ci_high,
    score_crossfit,
    right_layer,
    left_layer,
    layer_pairs,
    null_mean,
    null_sd,
    lift,
    excess,
    p,
    tau,
    calibrated,
    draws,
    status,
    run_id,
    computed_at,
    chance,
    z
FROM alignment
WHERE target_id IN (SELECT targets.target_id FROM targets WHERE targets.symmetric)
