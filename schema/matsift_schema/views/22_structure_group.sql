CREATE VIEW analysis.structure_group AS
SELECT r.name AS rule, r.settings AS rule_settings, s.content_hash AS structure_hash, s.reduced_formula AS formula,
       s.space_group_symbol, p.content_hash AS representative_hash, s.id = p.id AS is_representative,
       m.rms_displacement,
       (SELECT count(*) FROM matsift.structure_group_member o WHERE o.structure_group_id = g.id) AS n_structure,
       (SELECT coalesce(array_agg(c.name || ': ' || e.external_id ORDER BY c.name, e.external_id), '{}')
        FROM matsift.source_entry e JOIN matsift.source c ON c.id = e.source_id
        WHERE e.structure_id = s.id AND e.withdrawn_at IS NULL) AS sources,
       r.content_hash AS rule_hash, m.run_id
FROM matsift.structure_group_member m
JOIN matsift.structure_group g ON g.id = m.structure_group_id
JOIN matsift.grouping_rule r ON r.id = m.grouping_rule_id
JOIN matsift.structure s ON s.id = m.structure_id
JOIN matsift.structure p ON p.id = g.representative_id;

COMMENT ON VIEW analysis.structure_group IS 'One row a structure and rule: the structures that it is the same crystal as share its representative.';
COMMENT ON COLUMN analysis.structure_group.rule IS 'algorithm that linked them, and its version';
COMMENT ON COLUMN analysis.structure_group.rule_settings IS 'its tolerances';
COMMENT ON COLUMN analysis.structure_group.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.structure_group.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.structure_group.space_group_symbol IS 'short international symbol; NULL = none found';
COMMENT ON COLUMN analysis.structure_group.representative_hash IS 'the structure that names the group; the same for all of a group';
COMMENT ON COLUMN analysis.structure_group.is_representative IS 'it names its group itself';
COMMENT ON COLUMN analysis.structure_group.rms_displacement IS 'root mean square distance of matched sites to the representative, as a fraction of the cube root of the volume per site; NULL = it is the representative';
COMMENT ON COLUMN analysis.structure_group.n_structure IS 'structures in the group, count; 1 = no other is the same';
COMMENT ON COLUMN analysis.structure_group.sources IS 'source: id of each entry that states this structure now';
COMMENT ON COLUMN analysis.structure_group.rule_hash IS 'SHA-256 of the rule with its settings';
COMMENT ON COLUMN analysis.structure_group.run_id IS 'run that grouped it';
