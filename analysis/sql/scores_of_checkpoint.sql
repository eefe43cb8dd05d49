-- What does a checkpoint reach on the tasks it was measured on?
-- $checkpoint_id: which checkpoint.
-- suite: what the task belongs to.
-- task: the task.
-- metric: how a result is measured.
-- value: the result; NULL where the claim was refused.
-- stderr: its standard error, same unit.
-- chance: what a guess gives, same unit: as measured on shuffled answers, else as the task says.
-- higher_is_better: whether a higher value is a better one.
-- item_count: items it was measured on.
-- source: who says so.
-- status: valid, or refused: and why.
SELECT
    benchmarks.suite,
    benchmarks.task,
    benchmarks.metric,
    scores.value,
    scores.stderr,
    coalesce(scores.chance, benchmarks.chance) AS chance,
    benchmarks.higher_is_better,
    scores.item_count,
    scores.source,
    scores.status
FROM scores
JOIN benchmarks ON benchmarks.benchmark_id = scores.benchmark_id
WHERE scores.checkpoint_id = $checkpoint_id AND (scores.is_current OR scores.status <> 'valid')
ORDER BY benchmarks.suite, benchmarks.task, benchmarks.metric, scores.value, scores.source
