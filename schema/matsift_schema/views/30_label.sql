-- No DISTINCT ON: conditions on any column reach the indexes, and what nobody asks for is not looked up.
CREATE VIEW analysis.label AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, p.name AS property_name, l.value, p.unit,
       l.uncertainty, l.method, l.origin, l.revision, v.verdict, v.rule, v.value_seen, v.rule_set,
       o.name AS source, e.external_id, e.url, l.run_id, l.created_at
FROM matsift.label l
LEFT JOIN matsift.structure s ON s.id = l.structure_id
LEFT JOIN matsift.property p ON p.id = l.property_id
LEFT JOIN matsift.source_entry e ON e.id = l.source_entry_id
LEFT JOIN matsift.source o ON o.id = e.source_id
LEFT JOIN LATERAL (
    SELECT * FROM matsift.label_verdict v WHERE v.label_id = l.id ORDER BY v.run_id DESC, v.rule_set LIMIT 1
) AS v ON true
WHERE (l.source_entry_id IS NULL OR (e.withdrawn_at IS NULL AND e.structure_id = l.structure_id) OR EXISTS (
    SELECT FROM matsift.source_entry n
    WHERE n.source_id = e.source_id AND n.structure_id = l.structure_id AND n.withdrawn_at IS NULL))
  AND NOT EXISTS (
    SELECT FROM matsift.label r
    WHERE r.structure_id = l.structure_id AND r.property_id = l.property_id AND r.method = l.method
      AND r.origin = l.origin AND r.revision > l.revision
      AND (r.source_entry_id IS NULL OR EXISTS (
          SELECT FROM matsift.source_entry t JOIN matsift.source_entry n ON n.source_id = t.source_id
          WHERE t.id = r.source_entry_id AND n.structure_id = r.structure_id AND n.withdrawn_at IS NULL)));

COMMENT ON VIEW analysis.label IS 'One row a value of a property that counts now, with the newest verdict on it; a source must still describe the structure.';
COMMENT ON COLUMN analysis.label.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.label.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.label.property_name IS 'the property';
COMMENT ON COLUMN analysis.label.value IS 'the value, in the unit of the row';
COMMENT ON COLUMN analysis.label.unit IS 'unit of value and uncertainty';
COMMENT ON COLUMN analysis.label.uncertainty IS 'standard uncertainty, in the unit of the row; NULL = not stated';
COMMENT ON COLUMN analysis.label.method IS 'how it was computed or measured';
COMMENT ON COLUMN analysis.label.origin IS 'source:NAME or oracle:NAME';
COMMENT ON COLUMN analysis.label.revision IS '1, or more where the same entry earlier stated another value';
COMMENT ON COLUMN analysis.label.verdict IS 'accepted or rejected by the quality rules; NULL = not judged';
COMMENT ON COLUMN analysis.label.rule IS 'first rule that it broke; NULL = none';
COMMENT ON COLUMN analysis.label.value_seen IS 'value that the rule looked at, in the unit of the row; NULL = none';
COMMENT ON COLUMN analysis.label.rule_set IS 'hash of the rules behind the verdict; NULL = not judged';
COMMENT ON COLUMN analysis.label.source IS 'source of the entry that stated it; NULL = an oracle did';
COMMENT ON COLUMN analysis.label.external_id IS 'entry that stated it; NULL = an oracle did';
COMMENT ON COLUMN analysis.label.url IS 'address of that entry; NULL = none';
COMMENT ON COLUMN analysis.label.run_id IS 'run that stored it';
COMMENT ON COLUMN analysis.label.created_at IS 'when it was stored';
