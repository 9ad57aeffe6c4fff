CREATE VIEW analysis.descriptor_mp AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, t.version,
       CASE WHEN array_position(t.column_names, 'volume_angstrom3') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'volume_angstrom3')] END::float8 AS volume_angstrom3,
       CASE WHEN array_position(t.column_names, 'density_g_per_cm3') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'density_g_per_cm3')] END::float8 AS density_g_per_cm3,
       CASE WHEN array_position(t.column_names, 'band_gap_ev') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'band_gap_ev')] END::float8 AS band_gap_ev,
       CASE WHEN array_position(t.column_names, 'n_site') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'n_site')] END::integer AS n_site,
       CASE WHEN array_position(t.column_names, 'n_element') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'n_element')] END::integer AS n_element,
       CASE WHEN array_position(t.column_names, 'crystal_system_number') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'crystal_system_number')] END::integer AS crystal_system_number,
       d.run_id
FROM matsift.descriptor d
JOIN matsift.descriptor_set t ON t.id = d.descriptor_set_id AND t.name = 'mp'
JOIN matsift.structure s ON s.id = d.structure_id;

COMMENT ON VIEW analysis.descriptor_mp IS 'The descriptors of the set mp as named columns, one row a structure a version; single precision.';
COMMENT ON COLUMN analysis.descriptor_mp.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.descriptor_mp.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.descriptor_mp.version IS 'version of the descriptor set';
COMMENT ON COLUMN analysis.descriptor_mp.volume_angstrom3 IS 'cell volume, cubic angstrom';
COMMENT ON COLUMN analysis.descriptor_mp.density_g_per_cm3 IS 'mass density, g/cm3';
COMMENT ON COLUMN analysis.descriptor_mp.band_gap_ev IS 'Kohn-Sham band gap, eV; NULL = not known';
COMMENT ON COLUMN analysis.descriptor_mp.n_site IS 'sites in the cell, count';
COMMENT ON COLUMN analysis.descriptor_mp.n_element IS 'different elements, count';
COMMENT ON COLUMN analysis.descriptor_mp.crystal_system_number IS 'from 1 (triclinic) to 7 (cubic); NULL = not known';
COMMENT ON COLUMN analysis.descriptor_mp.run_id IS 'run that computed it';
