CREATE VIEW analysis.structure AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, s.formula AS cell_formula, s.anonymous_formula,
       s.chemical_system, s.elements, s.n_element, s.n_site, s.space_group_number, s.space_group_symbol,
       s.crystal_system, s.volume_angstrom3, s.volume_angstrom3 / s.n_site AS volume_per_site_angstrom3,
       s.density_g_per_cm3, s.is_ordered, s.holds, s.run_id, s.created_at
FROM matsift.structure s;

COMMENT ON VIEW analysis.structure IS 'One row a crystal, without its coordinates.';
COMMENT ON COLUMN analysis.structure.structure_hash IS 'identity: SHA-256 of lattice and contents; other views name it';
COMMENT ON COLUMN analysis.structure.formula IS 'reduced formula, for example NaCl';
COMMENT ON COLUMN analysis.structure.cell_formula IS 'formula of the whole cell';
COMMENT ON COLUMN analysis.structure.anonymous_formula IS 'formula with letters for elements, for example AB2';
COMMENT ON COLUMN analysis.structure.chemical_system IS 'sorted element symbols joined by hyphens';
COMMENT ON COLUMN analysis.structure.elements IS 'sorted element symbols; ask with @> ARRAY[''Na'']';
COMMENT ON COLUMN analysis.structure.n_element IS 'different elements, count';
COMMENT ON COLUMN analysis.structure.n_site IS 'sites in the cell, count';
COMMENT ON COLUMN analysis.structure.space_group_number IS 'international number 1 to 230 at 0.01 angstrom; NULL = none found';
COMMENT ON COLUMN analysis.structure.space_group_symbol IS 'short international symbol; NULL = none found';
COMMENT ON COLUMN analysis.structure.crystal_system IS 'one of seven, lower case; NULL = none found';
COMMENT ON COLUMN analysis.structure.volume_angstrom3 IS 'cell volume, cubic angstrom';
COMMENT ON COLUMN analysis.structure.volume_per_site_angstrom3 IS 'cell volume over its sites, cubic angstrom';
COMMENT ON COLUMN analysis.structure.density_g_per_cm3 IS 'mass density, g/cm3';
COMMENT ON COLUMN analysis.structure.is_ordered IS 'every site holds one fully occupied species';
COMMENT ON COLUMN analysis.structure.holds IS 'named reservations that its first source had; empty = none';
COMMENT ON COLUMN analysis.structure.run_id IS 'run that stored it first';
COMMENT ON COLUMN analysis.structure.created_at IS 'when it was stored first';
