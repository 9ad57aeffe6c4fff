CREATE VIEW analysis.acquisition AS
SELECT c.study, c.name AS campaign, c.strategy, p.name AS property_name, p.unit, r.number AS round,
       s.content_hash AS structure_hash, s.reduced_formula AS formula, a.rank, a.score,
       CASE WHEN m.property_id = c.property_id THEN k.mean END AS predicted_mean,
       CASE WHEN m.property_id = c.property_id THEN k.spread END AS predicted_spread, a.status, a.claimed_by, a.lease_expires_at, l.value AS label_value,
       l.method AS label_method, f.message AS failure_message, a.created_at, a.updated_at, a.run_id,
       a.oracle_method, a.heartbeat_at, a.external_job, a.reason
FROM matsift.acquisition a
JOIN matsift.campaign c ON c.id = a.campaign_id
JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
JOIN matsift.model_version m ON m.id = r.model_version_id
JOIN matsift.candidate_score k ON (k.campaign_round_id, k.structure_id) = (a.campaign_round_id, a.structure_id)
JOIN matsift.property p ON p.id = c.property_id
JOIN matsift.structure s ON s.id = a.structure_id
LEFT JOIN matsift.label l ON l.id = a.label_id
LEFT JOIN matsift.failure f ON f.id = a.failure_id;

COMMENT ON VIEW analysis.acquisition IS 'One row a structure that a campaign chose for labelling.';
COMMENT ON COLUMN analysis.acquisition.study IS 'study of the campaign';
COMMENT ON COLUMN analysis.acquisition.campaign IS 'name of the campaign';
COMMENT ON COLUMN analysis.acquisition.strategy IS 'acquisition strategy';
COMMENT ON COLUMN analysis.acquisition.property_name IS 'property that the campaign explores';
COMMENT ON COLUMN analysis.acquisition.unit IS 'unit of the property';
COMMENT ON COLUMN analysis.acquisition.round IS 'round that chose it, from 0';
COMMENT ON COLUMN analysis.acquisition.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.acquisition.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.acquisition.rank IS 'rank among the candidates of the round, 1 for the most wanted';
COMMENT ON COLUMN analysis.acquisition.score IS 'score that chose it; unit as the strategy (exploration: that of the row)';
COMMENT ON COLUMN analysis.acquisition.predicted_mean IS 'what the model of the round predicted, in the unit of the row; NULL = it predicts another property';
COMMENT ON COLUMN analysis.acquisition.predicted_spread IS 'standard deviation over its members, in the unit of the row; NULL = it predicts another property';
COMMENT ON COLUMN analysis.acquisition.status IS 'proposed, claimed, labelled, failed or released (claimable again)';
COMMENT ON COLUMN analysis.acquisition.claimed_by IS 'who labels it or did last; NULL = nobody yet';
COMMENT ON COLUMN analysis.acquisition.lease_expires_at IS 'when an unfinished claim is given back; NULL = not claimed now';
COMMENT ON COLUMN analysis.acquisition.label_value IS 'value that the oracle gave, in the unit of the row; NULL = none yet';
COMMENT ON COLUMN analysis.acquisition.label_method IS 'how that value was computed; NULL = none yet';
COMMENT ON COLUMN analysis.acquisition.failure_message IS 'why labelling failed last; NULL = it did not';
COMMENT ON COLUMN analysis.acquisition.created_at IS 'when it was proposed';
COMMENT ON COLUMN analysis.acquisition.updated_at IS 'when its status last changed';
COMMENT ON COLUMN analysis.acquisition.run_id IS 'run that proposed it';
COMMENT ON COLUMN analysis.acquisition.oracle_method IS 'method of the oracle that is asked';
COMMENT ON COLUMN analysis.acquisition.heartbeat_at IS 'when its worker last gave a sign of life; NULL = nobody claimed it yet';
COMMENT ON COLUMN analysis.acquisition.external_job IS 'the worker''s own name of the work; NULL = not told';
COMMENT ON COLUMN analysis.acquisition.reason IS 'why it took its status; NULL = that is plain';
