CREATE VIEW analysis.source_sync AS
SELECT o.name AS source, o.kind AS source_kind, o.licence, p.version, p.taken_at,
       row_number() OVER (PARTITION BY p.source_id ORDER BY p.id DESC) = 1 AS is_latest,
       p.n_stated, p.n_entry, p.n_entry - p.n_failure AS n_with_structure, p.n_failure AS n_without_structure,
       p.n_new, p.n_changed, p.n_unchanged, p.n_withdrawn, p.run_id
FROM matsift.source_snapshot p
JOIN matsift.source o ON o.id = p.source_id;

COMMENT ON VIEW analysis.source_sync IS 'One row a state of a source that was read to its end; a reading that found nothing new, or did not come to its end, has none.';
COMMENT ON COLUMN analysis.source_sync.source IS 'name of the source';
COMMENT ON COLUMN analysis.source_sync.source_kind IS 'kind of adapter that reads it';
COMMENT ON COLUMN analysis.source_sync.licence IS 'licence of the whole; entries may differ, see analysis.source_entry';
COMMENT ON COLUMN analysis.source_sync.version IS 'version as the source states it';
COMMENT ON COLUMN analysis.source_sync.taken_at IS 'when the reading ended';
COMMENT ON COLUMN analysis.source_sync.is_latest IS 'whether this is the newest state of the source';
COMMENT ON COLUMN analysis.source_sync.n_stated IS 'the source''s own count of what was asked for; NULL = it gives none';
COMMENT ON COLUMN analysis.source_sync.n_entry IS 'entries read, count; where n_stated is known the two agree';
COMMENT ON COLUMN analysis.source_sync.n_with_structure IS 'entries that gave a structure, count';
COMMENT ON COLUMN analysis.source_sync.n_without_structure IS 'entries that gave none, count; each has a row in analysis.failure';
COMMENT ON COLUMN analysis.source_sync.n_new IS 'entries under ids that the source had not stated before; NULL = not counted then';
COMMENT ON COLUMN analysis.source_sync.n_changed IS 'entries with other content than before, or stated again; NULL = not counted then';
COMMENT ON COLUMN analysis.source_sync.n_unchanged IS 'entries as before; NULL = not counted then';
COMMENT ON COLUMN analysis.source_sync.n_withdrawn IS 'entries no longer stated, now tombstones; NULL = not counted then';
COMMENT ON COLUMN analysis.source_sync.run_id IS 'run that read it';
