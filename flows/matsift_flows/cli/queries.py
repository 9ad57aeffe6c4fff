"""The queries that the end of a run proposes, and the command that asks them, as the user called it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matsift_flows.cli.called import as_called

if TYPE_CHECKING:
    from matsift.study.settings import Study

#: The moduli that `analysis.candidate_ranking` has columns of.
_RANKED_IN_SQL = ("k_vrh", "g_vrh")

_BEST = """
SELECT formula, left(structure_hash, 10) AS structure, round({name}_gpa) AS {name}, round({name}_lower_gpa) AS lower,
round({name}_upper_gpa) AS upper, n_passed, n_unknown FROM analysis.candidate_ranking
WHERE study = '{study}' AND n_failed = 0 ORDER BY {by} {direction} NULLS LAST LIMIT 10
"""
_FAILED = """
SELECT unnest(failed_criteria) AS criterion, count(*) AS n_structure FROM analysis.screening_summary
WHERE study = '{study}' AND is_current GROUP BY 1 ORDER BY 2 DESC
"""
_ROUNDS = """
SELECT property_name, strategy, round, n_label, round(mean_spread::numeric, 2) AS spread,
round(test_mae::numeric, 2) AS test_mae, n_labelled, n_failed FROM analysis.campaign_progress
WHERE study = '{study}' ORDER BY 1, 2, 3
"""
_PREDICTED_OXIDES = """
SELECT i.formula, round(a.mean::numeric, 3) AS a_angstrom, round(a.lower::numeric, 3) AS lower,
round(a.upper::numeric, 3) AS upper, round(i.mean::numeric, 3) AS instability_index
FROM analysis.prediction i JOIN analysis.prediction a ON a.structure_hash = i.structure_hash
WHERE i.property_name = 'global_instability_index' AND a.property_name = 'lattice_constant' ORDER BY i.mean LIMIT 10
"""
_STRAINED_OXIDES = """
SELECT formula, space_group_symbol, round(gii_cations_vu::numeric, 3) AS instability_index,
round(cation_deviation_min_vu::numeric, 3) AS most_underbonded, round(cation_deviation_max_vu::numeric, 3)
AS most_overbonded FROM analysis.bond_valence ORDER BY gii_cations_vu DESC LIMIT 10
"""
_RELAXED_OXIDES = """
SELECT prototype, screening_factor, count(*) AS n, round(avg(lattice_error)::numeric, 4) AS mean_error,
round(stddev(lattice_error)::numeric, 4) AS deviation FROM analysis.bond_valence_relaxation
WHERE problem IS NULL GROUP BY 1, 2 ORDER BY 1, 2
"""
_CONFUSED = """
SELECT space_group_number AS true_group, predicted, sum(n_structure) AS n, round(max(fraction)::numeric, 2) AS share
FROM analysis.space_group_confusion WHERE role = 'test' AND purpose = 'ensemble' AND space_group_number <> predicted
GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT 10
"""
_VOLUMES = """
SELECT space_group_number, count(*) AS n, round(avg(is_right::int), 2) AS recall,
round((percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(volume_error)))::numeric, 3) AS volume_error
FROM analysis.held_out_space_group WHERE role = 'test' AND purpose = 'ensemble' GROUP BY 1 ORDER BY recall, 1
"""
_IDENTIFIED = """
SELECT p.name, i.space_group_number, round(i.probability::numeric, 2) AS probability, i.is_sure, p.formula,
round(p.score::numeric, 2) AS score, p.rank FROM analysis.pattern_phase p
JOIN analysis.identified_pattern i USING (answer_hash) WHERE p.fit = 'alone' AND p.rank <= 5
ORDER BY i.identified_at DESC, p.name, p.rank LIMIT 10
"""
_COMPARED = """
SELECT h.property_name AS property, h.learner, array_to_string(m.descriptor_sets, ' ') AS descriptors, count(*) AS n,
round(sqrt(avg(h.error ^ 2))::numeric, 1) AS rmse FROM analysis.held_out_prediction h
JOIN (SELECT DISTINCT model_hash, sampling_strategy, descriptor_sets FROM analysis.model) m USING (model_hash)
WHERE m.sampling_strategy = 'k_fold' GROUP BY 1, 2, 3 ORDER BY 1, 5
"""
_HARDEST = """
SELECT property_name AS property, formula, round(max(true_value)::numeric, 1) AS label, count(*) AS n,
round(avg(error)::numeric, 1) AS mean_error FROM analysis.held_out_prediction
GROUP BY 1, 2, structure_hash ORDER BY abs(avg(error)) DESC LIMIT 10
"""
_DENSITIES = """
SELECT formula, space_group_symbol, method, round(n_electron::numeric, 3) AS electrons, n_electron_expected,
round(mean_per_angstrom3::numeric, 3) AS mean_per_a3 FROM analysis.volumetric_field ORDER BY 6 DESC LIMIT 10
"""
_COMPOSED = """
SELECT DISTINCT ON (formula) formula, origin, round(mean::numeric, 2) AS mean, round(lower::numeric, 2) AS lower,
round(upper::numeric, 2) AS upper, nearest_formula AS near, round(nearest_distance::numeric, 1) AS distance, rank
FROM analysis.generated_composition WHERE study = '{study}' AND rank <= 10 ORDER BY formula, rank
"""
_MADE = """
SELECT formula, template_formula AS template, round(template_distance::numeric, 1) AS distance, outcome,
round(formation_energy_ev::numeric, 2) AS formation_ev, round(energy_above_hull_ev::numeric, 3) AS hull_ev
FROM analysis.generated_structure ORDER BY energy_above_hull_ev, formula LIMIT 20
"""
_SEARCHED = """
SELECT strategy AS search, round, count(*) AS n, sum(decodes::int) AS decode, count(DISTINCT formula) AS formulas,
round(min(value)::numeric, 2) AS lowest, round(max(value)::numeric, 2) AS highest FROM analysis.suggestion
WHERE study = '{study}' GROUP BY 1, 2 ORDER BY 1, 2
"""
_OF_GENERATION = (
    ("the compositions that each batch kept first, with intervals", _COMPOSED),
    ("what became of the crystals that were tried (eV/atom)", _MADE),
    ("how the searches went, round by round", _SEARCHED),
)
_OF_DENSITIES = (
    ("the error of each learner on crystals that it has not learned from", _COMPARED),
    ("the crystals that all learners together are most wrong about", _HARDEST),
    ("the densest cells, and whether their densities hold all electrons", _DENSITIES),
)
_OF_PATTERNS = (
    ("which space groups are taken for which", _CONFUSED),
    ("how each space group is recognised, and how far its cell volume is off (fractions)", _VOLUMES),
    ("the stored structures that fit each measured pattern", _IDENTIFIED),
)
_OF_OXIDES = (
    ("predicted lattice constants of the oxides whose bonds fit best", _PREDICTED_OXIDES),
    ("oxides strained by their bond valence sums (valence units)", _STRAINED_OXIDES),
    ("how lattices come out of relaxation at each screening factor (fractions)", _RELAXED_OXIDES),
)


def queries_to_try(study: Study) -> list[tuple[str, str]]:
    """Return (what it answers, SQL on the schema `analysis`), each narrower than 100 columns when printed."""
    if study.bond_valence is not None:
        return [(title, " ".join(template.split())) for title, template in _OF_OXIDES]
    if study.diffraction is not None:
        return [(title, " ".join(template.split())) for title, template in _OF_PATTERNS]
    if study.density is not None:
        return [(title, " ".join(template.split())) for title, template in _OF_DENSITIES]
    if study.generative is not None:
        return [(title, " ".join(template.split()).format(study=study.name)) for title, template in _OF_GENERATION]
    ranking = study.ranking
    name = ranking.property if ranking.property in _RANKED_IN_SQL else _RANKED_IN_SQL[-1]
    names = {
        "study": study.name,  # a slug, so it needs no quoting
        "name": name,
        "by": f"{name}_gpa" if ranking.by == "mean" else f"{name}_{ranking.by}_gpa",
        "direction": "DESC" if ranking.goal == "maximize" else "ASC",
    }
    templates = (
        (f"the best candidates ({name} in GPa)", _BEST),
        ("how many structures fail each criterion", _FAILED),
        ("what each round of the campaigns brought (spread and error in GPa)", _ROUNDS),
    )
    return [(title, " ".join(template.split()).format(**names)) for title, template in templates]


def shell_command() -> str:
    """Return how to call `matsift db shell` from the same folder, on the same data, as this process was called."""
    return f"{as_called()} db shell -c"
