-- Which matrices of pairs ought to exist?
-- target_id: the target.
-- dataset_id: on which items.
-- metric: the metric's name.
-- parameters: all its parameters, JSON.
-- recipe: how embeddings are prepared.
-- reducer: how one score is made of all layer pairs.
-- symmetric: whether a pair has one score, whichever side comes first (a reserved word: write targets.symmetric).
-- item_count: items, n.
-- draws: permutations of the null; no null yet, NULL.
-- alpha: level of the null's threshold; no null yet, NULL.
-- null_scheme: how items are permuted; no null yet, NULL.
SELECT
    target.id AS target_id,
    target.dataset_id,
    metric.name AS metric,
    metric.parameters::JSON AS parameters,
    target.recipe,
    target.reducer,
    metric.is_symmetric AS symmetric,
    dataset.item_count,
    NULL::INTEGER AS draws,
    NULL::DOUBLE AS alpha,
    NULL::VARCHAR AS null_scheme
FROM stored_target AS target
JOIN stored_metric AS metric ON metric.id = target.metric_id
JOIN stored_dataset AS dataset ON dataset.id = target.dataset_id
