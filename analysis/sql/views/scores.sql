-- What do checkpoints reach on benchmarks, and who says so?
-- checkpoint_id: whose result.
-- benchmark_id: on what.
-- value: the result, in the benchmark's unit.
-- stderr: its standard error, same unit.
-- item_count: items it was measured on.
-- shots: examples in the prompt.
-- protocol: how it was measured.
-- split: on which part of the data.
-- source: who says so.
-- trust: how far the source is trusted; not judged yet, NULL.
-- status: whether the claim was withdrawn; not recorded yet, NULL.
-- measured_at: when it was measured, UTC.
-- is_current: whether it is the newest claim for its checkpoint, benchmark, shots, protocol and split.
SELECT
    checkpoint_id,
    benchmark_id,
    value,
    stderr,
    item_count,
    shots,
    protocol,
    split,
    source,
    NULL::VARCHAR AS trust,
    NULL::VARCHAR AS status,
    measured_at,
    row_number() OVER (
        PARTITION BY checkpoint_id, benchmark_id, shots, protocol, split
        ORDER BY measured_at DESC, id DESC
    ) = 1 AS is_current
FROM stored_score
