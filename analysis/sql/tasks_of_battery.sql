-- Which tasks does a battery have? Of a task with several versions the one that was registered last.
-- $battery: the suite's name.
-- benchmark_id: the task's benchmark.
-- task: the task.
-- chance: value of a guess, a share; NULL where the benchmark names none.
SELECT
    benchmark_id,
    task,
    chance
FROM benchmarks
WHERE suite = $battery
    AND metric = 'balanced_accuracy'
QUALIFY row_number() OVER (PARTITION BY task ORDER BY benchmark_id DESC) = 1
ORDER BY task
