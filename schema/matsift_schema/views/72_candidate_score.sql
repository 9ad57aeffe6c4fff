CREATE VIEW analysis.candidate_score AS
SELECT c.study, c.name AS campaign, c.strategy, p.name AS property_name, p.unit, r.number AS round,
       s.content_hash AS structure_hash, s.reduced_formula AS formula,
       CASE WHEN m.property_id = c.property_id THEN k.mean END AS mean,
       CASE WHEN m.property_id = c.property_id THEN k.spread END AS spread, k.score, k.rank,
       a.status AS acquisition_status, r.run_id
FROM matsift.candidate_score k
JOIN matsift.campaign_round r ON r.id = k.campaign_round_id
JOIN matsift.model_version m ON m.id = r.model_version_id
JOIN matsift.campaign c ON c.id = r.campaign_id
JOIN matsift.property p ON p.id = c.property_id
JOIN matsift.structure s ON s.id = k.structure_id
LEFT JOIN matsift.acquisition a ON (a.campaign_round_id, a.structure_id) = (k.campaign_round_id, k.structure_id);

COMMENT ON VIEW analysis.candidate_score IS 'One row a candidate a round of a campaign, those not acquired too.';
COMMENT ON COLUMN analysis.candidate_score.study IS 'study of the campaign';
COMMENT ON COLUMN analysis.candidate_score.campaign IS 'name of the campaign';
COMMENT ON COLUMN analysis.candidate_score.strategy IS 'acquisition strategy';
COMMENT ON COLUMN analysis.candidate_score.property_name IS 'property that the campaign explores';
COMMENT ON COLUMN analysis.candidate_score.unit IS 'unit of the property';
COMMENT ON COLUMN analysis.candidate_score.round IS 'number of the round, from 0';
COMMENT ON COLUMN analysis.candidate_score.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.candidate_score.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.candidate_score.mean IS 'predicted value, in the unit of the row; NULL = the model predicts another property';
COMMENT ON COLUMN analysis.candidate_score.spread IS 'standard deviation over members, in the unit of the row; NULL = the model predicts another property';
COMMENT ON COLUMN analysis.candidate_score.score IS 'score of the strategy, larger is more wanted; unit as the strategy';
COMMENT ON COLUMN analysis.candidate_score.rank IS '1 for the most wanted';
COMMENT ON COLUMN analysis.candidate_score.acquisition_status IS 'status of its acquisition; NULL = not acquired in this round';
COMMENT ON COLUMN analysis.candidate_score.run_id IS 'run that scored';
