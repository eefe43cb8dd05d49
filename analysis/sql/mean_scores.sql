-- What does each checkpoint reach on average over the tasks of a suite?
-- checkpoint_id: the checkpoint.
-- suite: the suite.
-- metric: how its results are measured.
-- task_count: tasks of the suite that the checkpoint was measured on.
-- value: mean of the current results.
-- chance: mean of what a guess gives; NULL where it is unknown for a task.
SELECT
    scores.checkpoint_id,
    benchmarks.suite,
    benchmarks.metric,
    count(DISTINCT benchmarks.task) AS task_count,
    avg(scores.value) AS value,
    CASE
        WHEN count(*) = count(coalesce(scores.chance, benchmarks.chance))
            THEN avg(coalesce(scores.chance, benchmarks.chance))
    END AS chance
FROM scores
JOIN benchmarks ON benchmarks.benchmark_id = scores.benchmark_id
WHERE scores.is_current AND scores.status = 'valid'
GROUP BY scores.checkpoint_id, benchmarks.suite, benchmarks.metric
ORDER BY scores.checkpoint_id, benchmarks.suite, benchmarks.metric
