CREATE VIEW analysis.provenance AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, p.name AS property_name, p.unit, r.mean, r.spread,
       r.lower, r.upper, r.coverage,
       EXISTS (SELECT FROM analysis.prediction shown
               WHERE (shown.structure_hash, shown.property_name, shown.model_hash)
                     = (s.content_hash, p.name, m.content_hash)) AS is_current,
       r.run_id AS prediction_run_id,
       m.content_hash AS model_hash, m.learner, m.purpose, m.seed, m.created_at AS model_trained_at,
       m.code_version AS model_code_version, m.artifact_uri, m.artifact_sha256, m.run_id AS model_run_id,
       d.content_hash AS snapshot_hash, d.strategy AS sampling_strategy, d.n_row AS n_label, b.n_train, b.n_validation,
       b.n_test, b.label_methods, b.label_origins, d.run_id AS snapshot_run_id, b.label_run_ids,
       v.descriptor_sets, v.descriptor_run_ids,
       e.source_entries, e.source_run_ids,
       w.own_labels
FROM matsift.prediction r
JOIN matsift.structure s ON s.id = r.structure_id
JOIN matsift.property p ON p.id = r.property_id
JOIN matsift.model_version m ON m.id = r.model_version_id
JOIN matsift.dataset_snapshot d ON d.id = m.snapshot_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE t.role = 'train') AS n_train,
           count(*) FILTER (WHERE t.role = 'validation') AS n_validation,
           count(*) FILTER (WHERE t.role = 'test') AS n_test,
           array_agg(DISTINCT l.method) AS label_methods,
           array_agg(DISTINCT l.origin) AS label_origins,
           array_agg(DISTINCT l.run_id) AS label_run_ids
    FROM matsift.dataset_row t JOIN matsift.label l ON l.id = t.label_id WHERE t.snapshot_id = d.id
) AS b
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(c.name || '@' || c.version ORDER BY u.position), '{}') AS descriptor_sets,
           coalesce(array_agg(x.run_id ORDER BY u.position), '{}') AS descriptor_run_ids
    FROM matsift.model_descriptor_set u
    JOIN matsift.descriptor_set c ON c.id = u.descriptor_set_id
    LEFT JOIN matsift.descriptor x ON x.descriptor_set_id = c.id AND x.structure_id = s.id
    WHERE u.model_version_id = m.id
) AS v
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(o.name || ': ' || y.external_id || ' (version ' || y.version || ', ' || y.licence || ')'
                              ORDER BY o.name, y.external_id, y.id), '{}') AS source_entries,
           coalesce(array_agg(DISTINCT y.run_id), '{}') AS source_run_ids
    FROM matsift.source_entry y JOIN matsift.source o ON o.id = y.source_id WHERE y.structure_id = s.id
) AS e
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(q.name || ' = ' || round(l.value::numeric, 3) || ' ' || q.unit || ' (' || l.method || ', '
                              || l.origin || ')' ORDER BY q.name, l.method, l.origin, l.revision), '{}') AS own_labels
    FROM matsift.label l JOIN matsift.property q ON q.id = l.property_id
    WHERE l.structure_id = s.id AND l.property_id = r.property_id
) AS w;

COMMENT ON VIEW analysis.provenance IS 'One row a prediction, with the chain behind it: model, snapshot, labels, descriptors, source entries, runs.';
COMMENT ON COLUMN analysis.provenance.structure_hash IS 'the structure; ask for one, the view is costly for all';
COMMENT ON COLUMN analysis.provenance.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.provenance.property_name IS 'the property';
COMMENT ON COLUMN analysis.provenance.unit IS 'unit of all values of the row';
COMMENT ON COLUMN analysis.provenance.mean IS 'predicted value, in the unit of the row';
COMMENT ON COLUMN analysis.provenance.spread IS 'standard deviation over members, in the unit of the row';
COMMENT ON COLUMN analysis.provenance.lower IS 'lower end of the calibrated interval, in the unit of the row';
COMMENT ON COLUMN analysis.provenance.upper IS 'upper end of the calibrated interval, in the unit of the row';
COMMENT ON COLUMN analysis.provenance.coverage IS 'share of true values that the interval is calibrated to hold, fraction of 1';
COMMENT ON COLUMN analysis.provenance.is_current IS 'this is the prediction that analysis.prediction shows';
COMMENT ON COLUMN analysis.provenance.prediction_run_id IS 'run that predicted';
COMMENT ON COLUMN analysis.provenance.model_hash IS 'the model';
COMMENT ON COLUMN analysis.provenance.learner IS 'kind of learner';
COMMENT ON COLUMN analysis.provenance.purpose IS 'ensemble, derived, baseline or ablation';
COMMENT ON COLUMN analysis.provenance.seed IS 'seed of the fit';
COMMENT ON COLUMN analysis.provenance.model_trained_at IS 'when the model was trained';
COMMENT ON COLUMN analysis.provenance.model_code_version IS 'version of matsift that trained it';
COMMENT ON COLUMN analysis.provenance.artifact_uri IS 'address of the stored model';
COMMENT ON COLUMN analysis.provenance.artifact_sha256 IS 'SHA-256 of the stored model';
COMMENT ON COLUMN analysis.provenance.model_run_id IS 'run that trained the model';
COMMENT ON COLUMN analysis.provenance.snapshot_hash IS 'dataset snapshot that the model was trained on';
COMMENT ON COLUMN analysis.provenance.sampling_strategy IS 'strategy that assigned the roles of the labels';
COMMENT ON COLUMN analysis.provenance.n_label IS 'labels in the snapshot, count';
COMMENT ON COLUMN analysis.provenance.n_train IS 'of these for training, count';
COMMENT ON COLUMN analysis.provenance.n_validation IS 'of these for calibrating the interval, count';
COMMENT ON COLUMN analysis.provenance.n_test IS 'of these for testing, count';
COMMENT ON COLUMN analysis.provenance.label_methods IS 'methods of the labels in the snapshot';
COMMENT ON COLUMN analysis.provenance.label_origins IS 'origins of the labels in the snapshot';
COMMENT ON COLUMN analysis.provenance.snapshot_run_id IS 'run that took the snapshot';
COMMENT ON COLUMN analysis.provenance.label_run_ids IS 'runs that stored the labels in the snapshot';
COMMENT ON COLUMN analysis.provenance.descriptor_sets IS 'descriptor sets that the model sees, as name@version, in order';
COMMENT ON COLUMN analysis.provenance.descriptor_run_ids IS 'runs that computed these descriptors for the structure, in that order; NULL = it has none';
COMMENT ON COLUMN analysis.provenance.source_entries IS 'entries that ever described the structure, as source: id (version, licence)';
COMMENT ON COLUMN analysis.provenance.source_run_ids IS 'runs that stored these entries';
COMMENT ON COLUMN analysis.provenance.own_labels IS 'labels that the structure itself has of the property';
