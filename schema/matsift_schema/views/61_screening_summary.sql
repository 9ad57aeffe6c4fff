CREATE VIEW analysis.screening_summary AS
SELECT c.study, c.name AS screen, c.content_hash AS screen_hash, s.content_hash AS structure_hash,
       s.reduced_formula AS formula, o.n_passed, o.n_failed, o.n_unknown,
       CASE WHEN o.n_failed > 0 THEN 'failed' WHEN o.n_unknown > 0 THEN 'unknown' ELSE 'passed' END AS state,
       o.failed_criteria, o.unknown_criteria,
       c.id = (SELECT max(n.id) FROM matsift.screen n WHERE n.study = c.study) AS is_current
FROM (
    SELECT screen_id, structure_id,
           count(*) FILTER (WHERE outcome = 'passed') AS n_passed,
           count(*) FILTER (WHERE outcome = 'failed') AS n_failed,
           count(*) FILTER (WHERE outcome = 'unknown') AS n_unknown,
           coalesce(array_agg(criterion ORDER BY criterion) FILTER (WHERE outcome = 'failed'), '{}') AS failed_criteria,
           coalesce(array_agg(criterion ORDER BY criterion) FILTER (WHERE outcome = 'unknown'), '{}')
               AS unknown_criteria
    FROM matsift.screen_outcome GROUP BY screen_id, structure_id
) AS o
JOIN matsift.screen c ON c.id = o.screen_id
JOIN matsift.structure s ON s.id = o.structure_id;

COMMENT ON VIEW analysis.screening_summary IS 'One row a structure a screen: how many criteria passed, failed and could not decide.';
COMMENT ON COLUMN analysis.screening_summary.study IS 'study that asked for the screen';
COMMENT ON COLUMN analysis.screening_summary.screen IS 'name of the screen';
COMMENT ON COLUMN analysis.screening_summary.screen_hash IS 'identity of the screen';
COMMENT ON COLUMN analysis.screening_summary.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.screening_summary.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.screening_summary.n_passed IS 'criteria passed, count';
COMMENT ON COLUMN analysis.screening_summary.n_failed IS 'criteria failed, count';
COMMENT ON COLUMN analysis.screening_summary.n_unknown IS 'criteria that could not decide, count';
COMMENT ON COLUMN analysis.screening_summary.state IS 'failed where any failed, else unknown where any is, else passed';
COMMENT ON COLUMN analysis.screening_summary.failed_criteria IS 'names of the criteria failed';
COMMENT ON COLUMN analysis.screening_summary.unknown_criteria IS 'names of the criteria that could not decide';
COMMENT ON COLUMN analysis.screening_summary.is_current IS 'the newest screen of its study';
