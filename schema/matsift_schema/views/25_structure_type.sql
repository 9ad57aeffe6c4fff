CREATE VIEW analysis.structure_type AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, t.method, t.name AS structure_type, t.run_id
FROM matsift.structure_type t
JOIN matsift.structure s ON s.id = t.structure_id;

COMMENT ON VIEW analysis.structure_type IS 'One row a structure a method: its structure type.';
COMMENT ON COLUMN analysis.structure_type.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.structure_type.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.structure_type.method IS 'how it was found, as the labels of the space group say';
COMMENT ON COLUMN analysis.structure_type.structure_type IS 'space group, then multiplicity and site symmetry of the sites of each kind of atom';
COMMENT ON COLUMN analysis.structure_type.run_id IS 'run that found it';
