CREATE VIEW analysis.pattern_space_group AS
SELECT p.content_hash AS pattern_hash, p.name, i.content_hash AS answer_hash, g.rank, g.space_group_number,
       g.probability, g.network_probability, g.member_probabilities, g.search_score, g.in_set, g.run_id
FROM matsift.pattern_space_group g
JOIN matsift.pattern_identification i ON i.id = g.identification_id
JOIN matsift.measured_pattern p ON p.id = i.measured_pattern_id;

COMMENT ON VIEW analysis.pattern_space_group IS 'The space groups that an answer to a measured pattern ranks.';
COMMENT ON COLUMN analysis.pattern_space_group.pattern_hash IS 'the pattern';
COMMENT ON COLUMN analysis.pattern_space_group.name IS 'name that the experimentalist gave it';
COMMENT ON COLUMN analysis.pattern_space_group.answer_hash IS 'the answer';
COMMENT ON COLUMN analysis.pattern_space_group.rank IS '1 for the most probable';
COMMENT ON COLUMN analysis.pattern_space_group.space_group_number IS 'space group';
COMMENT ON COLUMN analysis.pattern_space_group.probability IS 'probability by networks and search together, fraction of 1';
COMMENT ON COLUMN analysis.pattern_space_group.network_probability IS 'probability by the networks alone, fraction of 1; NULL = they do not know it';
COMMENT ON COLUMN analysis.pattern_space_group.member_probabilities IS 'probability by each network, fraction of 1';
COMMENT ON COLUMN analysis.pattern_space_group.search_score IS 'score of the best stored profile of this group, 0 to 1; NULL = none fits';
COMMENT ON COLUMN analysis.pattern_space_group.in_set IS 'whether it is in the set that holds the true group';
COMMENT ON COLUMN analysis.pattern_space_group.run_id IS 'run that computed it';
