CREATE VIEW analysis.acquisition_event AS
SELECT c.study, c.name AS campaign, c.strategy, p.name AS property_name, r.number AS round,
       s.content_hash AS structure_hash, s.reduced_formula AS formula, a.oracle_method, e.occurred_at, e.status,
       e.claimed_by, e.reason
FROM matsift.acquisition_event e
JOIN matsift.acquisition a ON a.id = e.acquisition_id
JOIN matsift.campaign c ON c.id = a.campaign_id
JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
JOIN matsift.property p ON p.id = c.property_id
JOIN matsift.structure s ON s.id = a.structure_id;

COMMENT ON VIEW analysis.acquisition_event IS 'The ledger: one row a status that an acquisition ever took, with who and why.';
COMMENT ON COLUMN analysis.acquisition_event.study IS 'study of the campaign';
COMMENT ON COLUMN analysis.acquisition_event.campaign IS 'name of the campaign';
COMMENT ON COLUMN analysis.acquisition_event.strategy IS 'acquisition strategy';
COMMENT ON COLUMN analysis.acquisition_event.property_name IS 'property that the campaign explores';
COMMENT ON COLUMN analysis.acquisition_event.round IS 'round that chose the structure, from 0';
COMMENT ON COLUMN analysis.acquisition_event.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.acquisition_event.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.acquisition_event.oracle_method IS 'method of the oracle that is asked';
COMMENT ON COLUMN analysis.acquisition_event.occurred_at IS 'when it took the status';
COMMENT ON COLUMN analysis.acquisition_event.status IS 'proposed, claimed, labelled, failed or released (claimable again)';
COMMENT ON COLUMN analysis.acquisition_event.claimed_by IS 'who held it then; NULL = nobody';
COMMENT ON COLUMN analysis.acquisition_event.reason IS 'why it took the status; NULL = that is plain';
