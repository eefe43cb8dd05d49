-- How aligned are two embeddings? One row per pair of a target whose slots are both live, each pair once.
-- target_id: of which matrix.
-- left_checkpoint_id: the checkpoint that came earlier.
-- right_checkpoint_id: the checkpoint that came later.
-- left_embedding_id: its embedding.
-- right_embedding_id: its embedding.
-- score: the metric, reduced over all layer pairs; for mutual_knn the shared part of k neighbours, 0..1.
-- score_se: standard error of the score; not computed yet, NULL.
-- ci_low: lower end of its 95 % interval; not computed yet, NULL.
-- ci_high: upper end of its 95 % interval; not computed yet, NULL.
-- score_crossfit: score at layers that were chosen on other items; not computed yet, NULL.
-- left_layer: layer of the left embedding that gave the score, counted from 0.
-- right_layer: layer of the right embedding that gave the score, counted from 0.
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
    alignment.target_id,
    left_embedding.checkpoint_id AS left_checkpoint_id,
    right_embedding.checkpoint_id AS right_checkpoint_id,
    left_slot.embedding_id AS left_embedding_id,
    right_slot.embedding_id AS right_embedding_id,
    alignment.score,
    NULL::DOUBLE AS score_se,
    NULL::DOUBLE AS ci_low,
    NULL::DOUBLE AS ci_high,
    NULL::DOUBLE AS score_crossfit,
    alignment.column_layer AS left_layer,
    alignment.row_layer AS right_layer,
    alignment.layer_pairs,
    NULL::DOUBLE AS null_mean,
    NULL::DOUBLE AS null_sd,
    NULL::DOUBLE AS lift,
    NULL::DOUBLE AS excess,
    NULL::DOUBLE AS p,
    NULL::DOUBLE AS tau,
    NULL::DOUBLE AS calibrated,
    NULL::INTEGER AS draws,
    'scored' AS status,
    part.run_id,
    part.created_at AS computed_at
FROM stored_alignment AS alignment
JOIN stored_slot AS left_slot
    ON left_slot.target_id = alignment.target_id AND left_slot.slot = alignment.column_slot AND left_slot.is_live
JOIN stored_slot AS right_slot
    ON right_slot.target_id = alignment.target_id AND right_slot.slot = alignment.row_slot AND right_slot.is_live
JOIN stored_embedding AS left_embedding ON left_embedding.id = left_slot.embedding_id
JOIN stored_embedding AS right_embedding ON right_embedding.id = right_slot.embedding_id
JOIN stored_part AS part ON part.id = alignment.part_id
