-- The formula is looked up last, so that whoever asks for the worst ten has ten looked up.
CREATE VIEW analysis.held_out_prediction AS
SELECT m.content_hash AS model_hash, m.learner, m.purpose, p.name AS property_name, p.unit,
       s.content_hash AS structure_hash,
       (SELECT f.reduced_formula FROM matsift.structure f WHERE f.id = l.structure_id) AS formula, r.role, l.value AS true_value, h.mean, h.spread,
       h.lower, h.upper, h.mean - l.value AS error, h.run_id
FROM matsift.held_out_prediction h
JOIN matsift.model_version m ON m.id = h.model_version_id
JOIN matsift.property p ON p.id = m.property_id
JOIN matsift.label l ON l.id = h.label_id
LEFT JOIN matsift.structure s ON s.id = l.structure_id
LEFT JOIN matsift.dataset_row r ON r.snapshot_id = m.snapshot_id AND r.label_id = l.id;

COMMENT ON VIEW analysis.held_out_prediction IS 'One row a label that a model was not trained on, true and predicted (parity plots).';
COMMENT ON COLUMN analysis.held_out_prediction.model_hash IS 'the model';
COMMENT ON COLUMN analysis.held_out_prediction.learner IS 'kind of learner';
COMMENT ON COLUMN analysis.held_out_prediction.purpose IS 'ensemble, derived, baseline or ablation';
COMMENT ON COLUMN analysis.held_out_prediction.property_name IS 'the property';
COMMENT ON COLUMN analysis.held_out_prediction.unit IS 'unit of all values of the row';
COMMENT ON COLUMN analysis.held_out_prediction.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.held_out_prediction.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.held_out_prediction.role IS 'role of the label in the snapshot: test or validation; NULL = outside it';
COMMENT ON COLUMN analysis.held_out_prediction.true_value IS 'value of the label, in the unit of the row';
COMMENT ON COLUMN analysis.held_out_prediction.mean IS 'predicted value, in the unit of the row';
COMMENT ON COLUMN analysis.held_out_prediction.spread IS 'standard deviation over members, in the unit of the row; NULL = none';
COMMENT ON COLUMN analysis.held_out_prediction.lower IS 'lower end of the interval, in the unit of the row; NULL = none';
COMMENT ON COLUMN analysis.held_out_prediction.upper IS 'upper end of the interval, in the unit of the row; NULL = none';
COMMENT ON COLUMN analysis.held_out_prediction.error IS 'predicted minus true, in the unit of the row';
COMMENT ON COLUMN analysis.held_out_prediction.run_id IS 'run that computed it';
