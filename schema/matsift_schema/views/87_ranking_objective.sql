CREATE VIEW analysis.ranking_objective AS
SELECT r.study, r.content_hash AS ranking_hash,
       NOT EXISTS (SELECT FROM matsift.ranking n WHERE n.study = r.study AND n.id > r.id) AS is_newest,
       s.content_hash AS structure_hash, s.reduced_formula AS formula, p.layer, v.position, o.name AS objective, o.unit,
       o.goal, o.threshold, o.weight, o.worst, o.best, v.origin, v.mean, v.deviation, v.chance,
       (SELECT m.content_hash FROM matsift.model_version m WHERE m.id = o.model_version_id) AS model_hash, v.run_id
FROM matsift.ranking_value v
JOIN matsift.ranking r ON r.id = v.ranking_id
JOIN matsift.ranking_objective o ON o.ranking_id = v.ranking_id AND o.position = v.position
JOIN matsift.ranking_place p ON p.ranking_id = v.ranking_id AND p.structure_id = v.structure_id
LEFT JOIN matsift.structure s ON s.id = v.structure_id;

COMMENT ON VIEW analysis.ranking_objective IS 'One row a candidate an objective of a ranking: what was asked for, and what was known.';
COMMENT ON COLUMN analysis.ranking_objective.study IS 'study that asks for the ranking';
COMMENT ON COLUMN analysis.ranking_objective.ranking_hash IS 'identity of the ranking';
COMMENT ON COLUMN analysis.ranking_objective.is_newest IS 'no other ranking of the study was written later';
COMMENT ON COLUMN analysis.ranking_objective.structure_hash IS 'the candidate';
COMMENT ON COLUMN analysis.ranking_objective.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.ranking_objective.layer IS 'Pareto layer, 1 = the front; NULL = an objective is unknown';
COMMENT ON COLUMN analysis.ranking_objective.position IS 'place of the objective in the study, from 1';
COMMENT ON COLUMN analysis.ranking_objective.objective IS 'property, or cost of the elements';
COMMENT ON COLUMN analysis.ranking_objective.unit IS 'unit of all values of the row';
COMMENT ON COLUMN analysis.ranking_objective.goal IS 'maximize or minimize';
COMMENT ON COLUMN analysis.ranking_objective.threshold IS 'value that a candidate must reach, in the unit of the row; NULL = none';
COMMENT ON COLUMN analysis.ranking_objective.weight IS 'share in the utility against the other objectives, no unit';
COMMENT ON COLUMN analysis.ranking_objective.worst IS 'value of no worth in the utility, in the unit of the row';
COMMENT ON COLUMN analysis.ranking_objective.best IS 'value of full worth in the utility, in the unit of the row';
COMMENT ON COLUMN analysis.ranking_objective.origin IS 'predicted, computed, stated (by a source), composition (by prices), no_path (of a barrier) or unknown';
COMMENT ON COLUMN analysis.ranking_objective.mean IS 'expected value, in the unit of the row; NULL = unknown, or no path';
COMMENT ON COLUMN analysis.ranking_objective.deviation IS 'standard deviation of the value, in the unit of the row; 0 = known; NULL = unknown, or no path';
COMMENT ON COLUMN analysis.ranking_objective.chance IS 'probability of meeting the threshold, fraction of 1; NULL = there is none, or the value is unknown';
COMMENT ON COLUMN analysis.ranking_objective.model_hash IS 'model behind the predictions; NULL = none, values are stated or computed';
COMMENT ON COLUMN analysis.ranking_objective.run_id IS 'run that ranked';
