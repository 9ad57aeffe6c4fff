"""The map of compositions: what is on it, in which group, and that likes lie near each other."""

from __future__ import annotations

import numpy as np

from matsift.reports.composition_map import composition_map

_SALTS = [metal + halogen for metal in ("Li", "Na", "K", "Rb", "Cs") for halogen in ("F", "Cl", "Br", "I")]
_ALLOYS = [f"{first}{second}3" for first in ("Ni", "Co", "Fe", "Pt") for second in ("Al", "Ti", "V", "Cr")]


def test_alike_compositions_lie_near_each_other() -> None:
    shown = composition_map({"salts": _SALTS, "alloys": _ALLOYS})
    assert shown is not None
    assert shown.formulas == (*_SALTS, *_ALLOYS)
    salts = np.array([group == "salts" for group in shown.groups])
    distances = np.linalg.norm(shown.coordinates[:, None] - shown.coordinates[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (salts[distances.argmin(axis=1)] == salts).mean() > 0.9


def test_one_that_stands_in_two_groups_belongs_to_the_last() -> None:
    shown = composition_map({"first labels": _SALTS, "candidates": ["NaCl", "no formula", *_ALLOYS]})
    assert shown is not None
    assert dict(zip(shown.formulas, shown.groups, strict=True))["NaCl"] == "candidates"
    assert "no formula" not in shown.formulas
    assert list(shown.groups) == sorted(shown.groups, reverse=True)  # groups in order, however they came


def test_the_same_formulas_give_the_same_picture() -> None:
    one, other = (composition_map({"salts": _SALTS, "alloys": _ALLOYS}) for _ in range(2))
    assert one is not None
    assert other is not None
    assert np.array_equal(one.coordinates, other.coordinates)


def test_a_large_group_is_thinned_evenly_and_few_formulas_give_no_picture() -> None:
    shown = composition_map({"salts": _SALTS, "alloys": _ALLOYS}, most_of_each=6)
    assert shown is not None
    assert [formula for formula, group in zip(shown.formulas, shown.groups, strict=True) if group == "salts"] == [
        _SALTS[n] for n in (0, 4, 8, 11, 15, 19)
    ]
    assert composition_map({"salts": _SALTS[:5]}) is None
