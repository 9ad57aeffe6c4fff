CREATE VIEW analysis.descriptor_mp AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, t.version,
       v.known[array_position(t.column_names, 'volume_angstrom3')]::float8 AS volume_angstrom3,
       v.known[array_position(t.column_names, 'density_g_per_cm3')]::float8 AS density_g_per_cm3,
       v.known[array_position(t.column_names, 'band_gap_ev')]::float8 AS band_gap_ev,
       v.known[array_position(t.column_names, 'n_site')]::integer AS n_site,
       v.known[array_position(t.column_names, 'n_element')]::integer AS n_element,
       v.known[array_position(t.column_names, 'crystal_system_number')]::integer AS crystal_system_number,
       d.run_id
FROM matsift.descriptor d
JOIN matsift.descriptor_set t ON t.id = d.descriptor_set_id AND t.name = 'mp'
JOIN matsift.structure s ON s.id = d.structure_id
CROSS JOIN LATERAL (
    SELECT array_agg(CASE WHEN (u.place - 1)::smallint = ANY (d.missing_columns) THEN NULL ELSE u.value END
                     ORDER BY u.place) AS known
    FROM unnest(d.vector::real[]) WITH ORDINALITY AS u (value, place)
) AS v;

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
