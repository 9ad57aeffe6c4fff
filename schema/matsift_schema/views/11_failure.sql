CREATE VIEW analysis.failure AS
SELECT f.stage, f.subject, f.detail, f.error_class, f.message, f.seconds, f.attempt, f.occurred_at, f.run_id,
       s.content_hash AS structure_hash, s.reduced_formula AS formula, o.name AS source, e.external_id
FROM matsift.failure f
LEFT JOIN matsift.structure s ON s.id = f.structure_id
LEFT JOIN matsift.source_entry e ON e.id = f.source_entry_id
LEFT JOIN matsift.source o ON o.id = e.source_id;

COMMENT ON VIEW analysis.failure IS 'One row a thing that could not be parsed, featurized, labelled or predicted, an attempt.';
COMMENT ON COLUMN analysis.failure.stage IS 'parse, label_value, descriptor, relax, label, predict, ...';
COMMENT ON COLUMN analysis.failure.subject IS 'what failed: a file and row, an external id, a structure hash';
COMMENT ON COLUMN analysis.failure.detail IS 'which of several attempts on the subject: a descriptor set, a property; empty = only one';
COMMENT ON COLUMN analysis.failure.error_class IS 'class of the error';
COMMENT ON COLUMN analysis.failure.message IS 'one sentence that says what went wrong';
COMMENT ON COLUMN analysis.failure.seconds IS 'time spent before it failed, s';
COMMENT ON COLUMN analysis.failure.attempt IS '1 for the first try, 2 for the first retry';
COMMENT ON COLUMN analysis.failure.occurred_at IS 'when it failed';
COMMENT ON COLUMN analysis.failure.run_id IS 'run that met it';
COMMENT ON COLUMN analysis.failure.structure_hash IS 'content hash of the structure; NULL = none was read';
COMMENT ON COLUMN analysis.failure.formula IS 'reduced formula; NULL = no structure was read';
COMMENT ON COLUMN analysis.failure.source IS 'source of the entry; NULL = it is not about an entry';
COMMENT ON COLUMN analysis.failure.external_id IS 'id of the entry in its source; NULL = it is not about an entry';
