-- Which batteries of tasks can checkpoints be judged by? Those that are measured by balanced accuracy.
-- battery: the suite's name.
-- task_count: tasks in it.
-- score_count: valid current scores on them.
SELECT
    benchmarks.suite AS battery,
    count(DISTINCT benchmarks.task) AS task_count,
    count(scores.value) AS score_count
FROM benchmarks
LEFT JOIN scores
    ON scores.benchmark_id = benchmarks.benchmark_id AND scores.is_current AND scores.value IS NOT NULL
WHERE benchmarks.metric = 'balanced_accuracy'
GROUP BY benchmarks.suite
ORDER BY benchmarks.suite
