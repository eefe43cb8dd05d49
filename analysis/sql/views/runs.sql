-- What was done, when and where? Runs that only made snapshots are not listed: they change nothing shown here.
-- run_id: the run.
-- kind: which command.
-- started_at: when it began, UTC.
-- ended_at: when it ended, UTC; NULL is not yet.
-- status: running, done, partly done, failed or interrupted.
-- code_version: version of Cavewall.
-- host: the machine.
-- device: where it computed.
-- counts: what it did, in numbers, JSON.
SELECT
    id AS run_id,
    kind,
    started_at,
    ended_at,
    status,
    code_version,
    host,
    device,
    counts::JSON AS counts
FROM stored_run
