CREATE VIEW analysis.model AS
SELECT m.content_hash AS model_hash, m.learner, m.purpose, p.name AS property_name, p.unit, m.seed,
       d.content_hash AS snapshot_hash, d.strategy AS sampling_strategy, d.n_row AS n_label,
       cardinality(m.column_names) AS n_column,
       ARRAY(SELECT t.name || '@' || t.version
             FROM matsift.model_descriptor_set u JOIN matsift.descriptor_set t ON t.id = u.descriptor_set_id
             WHERE u.model_version_id = m.id ORDER BY u.position) AS descriptor_sets,
       e.subset, e.n_row AS n_evaluated, e.r2, e.mae, e.rmse, e.bias, e.interval_coverage, e.mean_interval_width,
       e.spread_error_spearman, m.settings, m.artifact_uri, m.artifact_sha256, m.code_version, m.run_id,
       m.created_at AS trained_at
FROM matsift.model_version m
JOIN matsift.property p ON p.id = m.property_id
JOIN matsift.dataset_snapshot d ON d.id = m.snapshot_id
LEFT JOIN LATERAL (
    SELECT v.subset, max(v.n_row) AS n_row,
           max(v.value) FILTER (WHERE v.metric = 'r2') AS r2,
           max(v.value) FILTER (WHERE v.metric = 'mae') AS mae,
           max(v.value) FILTER (WHERE v.metric = 'rmse') AS rmse,
           max(v.value) FILTER (WHERE v.metric = 'bias') AS bias,
           max(v.value) FILTER (WHERE v.metric = 'interval_coverage') AS interval_coverage,
           max(v.value) FILTER (WHERE v.metric = 'mean_interval_width') AS mean_interval_width,
           max(v.value) FILTER (WHERE v.metric = 'spread_error_spearman') AS spread_error_spearman
    FROM matsift.evaluation v WHERE v.model_version_id = m.id GROUP BY v.subset
) AS e ON true;

COMMENT ON VIEW analysis.model IS 'One row a trained model a subset that it was evaluated on, metrics side by side.';
COMMENT ON COLUMN analysis.model.model_hash IS 'identity: SHA-256 of learner, settings, seed, snapshot and columns';
COMMENT ON COLUMN analysis.model.learner IS 'kind of learner';
COMMENT ON COLUMN analysis.model.purpose IS 'ensemble (predicts), derived (from what an ensemble predicts), baseline or ablation (compare)';
COMMENT ON COLUMN analysis.model.property_name IS 'property that it predicts';
COMMENT ON COLUMN analysis.model.unit IS 'unit of the property';
COMMENT ON COLUMN analysis.model.seed IS 'seed of the fit';
COMMENT ON COLUMN analysis.model.snapshot_hash IS 'dataset snapshot that it was trained on';
COMMENT ON COLUMN analysis.model.sampling_strategy IS 'strategy that assigned the roles of the labels';
COMMENT ON COLUMN analysis.model.n_label IS 'labels in the snapshot, all roles, count';
COMMENT ON COLUMN analysis.model.n_column IS 'descriptor columns that it sees, count';
COMMENT ON COLUMN analysis.model.descriptor_sets IS 'descriptor sets as name@version, in the order of the columns';
COMMENT ON COLUMN analysis.model.subset IS 'rows that the metrics are over, for example test; NULL = not evaluated';
COMMENT ON COLUMN analysis.model.n_evaluated IS 'labels in the subset, count';
COMMENT ON COLUMN analysis.model.r2 IS 'coefficient of determination, no unit; NULL = undefined';
COMMENT ON COLUMN analysis.model.mae IS 'mean absolute error, in the unit of the row';
COMMENT ON COLUMN analysis.model.rmse IS 'root mean square error, in the unit of the row';
COMMENT ON COLUMN analysis.model.bias IS 'mean of predicted minus true, in the unit of the row';
COMMENT ON COLUMN analysis.model.interval_coverage IS 'share of true values inside the interval, fraction of 1; NULL = no interval';
COMMENT ON COLUMN analysis.model.mean_interval_width IS 'mean width of the interval, in the unit of the row; NULL = no interval';
COMMENT ON COLUMN analysis.model.spread_error_spearman IS 'rank correlation of spread and absolute error, no unit; NULL = no spread';
COMMENT ON COLUMN analysis.model.settings IS 'settings of the learner, all of them';
COMMENT ON COLUMN analysis.model.artifact_uri IS 'address of the stored model';
COMMENT ON COLUMN analysis.model.artifact_sha256 IS 'SHA-256 of the stored model';
COMMENT ON COLUMN analysis.model.code_version IS 'version of matsift that trained it';
COMMENT ON COLUMN analysis.model.run_id IS 'run that trained it';
COMMENT ON COLUMN analysis.model.trained_at IS 'when it was trained';
