-- How aligned is a checkpoint with every other? The rows of alignment, each symmetric pair from both sides.
-- target_id: of which matrix.
-- checkpoint_id: the checkpoint that is asked about.
-- other_checkpoint_id: the other one.
-- embedding_id: its embedding.
-- other_embedding_id: the other one's embedding.
-- score: the metric, reduced over all layer pairs; for mutual_knn the shared part of k neighbours, 0..1.
-- score_se: standard error of the score; not computed yet, NULL.
-- ci_low: lower end of its 95 % interval; not computed yet, NULL.
-- ci_high: upper end of its 95 % interval; not computed yet, NULL.
-- score_crossfit: score at layers that were chosen on other items; not computed yet, NULL.
-- layer: layer of its own that gave the score, counted from 0.
-- other_layer: layer of the other that gave the score, counted from 0.
-- layer_pairs: layer pairs that were compared.
-- null_mean: mean of the score over permuted items; not computed yet, NULL.
-- null_sd: its standard deviation; not computed yet, NULL.
-- lift: score / null_mean; not computed yet, NULL.
-- excess: (score - null_mean) / (highest score - null_mean); not computed yet, NULL.
-- p: how often permuted items score as high, 0..1; not computed yet, NULL.
-- tau: the null's threshold at the target's alpha; not computed yet, NULL.
-- calibrated: what is left above tau, 0..1; not computed yet, NULL.
-- draws: permutations of the null; not computed yet, NULL.
-- status: scored, where there is no null yet.
-- run_id: the run that computed it.
-- computed_at: when, UTC.
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
    computed_at
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
    computed_at
FROM alignment
WHERE target_id IN (SELECT targets.target_id FROM targets WHERE targets.symmetric)
