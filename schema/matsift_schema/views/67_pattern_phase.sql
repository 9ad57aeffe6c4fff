CREATE VIEW analysis.pattern_phase AS
SELECT p.content_hash AS pattern_hash, p.name, i.content_hash AS answer_hash, f.fit, f.rank,
       s.content_hash AS structure_hash, s.reduced_formula AS formula, s.space_group_number, s.space_group_symbol,
       f.score, f.share, f.zero_shift_deg, f.cell_scale, f.run_id
FROM matsift.pattern_phase f
JOIN matsift.pattern_identification i ON i.id = f.identification_id
JOIN matsift.measured_pattern p ON p.id = i.measured_pattern_id
JOIN matsift.structure s ON s.id = f.structure_id;

COMMENT ON VIEW analysis.pattern_phase IS 'The stored structures whose ideal profiles fit a measured pattern.';
COMMENT ON COLUMN analysis.pattern_phase.pattern_hash IS 'the pattern';
COMMENT ON COLUMN analysis.pattern_phase.name IS 'name that the experimentalist gave it';
COMMENT ON COLUMN analysis.pattern_phase.answer_hash IS 'the answer';
COMMENT ON COLUMN analysis.pattern_phase.fit IS 'alone = it explains the pattern by itself; mixture = together with the others';
COMMENT ON COLUMN analysis.pattern_phase.rank IS '1 for the best alone, or the strongest of the mixture';
COMMENT ON COLUMN analysis.pattern_phase.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.pattern_phase.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.pattern_phase.space_group_number IS 'its space group as stored; NULL = none found';
COMMENT ON COLUMN analysis.pattern_phase.space_group_symbol IS 'short international symbol; NULL = none found';
COMMENT ON COLUMN analysis.pattern_phase.score IS 'how well it fits, 0 to 1';
COMMENT ON COLUMN analysis.pattern_phase.share IS 'measured intensity that its lines explain, fraction of 1';
COMMENT ON COLUMN analysis.pattern_phase.zero_shift_deg IS 'measured minus true 2 theta, degree';
COMMENT ON COLUMN analysis.pattern_phase.cell_scale IS 'edges of the measured cell over those of the structure, unit 1';
COMMENT ON COLUMN analysis.pattern_phase.run_id IS 'run that computed it';
