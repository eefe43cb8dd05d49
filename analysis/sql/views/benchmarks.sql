-- Which tasks outside this project are there?
-- benchmark_id: the benchmark.
-- suite: what it belongs to.
-- task: its task.
-- metric: how a result is measured.
-- version: which version of the task.
-- higher_is_better: whether a higher value is a better one.
-- low: lowest possible value, in the metric's unit.
-- high: highest possible value, in the metric's unit.
-- chance: value of a guess, in the metric's unit.
SELECT
    id AS benchmark_id,
    suite,
    task,
    metric,
    version,
    higher_is_better,
    low,
    high,
    chance
FROM stored_benchmark
