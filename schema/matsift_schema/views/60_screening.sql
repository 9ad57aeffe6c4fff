-- Outer joins of keys that are always there: PostgreSQL leaves out those whose columns nobody asks for.
CREATE VIEW analysis.screening AS
SELECT c.study, c.name AS screen, c.content_hash AS screen_hash, s.content_hash AS structure_hash,
       s.reduced_formula AS formula, o.criterion, o.outcome, o.value_seen,
       (SELECT p.unit FROM matsift.property p
        WHERE p.name = (SELECT j ->> 'property' FROM jsonb_array_elements(c.criteria -> 'criteria') AS j
                        WHERE j ->> 'name' = o.criterion LIMIT 1)) AS unit,
       o.detail, o.run_id
FROM matsift.screen_outcome o
LEFT JOIN matsift.screen c ON c.id = o.screen_id
LEFT JOIN matsift.structure s ON s.id = o.structure_id;

COMMENT ON VIEW analysis.screening IS 'One row a structure a criterion of a screen.';
COMMENT ON COLUMN analysis.screening.study IS 'study that asked for the screen';
COMMENT ON COLUMN analysis.screening.screen IS 'name of the screen';
COMMENT ON COLUMN analysis.screening.screen_hash IS 'identity of the screen: other criteria or settings are another screen';
COMMENT ON COLUMN analysis.screening.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.screening.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.screening.criterion IS 'name of the criterion';
COMMENT ON COLUMN analysis.screening.outcome IS 'passed, failed or unknown';
COMMENT ON COLUMN analysis.screening.value_seen IS 'value that decided, in the unit of the row; NULL = none was known or it is not a number';
COMMENT ON COLUMN analysis.screening.unit IS 'unit of the value seen; NULL = a count, or not a number';
COMMENT ON COLUMN analysis.screening.detail IS 'what decided, in words; NULL = nothing to add';
COMMENT ON COLUMN analysis.screening.run_id IS 'run that screened';
