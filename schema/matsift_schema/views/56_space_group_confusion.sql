CREATE VIEW analysis.space_group_confusion AS
SELECT m.content_hash AS model_hash, m.learner, m.purpose, r.role, l.value::int AS space_group_number, h.predicted,
       count(*) AS n_structure, count(*)::float8 / sum(count(*)) OVER (PARTITION BY m.id, r.role, l.value) AS fraction
FROM matsift.held_out_space_group h
JOIN matsift.model_version m ON m.id = h.model_version_id
JOIN matsift.label l ON l.id = h.label_id
LEFT JOIN matsift.dataset_row r ON r.snapshot_id = m.snapshot_id AND r.label_id = l.id
GROUP BY m.id, r.role, l.value, h.predicted;

COMMENT ON VIEW analysis.space_group_confusion IS 'One row a true and a predicted space group that occur together among held-out structures: the confusion matrix.';
COMMENT ON COLUMN analysis.space_group_confusion.model_hash IS 'the network ensemble';
COMMENT ON COLUMN analysis.space_group_confusion.learner IS 'kind of network';
COMMENT ON COLUMN analysis.space_group_confusion.purpose IS 'ensemble, baseline or ablation';
COMMENT ON COLUMN analysis.space_group_confusion.role IS 'role of the structures: test, or validation (calibrates); NULL = outside the snapshot';
COMMENT ON COLUMN analysis.space_group_confusion.space_group_number IS 'true space group';
COMMENT ON COLUMN analysis.space_group_confusion.predicted IS 'most probable space group';
COMMENT ON COLUMN analysis.space_group_confusion.n_structure IS 'structures, count';
COMMENT ON COLUMN analysis.space_group_confusion.fraction IS 'share of the structures of the true group, fraction of 1';
