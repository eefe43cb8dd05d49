-- Which run was the last, those aside that only made snapshots?
-- run_id: the run.
-- kind: which command.
-- status: running, done, partly done, failed or interrupted.
-- device: where it computed.
-- started_at: when it began, UTC.
SELECT
    run_id,
    kind,
    status,
    device,
    started_at
FROM runs
ORDER BY run_id DESC
LIMIT 1
