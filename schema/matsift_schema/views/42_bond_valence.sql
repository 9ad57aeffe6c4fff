CREATE VIEW analysis.bond_valence AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, s.space_group_symbol, t.version,
       CASE WHEN array_position(t.column_names, 'gii_cations_vu') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'gii_cations_vu')] END::float8 AS gii_cations_vu,
       CASE WHEN array_position(t.column_names, 'gii_all_vu') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'gii_all_vu')] END::float8 AS gii_all_vu,
       CASE WHEN array_position(t.column_names, 'cation_deviation_mean_vu') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'cation_deviation_mean_vu')] END::float8 AS cation_deviation_mean_vu,
       CASE WHEN array_position(t.column_names, 'cation_deviation_min_vu') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'cation_deviation_min_vu')] END::float8 AS cation_deviation_min_vu,
       CASE WHEN array_position(t.column_names, 'cation_deviation_max_vu') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'cation_deviation_max_vu')] END::float8 AS cation_deviation_max_vu,
       CASE WHEN array_position(t.column_names, 'anion_deviation_mean_vu') - 1 <> ALL (d.missing_columns)
            THEN (d.vector::real[])[array_position(t.column_names, 'anion_deviation_mean_vu')] END::float8 AS anion_deviation_mean_vu,
       d.run_id
FROM matsift.descriptor d
JOIN matsift.descriptor_set t ON t.id = d.descriptor_set_id AND t.name = 'bond_valence'
JOIN matsift.structure s ON s.id = d.structure_id;

COMMENT ON VIEW analysis.bond_valence IS 'How well the bonds of an oxide fit its valences, one row a structure a version; the descriptor set bond_valence as named columns, single precision.';
COMMENT ON COLUMN analysis.bond_valence.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.bond_valence.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.bond_valence.space_group_symbol IS 'short international symbol; NULL = none found';
COMMENT ON COLUMN analysis.bond_valence.version IS 'version of the descriptor set';
COMMENT ON COLUMN analysis.bond_valence.gii_cations_vu IS 'global instability index over the cations: root mean square difference of bond valence sums and valences, valence units';
COMMENT ON COLUMN analysis.bond_valence.gii_all_vu IS 'global instability index over cations and anions, valence units';
COMMENT ON COLUMN analysis.bond_valence.cation_deviation_mean_vu IS 'mean difference of bond valence sum and valence over the cations, valence units; below 0 = bonds too long';
COMMENT ON COLUMN analysis.bond_valence.cation_deviation_min_vu IS 'smallest difference of bond valence sum and valence of a cation, valence units';
COMMENT ON COLUMN analysis.bond_valence.cation_deviation_max_vu IS 'largest difference of bond valence sum and valence of a cation, valence units';
COMMENT ON COLUMN analysis.bond_valence.anion_deviation_mean_vu IS 'mean difference of bond valence sum and valence over the anions, valence units';
COMMENT ON COLUMN analysis.bond_valence.run_id IS 'run that computed it';
