CREATE VIEW analysis.withdrawn_entry AS
SELECT o.name AS source, e.external_id, e.canonical_number, e.version, e.licence, s.content_hash AS structure_hash,
       s.reduced_formula AS formula, e.withdrawn_at, coalesce(e.withdrawn_reason, 'not told') AS reason, e.created_at
FROM matsift.source_entry e
JOIN matsift.source o ON o.id = e.source_id
LEFT JOIN matsift.structure s ON s.id = e.structure_id
WHERE e.withdrawn_at IS NOT NULL;

COMMENT ON VIEW analysis.withdrawn_entry IS 'One row a tombstone: a state of an entry that its source no longer states. Nothing is deleted.';
COMMENT ON COLUMN analysis.withdrawn_entry.source IS 'name of the source';
COMMENT ON COLUMN analysis.withdrawn_entry.external_id IS 'id as the source wrote it';
COMMENT ON COLUMN analysis.withdrawn_entry.canonical_number IS 'the same id as a number, where forms differ; NULL = none';
COMMENT ON COLUMN analysis.withdrawn_entry.version IS 'version of the source that first stated this content';
COMMENT ON COLUMN analysis.withdrawn_entry.licence IS 'licence of the entry';
COMMENT ON COLUMN analysis.withdrawn_entry.structure_hash IS 'its structure, which stays; NULL = it could not be read';
COMMENT ON COLUMN analysis.withdrawn_entry.formula IS 'reduced formula; NULL = no structure';
COMMENT ON COLUMN analysis.withdrawn_entry.withdrawn_at IS 'when it was found to be no longer stated';
COMMENT ON COLUMN analysis.withdrawn_entry.reason IS 'superseded (other content under the id), not_stated, or the source''s own word, for example deprecated';
COMMENT ON COLUMN analysis.withdrawn_entry.created_at IS 'when this state was stored';
