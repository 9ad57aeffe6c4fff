CREATE VIEW analysis.acquisition_choice AS
SELECT c.study, c.name AS campaign, c.strategy, p.name AS property_name, p.unit, r.number AS round,
       s.content_hash AS structure_hash, s.reduced_formula AS formula,
       CASE WHEN m.property_id = c.property_id THEN k.mean END AS predicted_mean,
       CASE WHEN m.property_id = c.property_id THEN k.spread END AS predicted_spread,
       k.score, k.rank, r.n_candidate, m.content_hash AS model_hash, m.learner,
       d.content_hash AS snapshot_hash, d.n_row AS n_label,
       above.formula AS formula_above, above.score AS score_above, below.formula AS formula_below,
       below.score AS score_below, above.status AS status_above, below.status AS status_below,
       a.status, l.value AS label_value, a.reason
FROM matsift.acquisition a
JOIN matsift.campaign c ON c.id = a.campaign_id
JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
JOIN matsift.candidate_score k ON (k.campaign_round_id, k.structure_id) = (a.campaign_round_id, a.structure_id)
JOIN matsift.property p ON p.id = c.property_id
JOIN matsift.structure s ON s.id = a.structure_id
JOIN matsift.model_version m ON m.id = r.model_version_id
JOIN matsift.dataset_snapshot d ON d.id = m.snapshot_id
LEFT JOIN matsift.label l ON l.id = a.label_id
LEFT JOIN LATERAL (
    SELECT t.reduced_formula AS formula, o.score, b.status
    FROM matsift.candidate_score o
    JOIN matsift.structure t ON t.id = o.structure_id
    LEFT JOIN matsift.acquisition b ON (b.campaign_round_id, b.structure_id) = (o.campaign_round_id, o.structure_id)
    WHERE o.campaign_round_id = k.campaign_round_id AND o.rank = k.rank - 1
) AS above ON true
LEFT JOIN LATERAL (
    SELECT t.reduced_formula AS formula, o.score, b.status
    FROM matsift.candidate_score o
    JOIN matsift.structure t ON t.id = o.structure_id
    LEFT JOIN matsift.acquisition b ON (b.campaign_round_id, b.structure_id) = (o.campaign_round_id, o.structure_id)
    WHERE o.campaign_round_id = k.campaign_round_id AND o.rank = k.rank + 1
) AS below ON true;

COMMENT ON VIEW analysis.acquisition_choice IS 'Why a structure was chosen: one row an acquisition, with the model, what it was trained on, and the rivals next to it.';
COMMENT ON COLUMN analysis.acquisition_choice.study IS 'study of the campaign';
COMMENT ON COLUMN analysis.acquisition_choice.campaign IS 'name of the campaign';
COMMENT ON COLUMN analysis.acquisition_choice.strategy IS 'acquisition strategy that chose it';
COMMENT ON COLUMN analysis.acquisition_choice.property_name IS 'property that the campaign explores';
COMMENT ON COLUMN analysis.acquisition_choice.unit IS 'unit of the property';
COMMENT ON COLUMN analysis.acquisition_choice.round IS 'round that chose it, from 0';
COMMENT ON COLUMN analysis.acquisition_choice.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.acquisition_choice.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.acquisition_choice.predicted_mean IS 'what the model of the round predicted, in the unit of the row; NULL = it predicts another property';
COMMENT ON COLUMN analysis.acquisition_choice.predicted_spread IS 'standard deviation over its members, in the unit of the row; NULL = it predicts another property';
COMMENT ON COLUMN analysis.acquisition_choice.score IS 'score of the strategy, larger is more wanted; unit as the strategy';
COMMENT ON COLUMN analysis.acquisition_choice.rank IS 'rank among the candidates of the round, 1 for the most wanted';
COMMENT ON COLUMN analysis.acquisition_choice.n_candidate IS 'candidates of the round, count';
COMMENT ON COLUMN analysis.acquisition_choice.model_hash IS 'model version that predicted them';
COMMENT ON COLUMN analysis.acquisition_choice.learner IS 'kind of learner';
COMMENT ON COLUMN analysis.acquisition_choice.snapshot_hash IS 'content hash of the labels behind that model';
COMMENT ON COLUMN analysis.acquisition_choice.n_label IS 'labels in that snapshot, all roles, count';
COMMENT ON COLUMN analysis.acquisition_choice.formula_above IS 'candidate with the next better rank; NULL = it was the first';
COMMENT ON COLUMN analysis.acquisition_choice.score_above IS 'its score, unit as the strategy; NULL = it was the first';
COMMENT ON COLUMN analysis.acquisition_choice.formula_below IS 'candidate with the next worse rank; NULL = it was the last';
COMMENT ON COLUMN analysis.acquisition_choice.score_below IS 'its score, unit as the strategy; NULL = it was the last';
COMMENT ON COLUMN analysis.acquisition_choice.status_above IS 'what became of the one above in this round; NULL = not acquired then';
COMMENT ON COLUMN analysis.acquisition_choice.status_below IS 'what became of the one below in this round; NULL = not acquired then';
COMMENT ON COLUMN analysis.acquisition_choice.status IS 'what became of it: proposed, claimed, labelled, failed or released';
COMMENT ON COLUMN analysis.acquisition_choice.label_value IS 'value that the oracle gave, in the unit of the row; NULL = none yet';
COMMENT ON COLUMN analysis.acquisition_choice.reason IS 'why it took that status; NULL = that is plain';
