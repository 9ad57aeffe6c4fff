CREATE VIEW analysis.generated_structure AS
SELECT a.formula, o.name AS template_source, e.external_id AS template_id, t.reduced_formula AS template_formula,
       t.space_group_symbol AS template_space_group, a.template_distance, a.assignment, a.attempt, a.mapping, a.method,
       a.outcome,
       a.reason, s.content_hash AS structure_hash, s.space_group_symbol, s.space_group_number, s.n_site, h.value AS
       energy_above_hull_ev, f.value AS formation_energy_ev, a.seconds, a.run_id, a.created_at
FROM matsift.generated_structure a
LEFT JOIN matsift.source_entry e ON e.id = a.template_entry_id
LEFT JOIN matsift.source o ON o.id = e.source_id
LEFT JOIN matsift.structure t ON t.id = e.structure_id
LEFT JOIN matsift.structure s ON s.id = a.structure_id
LEFT JOIN LATERAL (
    SELECT l.value FROM matsift.label l JOIN matsift.property p ON p.id = l.property_id
    WHERE l.structure_id = s.id AND p.name = 'energy_above_hull' ORDER BY l.method <> a.method, l.id DESC LIMIT 1
) AS h ON true
LEFT JOIN LATERAL (
    SELECT l.value FROM matsift.label l JOIN matsift.property p ON p.id = l.property_id
    WHERE l.structure_id = s.id AND p.name = 'formation_energy_per_atom' ORDER BY l.method <> a.method, l.id DESC
    LIMIT 1
) AS f ON true;

COMMENT ON VIEW analysis.generated_structure IS 'One row an attempt at a crystal of a composition; those that came to nothing say why.';
COMMENT ON COLUMN analysis.generated_structure.formula IS 'reduced formula of the composition';
COMMENT ON COLUMN analysis.generated_structure.template_source IS 'source of the template; NULL = none has these amounts';
COMMENT ON COLUMN analysis.generated_structure.template_id IS 'identifier of the template in that source';
COMMENT ON COLUMN analysis.generated_structure.template_formula IS 'reduced formula of the template';
COMMENT ON COLUMN analysis.generated_structure.template_space_group IS 'space group of the template, short international symbol';
COMMENT ON COLUMN analysis.generated_structure.template_distance IS 'earth mover''s distance from its composition (modified Pettifor scale, no unit)';
COMMENT ON COLUMN analysis.generated_structure.assignment IS 'which assignment of elements to sites, cheapest first, from 0';
COMMENT ON COLUMN analysis.generated_structure.attempt IS '1 for the first try, 2 for the first retry';
COMMENT ON COLUMN analysis.generated_structure.mapping IS 'element of the template -> element that takes its sites';
COMMENT ON COLUMN analysis.generated_structure.method IS 'how it was relaxed';
COMMENT ON COLUMN analysis.generated_structure.outcome IS 'relaxed, rediscovered (the formula is known), refused or failed';
COMMENT ON COLUMN analysis.generated_structure.reason IS 'why there is no crystal; NULL = there is one';
COMMENT ON COLUMN analysis.generated_structure.structure_hash IS 'the crystal; NULL = there is none';
COMMENT ON COLUMN analysis.generated_structure.space_group_symbol IS 'its space group after the relaxation';
COMMENT ON COLUMN analysis.generated_structure.space_group_number IS 'number of that space group';
COMMENT ON COLUMN analysis.generated_structure.n_site IS 'atoms in its primitive cell, count';
COMMENT ON COLUMN analysis.generated_structure.energy_above_hull_ev IS 'distance to the convex hull of the known phases, eV/atom; NULL = not computed';
COMMENT ON COLUMN analysis.generated_structure.formation_energy_ev IS 'formation energy, eV/atom; NULL = not computed';
COMMENT ON COLUMN analysis.generated_structure.seconds IS 'wall-clock time of the attempt, s';
COMMENT ON COLUMN analysis.generated_structure.run_id IS 'run that tried';
COMMENT ON COLUMN analysis.generated_structure.created_at IS 'when it was stored';
