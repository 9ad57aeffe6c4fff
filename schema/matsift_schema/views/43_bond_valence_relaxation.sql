CREATE VIEW analysis.bond_valence_relaxation AS
SELECT v.method, s.content_hash AS structure_hash, s.reduced_formula AS formula, r.prototype, r.strain,
       r.screening_factor, r.lattice_error, r.lattice_constant AS lattice_constant_angstrom, r.oxygen_parameter,
       r.site_shift, r.global_instability_index AS gii_vu, r.problem, v.content_hash AS variant_hash, r.run_id
FROM matsift.bond_valence_relaxation r
JOIN matsift.bond_valence_variant v ON v.id = r.variant_id
JOIN matsift.structure s ON s.id = r.structure_id;

COMMENT ON VIEW analysis.bond_valence_relaxation IS 'One row a strained reference structure and screening factor: where the bond valence force field brings it to rest.';
COMMENT ON COLUMN analysis.bond_valence_relaxation.method IS 'method of the labels that come of it; names the variant of the force field';
COMMENT ON COLUMN analysis.bond_valence_relaxation.structure_hash IS 'the reference structure';
COMMENT ON COLUMN analysis.bond_valence_relaxation.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.bond_valence_relaxation.prototype IS 'perovskite or spinel';
COMMENT ON COLUMN analysis.bond_valence_relaxation.strain IS 'by which all lattice vectors were scaled before, as a fraction';
COMMENT ON COLUMN analysis.bond_valence_relaxation.screening_factor IS 'the screening factor, unit 1';
COMMENT ON COLUMN analysis.bond_valence_relaxation.lattice_error IS 'relaxed minus reference lattice constant, as a fraction of the reference; NULL = did not come to rest';
COMMENT ON COLUMN analysis.bond_valence_relaxation.lattice_constant_angstrom IS 'edge of the relaxed conventional cell, angstrom; NULL = did not come to rest';
COMMENT ON COLUMN analysis.bond_valence_relaxation.oxygen_parameter IS 'relaxed oxygen parameter u of a spinel in origin choice 2, as a fraction of the edge; NULL = none';
COMMENT ON COLUMN analysis.bond_valence_relaxation.site_shift IS 'mean displacement of sites from the reference, as a fraction of the cell''s edges; NULL = none moved';
COMMENT ON COLUMN analysis.bond_valence_relaxation.gii_vu IS 'global instability index of the relaxed structure over its cations, valence units; NULL = did not come to rest';
COMMENT ON COLUMN analysis.bond_valence_relaxation.problem IS 'why the row does not count among the samples to learn from; NULL = it does';
COMMENT ON COLUMN analysis.bond_valence_relaxation.variant_hash IS 'SHA-256 of the variant of the force field';
COMMENT ON COLUMN analysis.bond_valence_relaxation.run_id IS 'run that relaxed it';
