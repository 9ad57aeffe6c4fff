-- Of the table that triggers keep ready; an order by a lower end, of all or of those with n_failed = 0, is that of an index.
CREATE VIEW analysis.candidate_ranking AS
SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, s.space_group_symbol, s.elements,
       c.k_vrh AS k_vrh_gpa, c.k_vrh_spread AS k_vrh_spread_gpa, c.k_vrh_lower AS k_vrh_lower_gpa,
       c.k_vrh_upper AS k_vrh_upper_gpa, c.g_vrh AS g_vrh_gpa, c.g_vrh_spread AS g_vrh_spread_gpa,
       c.g_vrh_lower AS g_vrh_lower_gpa, c.g_vrh_upper AS g_vrh_upper_gpa,
       c.study,
       CASE WHEN c.n_failed > 0 THEN 'failed' WHEN c.n_unknown > 0 THEN 'unknown' WHEN c.n_passed > 0 THEN 'passed' END
           AS screening_state,
       c.n_passed, c.n_failed, c.n_unknown, c.failed_criteria, c.unknown_criteria,
       EXISTS (SELECT FROM matsift.label l JOIN matsift.property p ON p.id = l.property_id
               WHERE l.structure_id = s.id AND p.name IN ('k_vrh', 'g_vrh')) AS has_label,
       ARRAY(SELECT o.name || ': ' || e.external_id || coalesce(' ' || e.url, '')
             FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
             WHERE e.structure_id = s.id AND e.withdrawn_at IS NULL ORDER BY 1) AS sources,
       (SELECT (r.detail ->> 'dimension')::integer FROM matsift.oracle_result r
        WHERE r.structure_id = s.id AND r.detail ? 'percolation_barrier_1d' ORDER BY r.id DESC LIMIT 1) AS percolation_dimension,
       (SELECT (r.detail ->> 'percolation_barrier_1d')::float8 FROM matsift.oracle_result r
        WHERE r.structure_id = s.id AND r.detail ? 'percolation_barrier_1d' ORDER BY r.id DESC LIMIT 1) AS percolation_barrier_1d_ev,
       (SELECT (r.detail ->> 'percolation_barrier_2d')::float8 FROM matsift.oracle_result r
        WHERE r.structure_id = s.id AND r.detail ? 'percolation_barrier_1d' ORDER BY r.id DESC LIMIT 1) AS percolation_barrier_2d_ev,
       (SELECT (r.detail ->> 'percolation_barrier_3d')::float8 FROM matsift.oracle_result r
        WHERE r.structure_id = s.id AND r.detail ? 'percolation_barrier_1d' ORDER BY r.id DESC LIMIT 1) AS percolation_barrier_3d_ev,
       (SELECT r.method FROM matsift.oracle_result r
        WHERE r.structure_id = s.id AND r.detail ? 'percolation_barrier_1d' ORDER BY r.id DESC LIMIT 1) AS percolation_method
FROM matsift.candidate c
JOIN matsift.structure s ON s.id = c.structure_id;

COMMENT ON VIEW analysis.candidate_ranking IS 'One row a predicted structure a study: moduli with interval, screening state, sources; order it as you like.';
COMMENT ON COLUMN analysis.candidate_ranking.structure_hash IS 'the structure';
COMMENT ON COLUMN analysis.candidate_ranking.formula IS 'reduced formula';
COMMENT ON COLUMN analysis.candidate_ranking.space_group_symbol IS 'short international symbol; NULL = none found';
COMMENT ON COLUMN analysis.candidate_ranking.elements IS 'sorted element symbols; ask with @> ARRAY[''Na'']';
COMMENT ON COLUMN analysis.candidate_ranking.k_vrh_gpa IS 'predicted bulk modulus, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.k_vrh_spread_gpa IS 'standard deviation over members, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.k_vrh_lower_gpa IS 'lower end of the calibrated interval, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.k_vrh_upper_gpa IS 'upper end of the calibrated interval, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.g_vrh_gpa IS 'predicted shear modulus, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.g_vrh_spread_gpa IS 'standard deviation over members, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.g_vrh_lower_gpa IS 'lower end of the calibrated interval, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.g_vrh_upper_gpa IS 'upper end of the calibrated interval, GPa; NULL = not predicted';
COMMENT ON COLUMN analysis.candidate_ranking.study IS 'study whose newest screen the next columns are of; NULL = not screened';
COMMENT ON COLUMN analysis.candidate_ranking.screening_state IS 'failed, unknown or passed; NULL = not screened';
COMMENT ON COLUMN analysis.candidate_ranking.n_passed IS 'criteria passed, count';
COMMENT ON COLUMN analysis.candidate_ranking.n_failed IS 'criteria failed, count';
COMMENT ON COLUMN analysis.candidate_ranking.n_unknown IS 'criteria that could not decide, count';
COMMENT ON COLUMN analysis.candidate_ranking.failed_criteria IS 'names of the criteria failed';
COMMENT ON COLUMN analysis.candidate_ranking.unknown_criteria IS 'names of the criteria that could not decide';
COMMENT ON COLUMN analysis.candidate_ranking.has_label IS 'a source or an oracle gave one of the two moduli';
COMMENT ON COLUMN analysis.candidate_ranking.sources IS 'entries that describe it now, as source: id address';
COMMENT ON COLUMN analysis.candidate_ranking.percolation_dimension IS 'dimensions in which the mobile ion has a path below the cutoff of the method, 0 to 3; NULL = not computed';
COMMENT ON COLUMN analysis.candidate_ranking.percolation_barrier_1d_ev IS 'barrier of a path in one direction or more, eV, by the newest method; NULL = none below its cutoff, or not computed';
COMMENT ON COLUMN analysis.candidate_ranking.percolation_barrier_2d_ev IS 'barrier of paths in two directions or more, eV; NULL = none below the cutoff, or not computed';
COMMENT ON COLUMN analysis.candidate_ranking.percolation_barrier_3d_ev IS 'barrier of paths in three directions, eV; NULL = none below the cutoff, or not computed';
COMMENT ON COLUMN analysis.candidate_ranking.percolation_method IS 'how the barriers were computed; NULL = not computed';
