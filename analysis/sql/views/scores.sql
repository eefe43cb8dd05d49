-- What do checkpoints reach on benchmarks, and who says so?
-- checkpoint_id: whose result.
-- benchmark_id: on what.
-- value: the result, in the benchmark's unit; NULL where the claim was refused.
-- stderr: its standard error, same unit.
-- chance: what the same measurement gives on shuffled answers, same unit; NULL where nobody measured it.
-- item_count: items it was measured on.
-- shots: examples in the prompt.
-- protocol: how it was measured.
-- split: on which part of the data.
-- source: who says so.
-- trust: how far the source is trusted: high, medium or low.
-- status: valid, or refused: and why, or retired: and why, where every import that brought it is retired.
-- measured_at: when it was measured, UTC.
-- is_current: whether it is the claim to use for its checkpoint, benchmark, shots, protocol and split: the most trusted, of these the newest.
WITH imported AS (
    SELECT
        link.score_id,
        bool_and(batch.retired_at IS NOT NULL) AS is_retired,
        max_by(batch.retired_reason, batch.retired_at) AS retired_reason
    FROM stored_imported_score AS link
    JOIN stored_import_batch AS batch ON batch.id = link.batch_id
    GROUP BY link.score_id
),

claims AS (
    SELECT
        score.*,
        source.name AS source,
        source.trust,
        coalesce(imported.is_retired, FALSE) AS is_retired,
        imported.retired_reason,
        row_number() OVER (
            PARTITION BY score.checkpoint_id, score.benchmark_id, score.shots, score.protocol, score.split
            ORDER BY
                coalesce(imported.is_retired, FALSE),
                CASE source.trust WHEN 'high' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END,
                coalesce(source.published_at, score.measured_at) DESC,
                score.id DESC
        ) AS place
    FROM stored_score AS score
    JOIN stored_source AS source ON source.id = score.source_id
    LEFT JOIN imported ON imported.score_id = score.id
)

SELECT
    checkpoint_id,
    benchmark_id,
    value,
    stderr,
    chance,
    item_count,
    shots,
    protocol,
    split,
    source,
    trust,
    CASE WHEN is_retired THEN 'retired: ' || retired_reason ELSE 'valid' END AS status,
    measured_at,
    place = 1 AND NOT is_retired AS is_current
FROM claims
UNION ALL
SELECT
    refusal.checkpoint_id,
    refusal.benchmark_id,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    source.name,
    source.trust,
    'refused: ' || refusal.reason,
    refusal.refused_at,
    FALSE
FROM stored_score_refusal AS refusal
JOIN stored_source AS source ON source.id = refusal.source_id
