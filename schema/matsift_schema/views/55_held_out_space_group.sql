CREATE VIEW analysis.held_out_space_group AS
SELECT m.content_hash AS model_hash, m.learner, m.purpose, s.content_hash AS structure_hash,
       s.reduced_formula AS formula, r.role, r.fold AS validation_set, l.value::int AS space_group_number, h.predicted,
       h.predicted = l.value::int AS is_right, h.relation, h.probability, h.true_probability, h.true_rank,
       h.member_predicted, h.member_probabilities, h.in_set, h.set_size, v.value AS volume_angstrom3,
       h.volume AS predicted_volume_angstrom3, h.volume_lower AS volume_lower_angstrom3,
       h.volume_upper AS volume_upper_angstrom3, h.volume / v.value - 1 AS volume_error, h.run_id
FROM matsift.held_out_space_group h
JOIN matsift.model_version m ON m.id = h.model_version_id
JOIN matsift.label l ON l.id = h.label_id
JOIN matsift.structure s ON s.id = l.structure_id
LEFT JOIN matsift.dataset_row r ON r.snapshot_id = m.snapshot_id AND r.label_id = l.id
LEFT JOIN matsift.label v ON v.structure_id = l.structure_id AND v.method = l.method AND v.origin = l.origin
     AND v.revision = l.revision AND v.property_id = (SELECT p.id FROM matsift.property p WHERE p.name = 'primitive_cell_volume');

COMMENT ON VIEW analysis.held_out_space_group IS 'One row a structure that a space group model was not trained on, true and predicted.';
COMMENT ON COLUMN analysis.held_out_space_group.model_hash IS 'the network ensemble';
COMMENT ON COLUMN analysis.held_out_space_group.learner IS 'kind of network';
COMMENT ON COLUMN analysis.held_out_space_group.purpose IS 'ensemble (identifies patterns), baseline or ablation (compare)';
COMMENT ON COLUMN analysis.held_out_space_group.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.held_out_space_group.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.held_out_space_group.role IS 'role in the snapshot: test, or validation (calibrates); NULL = outside it';
COMMENT ON COLUMN analysis.held_out_space_group.validation_set IS 'number of the validation set, from 1; NULL = none';
COMMENT ON COLUMN analysis.held_out_space_group.space_group_number IS 'true space group';
COMMENT ON COLUMN analysis.held_out_space_group.predicted IS 'most probable space group';
COMMENT ON COLUMN analysis.held_out_space_group.is_right IS 'whether the two are the same';
COMMENT ON COLUMN analysis.held_out_space_group.relation IS 'the predicted to the true group: same, subgroup, supergroup, both or unrelated; NULL = unknown';
COMMENT ON COLUMN analysis.held_out_space_group.probability IS 'calibrated probability of the predicted group, fraction of 1';
COMMENT ON COLUMN analysis.held_out_space_group.true_probability IS 'calibrated probability of the true group, fraction of 1';
COMMENT ON COLUMN analysis.held_out_space_group.true_rank IS 'place of the true group, from 1; NULL = the ensemble does not know it';
COMMENT ON COLUMN analysis.held_out_space_group.member_predicted IS 'most probable space group of each network';
COMMENT ON COLUMN analysis.held_out_space_group.member_probabilities IS 'probability of the predicted group by each network, fraction of 1';
COMMENT ON COLUMN analysis.held_out_space_group.in_set IS 'whether the conformal set holds the true group';
COMMENT ON COLUMN analysis.held_out_space_group.set_size IS 'space groups in the conformal set, count';
COMMENT ON COLUMN analysis.held_out_space_group.volume_angstrom3 IS 'true volume of the primitive cell, angstrom3; NULL = unknown';
COMMENT ON COLUMN analysis.held_out_space_group.predicted_volume_angstrom3 IS 'predicted volume of the primitive cell, angstrom3; NULL = the network says none';
COMMENT ON COLUMN analysis.held_out_space_group.volume_lower_angstrom3 IS 'lower quartile of it, angstrom3; NULL = as it';
COMMENT ON COLUMN analysis.held_out_space_group.volume_upper_angstrom3 IS 'upper quartile of it, angstrom3; NULL = as it';
COMMENT ON COLUMN analysis.held_out_space_group.volume_error IS 'predicted over true volume minus 1, as a fraction; NULL = one is unknown';
COMMENT ON COLUMN analysis.held_out_space_group.run_id IS 'run that computed it';
