CREATE VIEW analysis.oracle_result AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, o.method, o.detail, o.worker, o.seconds,
       o.created_at, o.run_id
FROM matsift.oracle_result o
JOIN matsift.structure s ON s.id = o.structure_id;

COMMENT ON VIEW analysis.oracle_result IS 'One row a structure and method that an oracle labelled: what it told beside the labels.';
COMMENT ON COLUMN analysis.oracle_result.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.oracle_result.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.oracle_result.method IS 'method that its labels name';
COMMENT ON COLUMN analysis.oracle_result.detail IS 'parameters, versions and intermediate values, with their units';
COMMENT ON COLUMN analysis.oracle_result.worker IS 'who returned it';
COMMENT ON COLUMN analysis.oracle_result.seconds IS 'time it took, s; 0 where not measured';
COMMENT ON COLUMN analysis.oracle_result.created_at IS 'when it was written';
COMMENT ON COLUMN analysis.oracle_result.run_id IS 'run that wrote it';
