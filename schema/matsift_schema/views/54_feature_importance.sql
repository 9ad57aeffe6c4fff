CREATE VIEW analysis.feature_importance AS
SELECT m.content_hash AS model_hash, m.learner, m.purpose, p.name AS property_name, i.rank, i.column_name,
       t.name AS descriptor_set, i.gain_fraction, i.run_id
FROM matsift.feature_importance i
JOIN matsift.model_version m ON m.id = i.model_version_id
JOIN matsift.property p ON p.id = m.property_id
LEFT JOIN matsift.descriptor_set t ON t.id = i.descriptor_set_id;

COMMENT ON VIEW analysis.feature_importance IS 'One row a model a descriptor column: how much of the gain it brings.';
COMMENT ON COLUMN analysis.feature_importance.model_hash IS 'the model';
COMMENT ON COLUMN analysis.feature_importance.learner IS 'kind of learner';
COMMENT ON COLUMN analysis.feature_importance.purpose IS 'ensemble, derived, baseline or ablation';
COMMENT ON COLUMN analysis.feature_importance.property_name IS 'property that the model predicts';
COMMENT ON COLUMN analysis.feature_importance.rank IS '1 for the largest share';
COMMENT ON COLUMN analysis.feature_importance.column_name IS 'the descriptor column';
COMMENT ON COLUMN analysis.feature_importance.descriptor_set IS 'set that the column is of; NULL = of none';
COMMENT ON COLUMN analysis.feature_importance.gain_fraction IS 'share of the total gain, fraction of 1';
COMMENT ON COLUMN analysis.feature_importance.run_id IS 'run that computed it';
