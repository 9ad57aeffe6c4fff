CREATE VIEW analysis.generator AS
SELECT g.content_hash AS generator_hash, g.kind, g.n_formula, g.scores, g.settings, g.seed, n.n_batch, n.n_drawn,
       n.n_kept, g.artifact_sha256, g.artifact_uri, g.code_version, g.run_id, g.created_at
FROM matsift.generator_version g
CROSS JOIN LATERAL (
    SELECT count(*) AS n_batch, coalesce(sum(b.n_drawn), 0) AS n_drawn,
           coalesce(sum((SELECT count(*) FROM matsift.generated_composition c WHERE c.generation_id = b.id)), 0) AS n_kept
    FROM matsift.generation b WHERE b.generator_version_id = g.id
) AS n;

COMMENT ON VIEW analysis.generator IS 'One row a generator of compositions, trained network or rules.';
COMMENT ON COLUMN analysis.generator.generator_hash IS 'the generator: SHA-256 of kind, settings, seed and what it learned from';
COMMENT ON COLUMN analysis.generator.kind IS 'composition_autoencoder, composition_gan, rules or random';
COMMENT ON COLUMN analysis.generator.n_formula IS 'formulas that it learned from, count';
COMMENT ON COLUMN analysis.generator.scores IS 'how well it was trained, for example round_trip, fraction of 1';
COMMENT ON COLUMN analysis.generator.settings IS 'settings of the generator, all of them';
COMMENT ON COLUMN analysis.generator.seed IS 'seed of the training';
COMMENT ON COLUMN analysis.generator.n_batch IS 'batches that were drawn from it, count';
COMMENT ON COLUMN analysis.generator.n_drawn IS 'samples or suggestions of these batches, count';
COMMENT ON COLUMN analysis.generator.n_kept IS 'compositions kept of them, count';
COMMENT ON COLUMN analysis.generator.artifact_sha256 IS 'SHA-256 of the stored network, or list of formulas; NULL = none';
COMMENT ON COLUMN analysis.generator.artifact_uri IS 'where that lay when it was stored; NULL = none';
COMMENT ON COLUMN analysis.generator.code_version IS 'version of matsift that made it';
COMMENT ON COLUMN analysis.generator.run_id IS 'run that stored it';
COMMENT ON COLUMN analysis.generator.created_at IS 'when it was stored';
