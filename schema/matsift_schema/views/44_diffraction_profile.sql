CREATE VIEW analysis.diffraction_profile AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, t.version, cardinality(p.bins) AS n_bin,
       p.bins, p.intensities, p.seconds, p.run_id
FROM matsift.diffraction_profile p
JOIN matsift.descriptor_set t ON t.id = p.descriptor_set_id
JOIN matsift.structure s ON s.id = p.structure_id;

COMMENT ON VIEW analysis.diffraction_profile IS 'The ideal powder profile of a structure, one row a structure a version; 10001 bins of 1/d from 0.1131 to 1.0625 per angstrom.';
COMMENT ON COLUMN analysis.diffraction_profile.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.diffraction_profile.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.diffraction_profile.version IS 'version of the descriptor set diffraction';
COMMENT ON COLUMN analysis.diffraction_profile.n_bin IS 'occupied bins, count';
COMMENT ON COLUMN analysis.diffraction_profile.bins IS 'occupied bins, ascending, from 0';
COMMENT ON COLUMN analysis.diffraction_profile.intensities IS 'sum of |F|^2 in each, over the largest, fraction of 1';
COMMENT ON COLUMN analysis.diffraction_profile.seconds IS 'time that the computation took, s';
COMMENT ON COLUMN analysis.diffraction_profile.run_id IS 'run that computed it';
