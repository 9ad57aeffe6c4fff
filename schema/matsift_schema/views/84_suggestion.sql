CREATE VIEW analysis.suggestion AS
SELECT c.study, c.name AS campaign, c.strategy, p.name AS property_name, p.unit, r.number AS round, u.number,
       u.score, u.mean, u.spread, u.decodes, u.formula, u.value, u.reason, m.content_hash AS model_hash, c.content_hash AS campaign_hash,
       u.run_id, u.created_at
FROM matsift.suggestion u
JOIN matsift.campaign_round r ON r.id = u.campaign_round_id
JOIN matsift.campaign c ON c.id = r.campaign_id
JOIN matsift.property p ON p.id = c.property_id
JOIN matsift.model_version m ON m.id = r.model_version_id;

COMMENT ON VIEW analysis.suggestion IS 'One row a point of the latent space that a search asked for.';
COMMENT ON COLUMN analysis.suggestion.study IS 'study of the search';
COMMENT ON COLUMN analysis.suggestion.campaign IS 'name of the search''s campaign';
COMMENT ON COLUMN analysis.suggestion.strategy IS 'name of the search in the study';
COMMENT ON COLUMN analysis.suggestion.property_name IS 'property that is searched by';
COMMENT ON COLUMN analysis.suggestion.unit IS 'unit of the property';
COMMENT ON COLUMN analysis.suggestion.round IS 'number of the round, from 0';
COMMENT ON COLUMN analysis.suggestion.number IS 'place in the whole search, from 1';
COMMENT ON COLUMN analysis.suggestion.score IS 'value of the acquisition function; unit as the strategy; NULL = it has none';
COMMENT ON COLUMN analysis.suggestion.mean IS 'what the surrogate expected, in the unit of the row; NULL = it was not asked';
COMMENT ON COLUMN analysis.suggestion.spread IS 'its standard deviation, in the unit of the row; NULL = it was not asked';
COMMENT ON COLUMN analysis.suggestion.decodes IS 'the autoencoder makes a formula of it';
COMMENT ON COLUMN analysis.suggestion.formula IS 'that reduced formula; NULL = it makes none';
COMMENT ON COLUMN analysis.suggestion.value IS 'what the property model says of the formula, in the unit of the row; NULL = the reason says why not';
COMMENT ON COLUMN analysis.suggestion.reason IS 'why there is no value; NULL = there is one';
COMMENT ON COLUMN analysis.suggestion.model_hash IS 'property model that gives the values';
COMMENT ON COLUMN analysis.suggestion.campaign_hash IS 'content hash of the campaign';
COMMENT ON COLUMN analysis.suggestion.run_id IS 'run that asked';
COMMENT ON COLUMN analysis.suggestion.created_at IS 'when it was asked';
