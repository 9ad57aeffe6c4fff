CREATE VIEW analysis.descriptor_value AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, t.name AS descriptor_set, t.version,
       c.column_name,
       CASE WHEN (c.place - 1)::smallint = ANY (d.missing_columns) THEN NULL ELSE c.value::float8 END AS value,
       d.run_id
FROM matsift.descriptor d
JOIN matsift.descriptor_set t ON t.id = d.descriptor_set_id
JOIN matsift.structure s ON s.id = d.structure_id
CROSS JOIN LATERAL unnest(t.column_names, d.vector::real[]) WITH ORDINALITY AS c (column_name, value, place);

COMMENT ON VIEW analysis.descriptor_value IS 'One row a structure a descriptor column, for all descriptor sets; ask for one structure or one set, it is long.';
COMMENT ON COLUMN analysis.descriptor_value.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.descriptor_value.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.descriptor_value.descriptor_set IS 'name of the descriptor set';
COMMENT ON COLUMN analysis.descriptor_value.version IS 'version of the descriptor set';
COMMENT ON COLUMN analysis.descriptor_value.column_name IS 'name of the column';
COMMENT ON COLUMN analysis.descriptor_value.value IS 'value in single precision, unit as the name of the column says; NULL = unknown';
COMMENT ON COLUMN analysis.descriptor_value.run_id IS 'run that computed it';
