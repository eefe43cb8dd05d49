-- Which matrices of pairs ought to exist, on what, and how far is each?
-- target_id: the target.
-- name: what it is called.
-- dataset_id: on which items.
-- dataset: what the data set is called.
-- revision: which version of it.
-- item_count: items, n.
-- modalities: in which forms each item exists, a list.
-- licence: under which the items may be used.
-- credit: whom to name.
-- metric: the metric's name.
-- parameters: all its parameters, JSON.
-- recipe: how embeddings are prepared.
-- reducer: how one score is made of all layer pairs.
-- pairs: all, or only those across modalities.
-- is_symmetric: whether a pair has one score, whichever side comes first.
-- chance: mean score of one layer pair of unrelated embeddings; NULL where the metric has no such value.
-- draws: permutations of the null that are wanted.
-- alpha: level of the null's threshold, 0..1.
-- null_scheme: how items are permuted.
-- pair_count: wanted pairs between its live embeddings.
-- fresh_count: those that are computed.
-- calibrated_count: those whose null is done.
-- blocked_count: further pairs that wait for an embedding that is missing or corrupt.
SELECT
    targets.target_id,
    targets.name,
    targets.dataset_id,
    datasets.name AS dataset,
    datasets.revision,
    datasets.item_count,
    datasets.modalities,
    datasets.licence,
    datasets.credit,
    targets.metric,
    targets.parameters,
    targets.recipe,
    targets.reducer,
    targets.pairs,
    targets.symmetric AS is_symmetric,
    targets.chance,
    targets.draws,
    targets.alpha,
    targets.null_scheme,
    coverage.pair_count,
    coverage.fresh_count,
    coverage.calibrated_count,
    coverage.blocked_count
FROM targets
JOIN datasets ON datasets.dataset_id = targets.dataset_id
JOIN coverage ON coverage.target_id = targets.target_id
ORDER BY targets.target_id
