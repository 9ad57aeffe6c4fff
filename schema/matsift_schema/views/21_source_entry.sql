CREATE VIEW analysis.source_entry AS
SELECT o.name AS source, o.kind AS source_kind, e.external_id, e.canonical_number, e.version, e.licence, e.url,
       s.content_hash AS structure_hash, s.reduced_formula AS formula, e.payload,
       (SELECT count(*) FROM matsift.source_entry h
        WHERE (h.source_id, h.external_id) = (e.source_id, e.external_id)) AS n_state,
       e.run_id, e.created_at
FROM matsift.source_entry e
JOIN matsift.source o ON o.id = e.source_id
LEFT JOIN matsift.structure s ON s.id = e.structure_id
WHERE e.withdrawn_at IS NULL;

COMMENT ON VIEW analysis.source_entry IS 'One row an entry that a source states now; earlier states and withdrawn entries are left out.';
COMMENT ON COLUMN analysis.source_entry.source IS 'name of the source';
COMMENT ON COLUMN analysis.source_entry.source_kind IS 'kind of adapter that reads it';
COMMENT ON COLUMN analysis.source_entry.external_id IS 'id as the source writes it';
COMMENT ON COLUMN analysis.source_entry.canonical_number IS 'the same id as a number, where forms differ; NULL = none';
COMMENT ON COLUMN analysis.source_entry.version IS 'version of the source that first stated this content';
COMMENT ON COLUMN analysis.source_entry.licence IS 'licence of the entry';
COMMENT ON COLUMN analysis.source_entry.url IS 'address for people; NULL = none';
COMMENT ON COLUMN analysis.source_entry.structure_hash IS 'its structure; NULL = it could not be read, see analysis.failure';
COMMENT ON COLUMN analysis.source_entry.formula IS 'reduced formula; NULL = no structure';
COMMENT ON COLUMN analysis.source_entry.payload IS 'what the source said beyond structure and labels';
COMMENT ON COLUMN analysis.source_entry.n_state IS 'states that the entry ever had, count; more than 1 = it was revised';
COMMENT ON COLUMN analysis.source_entry.run_id IS 'run that stored this state';
COMMENT ON COLUMN analysis.source_entry.created_at IS 'when this state was stored';
