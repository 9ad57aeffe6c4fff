-- No DISTINCT ON: conditions on any column, and an order by `lower`, reach the indexes below.
CREATE VIEW analysis.prediction AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, m.property_name, m.unit, r.mean, r.spread,
       r.lower, r.upper, r.coverage, cardinality(r.members) AS n_member, m.model_hash, m.learner,
       m.trained_at AS model_trained_at, r.run_id
FROM matsift.prediction r
JOIN analysis.ranking_model m ON m.model_version_id = r.model_version_id
JOIN matsift.structure s ON s.id = r.structure_id
WHERE NOT EXISTS (
    SELECT FROM matsift.prediction newer
    JOIN matsift.ranking_model n ON n.model_version_id = newer.model_version_id
    WHERE newer.structure_id = r.structure_id AND n.property_id = m.property_id
      AND (n.trained_at, n.model_version_id) > (m.trained_at, m.model_version_id));

COMMENT ON VIEW analysis.prediction IS 'One row a structure a property: what the newest ensemble that looked at it says, random control campaigns left out.';
COMMENT ON COLUMN analysis.prediction.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.prediction.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.prediction.property_name IS 'the property';
COMMENT ON COLUMN analysis.prediction.unit IS 'unit of all values of the row';
COMMENT ON COLUMN analysis.prediction.mean IS 'predicted value, in the unit of the row';
COMMENT ON COLUMN analysis.prediction.spread IS 'standard deviation over members, in the unit of the row';
COMMENT ON COLUMN analysis.prediction.lower IS 'lower end of the calibrated interval, in the unit of the row';
COMMENT ON COLUMN analysis.prediction.upper IS 'upper end of the calibrated interval, in the unit of the row';
COMMENT ON COLUMN analysis.prediction.coverage IS 'share of true values that the interval is calibrated to hold, fraction of 1';
COMMENT ON COLUMN analysis.prediction.n_member IS 'members of the ensemble, count; 0 = their values were not kept';
COMMENT ON COLUMN analysis.prediction.model_hash IS 'the model';
COMMENT ON COLUMN analysis.prediction.learner IS 'kind of learner';
COMMENT ON COLUMN analysis.prediction.model_trained_at IS 'when the model was trained';
COMMENT ON COLUMN analysis.prediction.run_id IS 'run that predicted';
