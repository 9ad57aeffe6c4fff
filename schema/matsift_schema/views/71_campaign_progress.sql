CREATE VIEW analysis.campaign_progress AS
SELECT c.study, c.name AS campaign, c.strategy, p.name AS property_name, p.unit, r.number AS round, r.n_candidate,
       CASE WHEN m.property_id = c.property_id THEN r.mean_spread END AS mean_spread, a.n_acquisition, a.n_open, a.n_labelled, a.n_failed, m.content_hash AS model_hash,
       d.n_row AS n_label, e.mae AS test_mae, e.r2 AS test_r2, r.created_at,
       c.oracle, c.oracle_method, d.content_hash AS snapshot_hash, n.n_round AS n_planned_round, t.rule AS stopped_by,
       c.content_hash AS campaign_hash
FROM matsift.campaign_round r
JOIN matsift.campaign c ON c.id = r.campaign_id
JOIN matsift.property p ON p.id = c.property_id
JOIN matsift.model_version m ON m.id = r.model_version_id
JOIN matsift.dataset_snapshot d ON d.id = m.snapshot_id
CROSS JOIN LATERAL (
    SELECT count(*) AS n_acquisition,
           count(*) FILTER (WHERE status IN ('proposed', 'claimed', 'released')) AS n_open,
           count(*) FILTER (WHERE status = 'labelled') AS n_labelled,
           count(*) FILTER (WHERE status = 'failed') AS n_failed
    FROM matsift.acquisition WHERE campaign_round_id = r.id
) AS a
CROSS JOIN LATERAL (
    SELECT max(value) FILTER (WHERE metric = 'mae') AS mae, max(value) FILTER (WHERE metric = 'r2') AS r2
    FROM matsift.evaluation WHERE model_version_id = m.id AND subset = 'test' AND m.property_id = c.property_id
) AS e
LEFT JOIN LATERAL (
    SELECT id, n_round FROM matsift.campaign_plan WHERE campaign_id = c.id ORDER BY id DESC LIMIT 1
) AS n ON true
LEFT JOIN matsift.campaign_stop t ON (t.campaign_round_id, t.campaign_plan_id) = (r.id, n.id);

COMMENT ON VIEW analysis.campaign_progress IS 'One row a round of a campaign: how uncertain the pool is and what was acquired.';
COMMENT ON COLUMN analysis.campaign_progress.study IS 'study of the campaign';
COMMENT ON COLUMN analysis.campaign_progress.campaign IS 'name of the campaign';
COMMENT ON COLUMN analysis.campaign_progress.strategy IS 'acquisition strategy';
COMMENT ON COLUMN analysis.campaign_progress.property_name IS 'property that the campaign explores';
COMMENT ON COLUMN analysis.campaign_progress.unit IS 'unit of the property';
COMMENT ON COLUMN analysis.campaign_progress.round IS 'number of the round, from 0';
COMMENT ON COLUMN analysis.campaign_progress.n_candidate IS 'candidates scored, count';
COMMENT ON COLUMN analysis.campaign_progress.mean_spread IS 'mean spread over the candidates, in the unit of the row; NULL = there was none, or the model predicts another property';
COMMENT ON COLUMN analysis.campaign_progress.n_acquisition IS 'structures chosen in this round, count';
COMMENT ON COLUMN analysis.campaign_progress.n_open IS 'of these not settled yet, count';
COMMENT ON COLUMN analysis.campaign_progress.n_labelled IS 'of these labelled, count';
COMMENT ON COLUMN analysis.campaign_progress.n_failed IS 'of these failed, count';
COMMENT ON COLUMN analysis.campaign_progress.model_hash IS 'model that scored the round';
COMMENT ON COLUMN analysis.campaign_progress.n_label IS 'labels in the snapshot of that model, all roles, count';
COMMENT ON COLUMN analysis.campaign_progress.test_mae IS 'mean absolute error of that model on its test labels, in the unit of the row; NULL = not evaluated, or it predicts another property';
COMMENT ON COLUMN analysis.campaign_progress.test_r2 IS 'coefficient of determination on its test labels, no unit; NULL = not evaluated, or it predicts another property';
COMMENT ON COLUMN analysis.campaign_progress.created_at IS 'when the round was scored';
COMMENT ON COLUMN analysis.campaign_progress.oracle IS 'what labels the acquisitions';
COMMENT ON COLUMN analysis.campaign_progress.oracle_method IS 'method of the labels that it gives';
COMMENT ON COLUMN analysis.campaign_progress.snapshot_hash IS 'content hash of the labels that the model was trained and tested on';
COMMENT ON COLUMN analysis.campaign_progress.n_planned_round IS 'rounds of acquisition that are planned now, count; NULL = no plan is stored';
COMMENT ON COLUMN analysis.campaign_progress.stopped_by IS 'rule that ends the campaign with this round: rounds, budget, mean_spread, no_better or pool; NULL = it goes on';
COMMENT ON COLUMN analysis.campaign_progress.campaign_hash IS 'content hash of the campaign: what it is, not how far it goes';
