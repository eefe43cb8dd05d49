-- What does each checkpoint in use reach on a battery? Of several current claims, as under two protocols, the most trusted and of these the newest.
-- $battery: the suite's name.
-- checkpoint_id: whose result.
-- name: what it is called now.
-- modality: what it reads.
-- benchmark_id: on which task.
-- value: balanced accuracy, 0..1.
-- stderr: its standard error, same unit.
-- chance: what the same measurement gives on shuffled answers; NULL where nobody measured it.
-- protocol: how it was measured.
-- split: on which part of the data.
SELECT
    scores.checkpoint_id,
    checkpoints.name,
    checkpoints.modality,
    scores.benchmark_id,
    scores.value,
    scores.stderr,
    scores.chance,
    scores.protocol,
    scores.split
FROM scores
JOIN benchmarks ON benchmarks.benchmark_id = scores.benchmark_id
JOIN checkpoints ON checkpoints.checkpoint_id = scores.checkpoint_id
WHERE benchmarks.suite = $battery
    AND benchmarks.metric = 'balanced_accuracy'
    AND scores.is_current
    AND scores.value IS NOT NULL
    AND checkpoints.retired_at IS NULL
QUALIFY row_number() OVER (
        PARTITION BY scores.checkpoint_id, scores.benchmark_id
        ORDER BY
            CASE scores.trust WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END,
            scores.measured_at DESC,
            scores.protocol,
            scores.split,
            scores.shots
    ) = 1
ORDER BY scores.checkpoint_id, scores.benchmark_id
