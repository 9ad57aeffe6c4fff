-- What a random campaign learned is the control of another strategy; it ranks nothing, so its models are left out.
CREATE VIEW analysis.ranking_model AS
SELECT r.model_version_id, r.model_hash, r.learner, r.property_id, p.name AS property_name, p.unit, r.trained_at,
       NOT EXISTS (SELECT FROM matsift.ranking_model n
                   WHERE n.property_id = r.property_id
                     AND (n.trained_at, n.model_version_id) > (r.trained_at, r.model_version_id)) AS is_newest
FROM matsift.ranking_model r
JOIN matsift.property p ON p.id = r.property_id;

COMMENT ON VIEW analysis.ranking_model IS 'One row a model whose predictions count: ensembles, but for those that only a random control campaign used, and what is derived from them.';
COMMENT ON COLUMN analysis.ranking_model.model_version_id IS 'number of the model in this database';
COMMENT ON COLUMN analysis.ranking_model.model_hash IS 'the model';
COMMENT ON COLUMN analysis.ranking_model.learner IS 'kind of learner';
COMMENT ON COLUMN analysis.ranking_model.property_id IS 'number of the property in this database';
COMMENT ON COLUMN analysis.ranking_model.property_name IS 'property that it predicts';
COMMENT ON COLUMN analysis.ranking_model.unit IS 'unit of the property';
COMMENT ON COLUMN analysis.ranking_model.trained_at IS 'when it was trained';
COMMENT ON COLUMN analysis.ranking_model.is_newest IS 'no other of the property was trained later: what it has looked at, it decides';
