CREATE VIEW analysis.volumetric_field AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, s.space_group_number, s.space_group_symbol,
       f.kind, f.method, f.electrons, f.shape, f.cell, c.volume_angstrom3,
       c.volume_angstrom3 / (f.shape[1]::float8 * f.shape[2] * f.shape[3]) AS voxel_angstrom3,
       f.n_electron, f.n_electron_expected, f.n_electron - f.n_electron_expected AS n_electron_error, f.n_unpaired,
       f.n_electron / c.volume_angstrom3 AS mean_per_angstrom3, f.artifact_sha256, f.artifact_uri,
       o.name AS source, e.external_id, f.run_id, f.created_at
FROM matsift.volumetric_field f
JOIN matsift.structure s ON s.id = f.structure_id
CROSS JOIN LATERAL (
    SELECT abs(f.cell[1] * (f.cell[5] * f.cell[9] - f.cell[6] * f.cell[8])
               - f.cell[2] * (f.cell[4] * f.cell[9] - f.cell[6] * f.cell[7])
               + f.cell[3] * (f.cell[4] * f.cell[8] - f.cell[5] * f.cell[7])) AS volume_angstrom3
) AS c
LEFT JOIN matsift.source_entry e ON e.id = f.source_entry_id
LEFT JOIN matsift.source o ON o.id = e.source_id;

COMMENT ON VIEW analysis.volumetric_field IS 'One row a charge density or electron localisation function on a grid; its values are an artifact.';
COMMENT ON COLUMN analysis.volumetric_field.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.volumetric_field.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.volumetric_field.space_group_number IS 'of the structure, number; NULL = none found';
COMMENT ON COLUMN analysis.volumetric_field.space_group_symbol IS 'of the structure, short international symbol; NULL = none found';
COMMENT ON COLUMN analysis.volumetric_field.kind IS 'dft_charge, elf (electron localisation function) or promolecule (superposed neutral atoms)';
COMMENT ON COLUMN analysis.volumetric_field.method IS 'how it was made';
COMMENT ON COLUMN analysis.volumetric_field.electrons IS 'all or valence: which the density counts; NULL = elf';
COMMENT ON COLUMN analysis.volumetric_field.shape IS 'points along a, b and c, count';
COMMENT ON COLUMN analysis.volumetric_field.cell IS 'cell of the grid, rows a, b, c, angstrom';
COMMENT ON COLUMN analysis.volumetric_field.volume_angstrom3 IS 'volume of that cell, cubic angstrom';
COMMENT ON COLUMN analysis.volumetric_field.voxel_angstrom3 IS 'volume that belongs to one point, cubic angstrom';
COMMENT ON COLUMN analysis.volumetric_field.n_electron IS 'integral over the cell, electrons; NULL = elf';
COMMENT ON COLUMN analysis.volumetric_field.n_electron_expected IS 'electrons of the cell by another count; NULL = not known';
COMMENT ON COLUMN analysis.volumetric_field.n_electron_error IS 'integral minus that count, electrons; NULL = not known';
COMMENT ON COLUMN analysis.volumetric_field.n_unpaired IS 'integral of the spin density, electrons; NULL = without spin';
COMMENT ON COLUMN analysis.volumetric_field.mean_per_angstrom3 IS 'mean density, electrons per cubic angstrom; NULL = elf';
COMMENT ON COLUMN analysis.volumetric_field.artifact_sha256 IS 'SHA-256 of the compressed grid in the artifact store';
COMMENT ON COLUMN analysis.volumetric_field.artifact_uri IS 'where it lay when it was stored';
COMMENT ON COLUMN analysis.volumetric_field.source IS 'source of the entry that it came with; NULL = computed here';
COMMENT ON COLUMN analysis.volumetric_field.external_id IS 'identifier of that entry in its source';
COMMENT ON COLUMN analysis.volumetric_field.run_id IS 'run that stored it';
COMMENT ON COLUMN analysis.volumetric_field.created_at IS 'when it was stored';
