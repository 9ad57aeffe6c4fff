CREATE VIEW analysis.generated_composition AS
SELECT b.study, c.formula, b.origin, c.rank, c.verdicts, c.nearest_formula, c.nearest_distance,
       p.name AS property_name, p.unit, q.mean, q.spread, q.lower, q.upper, q.coverage, m.content_hash AS model_hash,
       t.n_attempt, t.n_relaxed, t.structure_hash, k.name AS campaign, g.content_hash AS generator_hash,
       b.content_hash AS batch_hash, c.run_id, c.created_at
FROM matsift.generated_composition c
JOIN matsift.generation b ON b.id = c.generation_id
JOIN matsift.generator_version g ON g.id = b.generator_version_id
LEFT JOIN matsift.campaign k ON k.id = b.campaign_id
LEFT JOIN matsift.composition_prediction q ON q.generated_composition_id = c.id
LEFT JOIN matsift.model_version m ON m.id = q.model_version_id
LEFT JOIN matsift.property p ON p.id = q.property_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.attempt = 1) AS n_attempt, count(*) FILTER (WHERE a.outcome = 'relaxed') AS n_relaxed,
           (array_agg(s.content_hash ORDER BY a.outcome, a.template_distance, a.assignment, a.id)
            FILTER (WHERE a.structure_id IS NOT NULL))[1] AS structure_hash
    FROM matsift.generated_structure a LEFT JOIN matsift.structure s ON s.id = a.structure_id
    WHERE a.formula = c.formula
) AS t;

COMMENT ON VIEW analysis.generated_composition IS 'One row a composition that a generator proposed and a study kept, and model that predicted it.';
COMMENT ON COLUMN analysis.generated_composition.study IS 'study that asked for it';
COMMENT ON COLUMN analysis.generated_composition.formula IS 'reduced formula that was proposed';
COMMENT ON COLUMN analysis.generated_composition.origin IS 'gan, latent_search, rules or random';
COMMENT ON COLUMN analysis.generated_composition.rank IS '1 for the best of its batch by the model that chose';
COMMENT ON COLUMN analysis.generated_composition.verdicts IS 'validity verdicts by rule, for example charge_neutral';
COMMENT ON COLUMN analysis.generated_composition.nearest_formula IS 'nearest formula that the study knew; NULL = it knew none';
COMMENT ON COLUMN analysis.generated_composition.nearest_distance IS 'earth mover''s distance to it (modified Pettifor scale, no unit); NULL = it knew none';
COMMENT ON COLUMN analysis.generated_composition.property_name IS 'predicted property; NULL = none was';
COMMENT ON COLUMN analysis.generated_composition.unit IS 'unit of all predicted values of the row';
COMMENT ON COLUMN analysis.generated_composition.mean IS 'predicted value, in the unit of the row';
COMMENT ON COLUMN analysis.generated_composition.spread IS 'standard deviation over members, in the unit of the row';
COMMENT ON COLUMN analysis.generated_composition.lower IS 'lower end of the calibrated interval, in the unit of the row';
COMMENT ON COLUMN analysis.generated_composition.upper IS 'upper end of the calibrated interval, in the unit of the row';
COMMENT ON COLUMN analysis.generated_composition.coverage IS 'share of true values that the interval is calibrated to hold, fraction of 1';
COMMENT ON COLUMN analysis.generated_composition.model_hash IS 'model that predicted; NULL = none did';
COMMENT ON COLUMN analysis.generated_composition.n_attempt IS 'crystals that were tried for the formula, count';
COMMENT ON COLUMN analysis.generated_composition.n_relaxed IS 'of these relaxed, count';
COMMENT ON COLUMN analysis.generated_composition.structure_hash IS 'its crystal, from the nearest template; NULL = there is none';
COMMENT ON COLUMN analysis.generated_composition.campaign IS 'campaign of the search that found it; NULL = drawn';
COMMENT ON COLUMN analysis.generated_composition.generator_hash IS 'the generator';
COMMENT ON COLUMN analysis.generated_composition.batch_hash IS 'the batch that it comes from';
COMMENT ON COLUMN analysis.generated_composition.run_id IS 'run that stored it';
COMMENT ON COLUMN analysis.generated_composition.created_at IS 'when it was stored';
