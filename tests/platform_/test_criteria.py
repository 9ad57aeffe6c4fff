"""The nine criteria of paper 001: passed, failed, and the third answer, unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from matsift.screening.criteria import Criterion, evaluate, funnel, overall, paper_criteria
from matsift.screening.elements import ELECTROCHEMICALLY_ACTIVE, NOBLE_GASES, RADIOACTIVE
from matsift.screening.table import CriterionOutcome, ScreeningTable

ADAPTER: TypeAdapter[Criterion] = TypeAdapter(Criterion)


def table(**columns: object) -> ScreeningTable:
    """Three good structures, unless said otherwise."""
    given_columns: dict[str, object] = {
        "elements": [("Cl", "Na"), ("Na", "O"), ("F", "Na")],
        "reduced_formula": ["NaCl", "Na2O", "NaF"],
        "n_site": np.array([2, 3, 2]),
        "properties": {
            "band_gap": np.array([5.0, 2.0, 6.0]),
            "formation_energy_per_atom": np.array([-2.1, -1.4, -2.9]),
            "energy_above_hull": np.array([0.0, 0.0, 0.0]),
        },
        "has_descriptor": {"voronoi": np.array([True, True, True])},
        "converged": [True, True, True],
        **columns,
    }
    return ScreeningTable(**given_columns)  # type: ignore[arg-type]


def see(criterion: dict[str, object], **columns: object) -> CriterionOutcome:
    return evaluate([ADAPTER.validate_python({"name": "c", **criterion})], table(**columns))[0]


def test_the_paper_has_nine() -> None:
    outcomes = evaluate(paper_criteria(), table())
    assert [o.criterion for o in outcomes] == [
        "no_noble_gas",
        "structural_descriptor",
        "band_gap",
        "formation_energy",
        "energy_above_hull",
        "small_cell",
        "lowest_polymorph",
        "no_electrochemically_active_element",
        "converged",
    ]
    assert overall(outcomes, 3).tolist() == ["passed"] * 3


def test_excluded_elements_are_named() -> None:
    outcome = see(
        {"kind": "excludes_elements", "elements": ["electrochemically_active", "Xe"]},
        elements=[("Cl", "Na"), ("Fe", "Na", "O", "Ti"), ("F", "Xe")],
    )
    assert outcome.outcome.tolist() == ["passed", "failed", "failed"]
    assert outcome.detail == (None, "contains Fe, Ti", "contains Xe")
    assert np.isnan(outcome.value_seen).all()


@pytest.mark.parametrize(
    ("kind", "gaps", "expected"),
    [
        ("minimum", [0.1, 0.0999, np.nan], ["passed", "failed", "unknown"]),
        ("maximum", [0.1, 0.1001, np.nan], ["passed", "failed", "unknown"]),
    ],
    ids=["minimum", "maximum"],
)
def test_bounds_are_inside(kind: str, gaps: list[float], expected: list[str]) -> None:
    outcome = see({"kind": kind, "property": "band_gap", "value": 0.1}, properties={"band_gap": np.array(gaps)})
    assert outcome.outcome.tolist() == expected
    np.testing.assert_array_equal(outcome.value_seen, gaps)


def test_a_property_that_nobody_knows_is_unknown() -> None:
    outcome = see({"kind": "minimum", "property": "band_gap", "value": 0.1}, properties={})
    assert outcome.outcome.tolist() == ["unknown"] * 3


def test_fifty_sites_are_too_many() -> None:
    outcome = see({"kind": "n_site_below", "value": 50}, n_site=np.array([49, 50, 51]))
    assert outcome.outcome.tolist() == ["passed", "failed", "failed"]
    assert outcome.value_seen.tolist() == [49.0, 50.0, 51.0]


def test_a_descriptor_that_was_not_tried_is_unknown() -> None:
    outcome = see(
        {"kind": "has_descriptor", "descriptor_set": "voronoi"},
        has_descriptor={"voronoi": np.array([True, False, False])},
        descriptor_failed={"voronoi": np.array([False, True, False])},
    )
    assert outcome.outcome.tolist() == ["passed", "failed", "unknown"]


def test_convergence_has_three_answers() -> None:
    assert see({"kind": "converged"}, converged=[True, False, None]).outcome.tolist() == ["passed", "failed", "unknown"]
    assert see({"kind": "converged"}, converged=None).outcome.tolist() == ["unknown"] * 3


@pytest.mark.parametrize(
    ("energies", "expected"),
    [
        pytest.param([-2.0, -1.9, -1.8], ["passed", "failed", "failed"], id="one is lowest"),
        pytest.param([-2.0, -2.0, -1.8], ["passed", "passed", "failed"], id="two share the lowest"),
        pytest.param([-2.0, np.nan, -1.8], ["unknown", "unknown", "failed"], id="a rival is not known"),
        pytest.param([np.nan, np.nan, np.nan], ["unknown"] * 3, id="nothing is known"),
    ],
)
def test_polymorphs(energies: list[float], expected: list[str]) -> None:
    outcome = see(
        {"kind": "lowest_polymorph"},
        reduced_formula=["ZnS"] * 3,
        properties={"formation_energy_per_atom": np.array(energies)},
    )
    assert outcome.outcome.tolist() == expected


def test_a_beaten_polymorph_says_by_how_much() -> None:
    outcome = see(
        {"kind": "lowest_polymorph"},
        reduced_formula=["ZnS", "NaCl", "ZnS"],
        properties={"formation_energy_per_atom": np.array([-1.0, -2.0, -0.75])},
    )
    assert outcome.detail == (None, None, "a polymorph of ZnS lies 0.25 eV/atom lower")
    assert outcome.value_seen.tolist() == [-1.0, -2.0, -0.75]


@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.none() | st.integers(-3, 3)), min_size=1, max_size=12).map(
        lambda rows: ([f for f, _ in rows], [np.nan if e is None else float(e) for _, e in rows])
    )
)
def test_polymorphs_agree_with_looking_at_every_pair(rows: tuple[list[str], list[float]]) -> None:
    formulae, energies = rows
    n = len(formulae)
    outcome = evaluate(
        [ADAPTER.validate_python({"name": "c", "kind": "lowest_polymorph"})],
        ScreeningTable([()] * n, formulae, np.ones(n, dtype=int), {"formation_energy_per_atom": np.array(energies)}),
    )[0]
    for i in range(n):
        rivals = [energies[j] for j in range(n) if formulae[j] == formulae[i]]
        if np.isnan(energies[i]):
            expected = "unknown"
        elif any(rival < energies[i] for rival in rivals):
            expected = "failed"
        else:
            expected = "unknown" if any(np.isnan(rival) for rival in rivals) else "passed"
        assert outcome.outcome[i] == expected


def test_one_failure_outweighs_the_unknown() -> None:
    outcomes = evaluate(paper_criteria(), table(n_site=np.array([2, 50, 2]), converged=[True, None, None]))
    assert overall(outcomes, 3).tolist() == ["passed", "failed", "unknown"]
    assert funnel(outcomes, 3)[5:] == [
        ("small_cell", 1, 0, 2),
        ("lowest_polymorph", 0, 0, 2),
        ("no_electrochemically_active_element", 0, 0, 2),
        ("converged", 0, 2, 2),
    ]


def test_no_criteria_pass_everything() -> None:
    assert overall([], 2).tolist() == ["passed", "passed"]


def test_no_structures_give_empty_outcomes() -> None:
    empty = ScreeningTable([], [], np.array([], dtype=int))
    assert [len(o.outcome) for o in evaluate(paper_criteria(), empty)] == [0] * 9


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param({"kind": "lucky"}, "does not match any of the expected tags", id="kind"),
        pytest.param({"kind": "converged", "value": 3}, "Extra inputs are not permitted", id="unknown key"),
        pytest.param({"kind": "minimum", "property": "gap", "value": 1}, "there is no property 'gap'", id="property"),
        pytest.param({"kind": "minimum", "property": "band_gap", "value": float("nan")}, "finite number", id="NaN"),
        pytest.param({"kind": "excludes_elements", "elements": ["Qq"]}, "'Qq' is neither an element", id="element"),
        pytest.param({"kind": "excludes_elements", "elements": []}, "at least 1 item", id="no element"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ADAPTER.validate_python({"name": "c", **settings})


def test_settings_survive_json() -> None:
    for criterion in paper_criteria():
        assert ADAPTER.validate_json(criterion.model_dump_json()) == criterion


def test_element_groups() -> None:
    assert len(ELECTROCHEMICALLY_ACTIVE) == 20
    assert set(NOBLE_GASES) == {"He", "Ne", "Ar", "Kr", "Xe", "Rn"}
    assert {"Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "U", "Pu", "Og"} <= set(RADIOACTIVE)
    assert "Bi" not in RADIOACTIVE
    assert len(RADIOACTIVE) == 7 + 30  # Z = 89 to 118


BARRIERS = {
    "percolation_barrier_1d": np.array([0.4, 0.2, np.nan]),
    "percolation_barrier_2d": np.array([0.4, np.inf, np.nan]),
}


def test_percolation_is_asked_in_a_dimension() -> None:
    outcome = see({"kind": "percolates", "dimension": 2, "barrier": 0.5}, properties=BARRIERS)
    assert outcome.outcome.tolist() == ["passed", "failed", "unknown"]
    assert outcome.value_seen.tolist() == pytest.approx([0.4, np.nan, np.nan], nan_ok=True)
    assert outcome.detail == (None, "no path in 2D below the cutoff", None)


@pytest.mark.parametrize(("barrier", "said"), [(0.3, ["failed", "passed"]), (0.4, ["passed", "passed"])])
def test_a_barrier_may_be_as_high_as_the_limit(barrier: float, said: list[str]) -> None:
    outcome = see({"kind": "percolates", "dimension": 1, "barrier": barrier}, properties=BARRIERS)
    assert outcome.outcome.tolist()[:2] == said


def test_percolation_that_nobody_computed_is_unknown() -> None:
    assert see({"kind": "percolates", "barrier": 1.0}).outcome.tolist() == ["unknown"] * 3


def test_percolation_names_its_property_for_reports() -> None:
    criterion = ADAPTER.validate_python({"name": "c", "kind": "percolates", "dimension": 3, "barrier": 1.0})
    assert criterion.model_dump(mode="json") == {
        "name": "c",
        "kind": "percolates",
        "dimension": 3,
        "barrier": 1.0,
        "property": "percolation_barrier_3d",
    }


@pytest.mark.parametrize("wrong", [{"dimension": 0}, {"dimension": 4}, {"barrier": 0.0}, {"barrier": float("inf")}])
def test_percolation_has_bounds(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python({"name": "c", "kind": "percolates", "barrier": 1.0, **wrong})
