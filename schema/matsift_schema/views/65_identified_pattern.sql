CREATE VIEW analysis.identified_pattern AS
SELECT p.content_hash AS pattern_hash, p.name, p.wavelength_angstrom, i.content_hash AS answer_hash,
       g.space_group_number, g.probability, g.network_probability, i.is_sure, i.reason,
       ARRAY(SELECT o.space_group_number FROM matsift.pattern_space_group o
             WHERE o.identification_id = i.id AND o.in_set ORDER BY o.rank) AS likely_set,
       i.volume AS volume_angstrom3, i.volume_lower AS volume_lower_angstrom3, i.volume_upper AS volume_upper_angstrom3,
       s.reduced_formula AS best_formula, s.content_hash AS best_structure_hash, f.score AS best_score,
       jsonb_array_length(i.peaks -> 'q') AS n_peak, i.n_indexed, m.content_hash AS model_hash, i.run_id,
       i.created_at AS identified_at
FROM matsift.pattern_identification i
JOIN matsift.measured_pattern p ON p.id = i.measured_pattern_id
LEFT JOIN matsift.model_version m ON m.id = i.model_version_id
LEFT JOIN matsift.pattern_space_group g ON g.identification_id = i.id AND g.rank = 1
LEFT JOIN matsift.pattern_phase f ON f.identification_id = i.id AND f.fit = 'alone' AND f.rank = 1
LEFT JOIN matsift.structure s ON s.id = f.structure_id;

COMMENT ON VIEW analysis.identified_pattern IS 'One row an answer to a measured pattern: the most probable space group, the cell volume, the best stored structure.';
COMMENT ON COLUMN analysis.identified_pattern.pattern_hash IS 'the pattern: SHA-256 of wavelength, angles and intensities';
COMMENT ON COLUMN analysis.identified_pattern.name IS 'name that the experimentalist gave it';
COMMENT ON COLUMN analysis.identified_pattern.wavelength_angstrom IS 'wavelength of the radiation, angstrom';
COMMENT ON COLUMN analysis.identified_pattern.answer_hash IS 'the answer: SHA-256 of pattern, peaks, networks, searched profiles and settings';
COMMENT ON COLUMN analysis.identified_pattern.space_group_number IS 'most probable space group; NULL = none was ranked';
COMMENT ON COLUMN analysis.identified_pattern.probability IS 'its probability by networks and search together, fraction of 1; NULL = none was ranked';
COMMENT ON COLUMN analysis.identified_pattern.network_probability IS 'its probability by the networks alone, fraction of 1; NULL = they do not know it';
COMMENT ON COLUMN analysis.identified_pattern.is_sure IS 'whether the set that holds the true group is one group alone';
COMMENT ON COLUMN analysis.identified_pattern.reason IS 'why it is sure or not';
COMMENT ON COLUMN analysis.identified_pattern.likely_set IS 'space groups in the set that holds the true one, most probable first';
COMMENT ON COLUMN analysis.identified_pattern.volume_angstrom3 IS 'volume of the primitive cell by the networks, angstrom3; NULL = they say none';
COMMENT ON COLUMN analysis.identified_pattern.volume_lower_angstrom3 IS 'lower quartile of it, angstrom3; NULL = as it';
COMMENT ON COLUMN analysis.identified_pattern.volume_upper_angstrom3 IS 'upper quartile of it, angstrom3; NULL = as it';
COMMENT ON COLUMN analysis.identified_pattern.best_formula IS 'reduced formula of the stored structure that fits best; NULL = none fits';
COMMENT ON COLUMN analysis.identified_pattern.best_structure_hash IS 'that structure; NULL = none fits';
COMMENT ON COLUMN analysis.identified_pattern.best_score IS 'how well it fits, 0 to 1; NULL = none fits';
COMMENT ON COLUMN analysis.identified_pattern.n_peak IS 'peaks that were found, count';
COMMENT ON COLUMN analysis.identified_pattern.n_indexed IS 'stored profiles that were searched, count; NULL = none';
COMMENT ON COLUMN analysis.identified_pattern.model_hash IS 'the network ensemble; NULL = none was asked';
COMMENT ON COLUMN analysis.identified_pattern.run_id IS 'run that answered';
COMMENT ON COLUMN analysis.identified_pattern.identified_at IS 'when';
