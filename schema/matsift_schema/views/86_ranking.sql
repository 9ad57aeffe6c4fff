-- Outer joins of keys that are always there: PostgreSQL leaves out those whose columns nobody asks for.
CREATE VIEW analysis.ranking AS
SELECT r.study, r.content_hash AS ranking_hash,
       NOT EXISTS (SELECT FROM matsift.ranking n WHERE n.study = r.study AND n.id > r.id) AS is_newest,
       s.content_hash AS structure_hash, s.reduced_formula AS formula, s.space_group_symbol, p.layer, p.pareto_place,
       p.chance, p.utility, p.utility_place, p.unknown AS unknown_objectives, r.n_candidate, r.created_at AS ranked_at,
       p.run_id
FROM matsift.ranking_place p
JOIN matsift.ranking r ON r.id = p.ranking_id
LEFT JOIN matsift.structure s ON s.id = p.structure_id;

COMMENT ON VIEW analysis.ranking IS 'One row a candidate of a ranking by several objectives: Pareto layer, chance of meeting all thresholds, expected utility.';
COMMENT ON COLUMN analysis.ranking.study IS 'study that asks for the ranking';
COMMENT ON COLUMN analysis.ranking.ranking_hash IS 'identity of the ranking: other objectives or other values are another ranking';
COMMENT ON COLUMN analysis.ranking.is_newest IS 'no other ranking of the study was written later';
COMMENT ON COLUMN analysis.ranking.structure_hash IS 'the candidate';
COMMENT ON COLUMN analysis.ranking.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.ranking.space_group_symbol IS 'short international symbol; NULL = none found';
COMMENT ON COLUMN analysis.ranking.layer IS 'Pareto layer, 1 = no other candidate is at least as good in every objective and better in one; NULL = an objective is unknown';
COMMENT ON COLUMN analysis.ranking.pareto_place IS 'place by layer, then chance, then utility, from 1; NULL = an objective is unknown';
COMMENT ON COLUMN analysis.ranking.chance IS 'probability of meeting all thresholds, fraction of 1; NULL = there is none, or one cannot be judged';
COMMENT ON COLUMN analysis.ranking.utility IS 'expected utility, 0 to 1, no unit; NULL = an objective is unknown';
COMMENT ON COLUMN analysis.ranking.utility_place IS 'place by expected utility, from 1; NULL = an objective is unknown';
COMMENT ON COLUMN analysis.ranking.unknown_objectives IS 'names of the objectives that are unknown';
COMMENT ON COLUMN analysis.ranking.n_candidate IS 'candidates in the ranking, count';
COMMENT ON COLUMN analysis.ranking.ranked_at IS 'when it was ranked';
COMMENT ON COLUMN analysis.ranking.run_id IS 'run that ranked';
