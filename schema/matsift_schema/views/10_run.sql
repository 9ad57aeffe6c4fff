CREATE VIEW analysis.run AS
SELECT r.id AS run_id, r.flow, r.study, r.status, r.started_at, r.ended_at,
       extract(epoch FROM r.ended_at - r.started_at)::float8 AS seconds,
       r.code_version, r.environment_hash, r.parameters, r.counts, r.message
FROM matsift.run r;

COMMENT ON VIEW analysis.run IS 'One row an execution of a flow that wrote at least one row.';
COMMENT ON COLUMN analysis.run.run_id IS 'number of the run; other views name it';
COMMENT ON COLUMN analysis.run.flow IS 'name of the flow';
COMMENT ON COLUMN analysis.run.study IS 'study that it ran for; NULL = none';
COMMENT ON COLUMN analysis.run.status IS 'running, completed, failed or interrupted';
COMMENT ON COLUMN analysis.run.started_at IS 'when it started';
COMMENT ON COLUMN analysis.run.ended_at IS 'when it ended; NULL = running, or killed without notice';
COMMENT ON COLUMN analysis.run.seconds IS 'duration, s; NULL = not ended';
COMMENT ON COLUMN analysis.run.code_version IS 'version of matsift';
COMMENT ON COLUMN analysis.run.environment_hash IS 'hash of the versions of all installed packages';
COMMENT ON COLUMN analysis.run.parameters IS 'arguments of the flow';
COMMENT ON COLUMN analysis.run.counts IS 'rows written and seen, by name';
COMMENT ON COLUMN analysis.run.message IS 'why it failed or was interrupted; NULL = it was not';
