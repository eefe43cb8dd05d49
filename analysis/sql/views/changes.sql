-- What did a run change? Nothing is recorded yet: the view is empty.
-- run_id: the run.
-- subject: what changed.
-- kind: content, drift, trend or coverage.
-- old: the value before.
-- new: the value after.
SELECT
    NULL::INTEGER AS run_id,
    NULL::VARCHAR AS subject,
    NULL::VARCHAR AS kind,
    NULL::DOUBLE AS old,
    NULL::DOUBLE AS new
WHERE FALSE
