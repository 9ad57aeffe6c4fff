"""Which oxides the rule admits, and the crystals that it starts from."""

from __future__ import annotations

from collections import Counter

import pytest

from matsift.bond_valence.decorations import formula, is_balanced, tolerance_factor
from matsift.bond_valence.prototype_match import match
from matsift.candidates.oxides import (
    OCTAHEDRAL_WINDOW,
    PEROVSKITE_WINDOW,
    SPINEL_WINDOW,
    oxide_pairs,
    plan_oxides,
    spinel_factor,
)


def test_the_rule_admits_as_many_as_the_paper_had() -> None:
    """115 perovskites and 128 spinels there."""
    counts = Counter(pair.prototype for pair in oxide_pairs())
    assert counts == {"perovskite": 118, "spinel": 130}


@pytest.mark.parametrize(
    ("name", "admitted"),
    [
        ("SrTiO3", True),
        ("BaCeO3", True),
        ("LaGaO3", True),
        ("KNbO3", True),
        ("MgAl2O4", True),
        ("GeMg2O4", True),
        ("MoNa2O4", True),
        ("CaZrO3", False),  # below the window: its octahedra tilt by much
        ("MgTiO3", False),  # ilmenite
        ("SrCeO3", False),
        ("Fe3O4", False),  # iron in two valences
        ("CaAl2O4", False),
    ],
)
def test_well_known_oxides_are_where_they_belong(name: str, admitted: bool) -> None:
    assert (name in {formula(pair) for pair in oxide_pairs()}) is admitted


def test_every_pair_is_balanced_within_the_windows_and_there_once() -> None:
    pairs = oxide_pairs()
    assert len({(p.prototype, formula(p)) for p in pairs}) == len(pairs)
    for pair in pairs:
        assert is_balanced(pair)
        assert pair.a.symbol != pair.b.symbol
        if pair.prototype == "perovskite":
            assert PEROVSKITE_WINDOW[0] <= tolerance_factor(pair) <= PEROVSKITE_WINDOW[1]
            assert OCTAHEDRAL_WINDOW[0] <= pair.b.r_shannon / 1.40 <= OCTAHEDRAL_WINDOW[1]
        else:
            assert SPINEL_WINDOW[0] <= spinel_factor(pair) <= SPINEL_WINDOW[1]


def test_tolerance_factors_by_hand() -> None:
    """Shannon 1976, six neighbours: Sr 1.18, Ti 0.605, Mg 0.72, Al 0.535, O 1.40."""
    known = {formula(pair): pair for pair in oxide_pairs()}
    assert tolerance_factor(known["SrTiO3"]) == pytest.approx(2.58 / (2**0.5 * 2.005), abs=1e-12)
    assert spinel_factor(known["MgAl2O4"]) == pytest.approx(3**0.5 * 1.935 / (2 * 2.12), abs=1e-12)


def test_a_plan_is_all_of_them_as_crystals_of_their_prototype() -> None:
    plan = plan_oxides(0)
    assert len(plan) == len(oxide_pairs())
    assert {c.external_id for c in plan} == {f"{p.prototype}-{formula(p)}" for p in oxide_pairs()}
    for candidate in plan[:12]:
        found = match(candidate.crystal)
        assert found is not None
        assert candidate.external_id.startswith(f"{found.prototype}-{found.a_element}{found.b_element}")
        assert candidate.substitution.startswith(found.a_element)
        assert candidate.what == "energy_in_symmetry"


def test_hafnium_is_kept_for_trying_a_model() -> None:
    unseen = {c.external_id for c in plan_oxides(0) if c.wanted == "unseen"}
    assert unseen == {"perovskite-SrHfO3", "perovskite-BaHfO3", "perovskite-PbHfO3"}


def test_a_seed_orders_and_chooses_nothing() -> None:
    first, same, other = plan_oxides(3), plan_oxides(3), plan_oxides(4)
    names = [c.external_id for c in first]
    assert names == [c.external_id for c in same]
    assert names != [c.external_id for c in other]
    assert sorted(names) == sorted(c.external_id for c in other)
    assert {name.split("-")[0] for name in names[:4]} == {"perovskite", "spinel"}
