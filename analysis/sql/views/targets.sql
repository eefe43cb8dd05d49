-- Which matrices of pairs ought to exist?
-- target_id: the target.
-- name: what it is called.
-- dataset_id: on which items.
-- metric: the metric's name.
-- parameters: all its parameters, JSON.
-- recipe: how embeddings are prepared.
-- reducer: how one score is made of all layer pairs.
-- pairs: all, or only those across modalities.
-- symmetric: whether a pair has one score, whichever side comes first (a reserved word: write targets.symmetric).
-- item_count: items, n.
-- chance: mean score of one layer pair of unrelated embeddings, in closed form; NULL where the metric has none.
-- draws: permutations of the null that are wanted now.
-- alpha: level of the null's threshold tau, 0..1.
-- null_scheme: how items are permuted: items, groups, or within:COVARIATE.
-- seed: of the permutations.
-- chance_sd: standard deviation of that score, in closed form; NULL where the metric has none.
-- highest: the highest score that the metric has; NULL where it has no bound.
SELECT
    target.id AS target_id,
    target.name,
    target.dataset_id,
    metric.name AS metric,
    metric.parameters::JSON AS parameters,
    target.recipe,
    target.reducer,
    target.pairs,
    metric.is_symmetric AS symmetric,
    dataset.item_count,
    target.chance,
    target.draws,
    target.alpha,
    target.null_scheme,
    target.seed,
    target.chance_sd,
    target.highest
FROM stored_target AS target
JOIN stored_metric AS metric ON metric.id = target.metric_id
JOIN stored_dataset AS dataset ON dataset.id = target.dataset_id
