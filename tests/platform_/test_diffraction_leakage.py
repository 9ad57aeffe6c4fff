"""The rule that keeps look-alikes out of validation: symmetric, catches copies, not relatives."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from matsift.crystal import Crystal
from matsift.diffraction.grid import N_BIN
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.leakage import PARTNER_FLOOR, PEAK_FLOOR, leak, leak_pairs, leaks_into, with_partner
from matsift.diffraction.sparse import SparseProfiles

SPINEL = Crystal.from_pymatgen(
    Structure.from_spacegroup(
        "Fd-3m", Lattice.cubic(8.08), ["Mg", "Al", "O"], [[0, 0, 0], [0.625] * 3, [0.3873] * 3]
    ).get_primitive_structure()
)


def strained(crystal: Crystal, factor: float) -> Crystal:
    return Crystal.ordered(crystal.lattice * factor, list(crystal.species), crystal.frac_coords)


@pytest.fixture(scope="module")
def spinels() -> SparseProfiles:
    profiles, failures = ideal_profiles([strained(SPINEL, t) for t in (1.0, 1.0001, 1.03)])
    assert not failures
    return profiles


def test_a_copy_strained_by_a_ten_thousandth_leaks_and_one_by_three_percent_does_not(spinels: SparseProfiles) -> None:
    assert leak(spinels, 0, 1)
    assert leak(spinels, 1, 0)
    assert not leak(spinels, 0, 2)
    assert not leak(spinels, 2, 1)


def test_pairs_are_looked_for_within_a_class(spinels: SparseProfiles) -> None:
    assert leak_pairs(spinels, [227, 227, 227]).tolist() == [[0, 1]]
    assert leak_pairs(spinels, [227, 225, 227]).tolist() == []
    assert leak_pairs(spinels, [-1, -1, -1]).tolist() == []
    assert leak_pairs(spinels.take([0, 2, 0]), [1, 1, 1]).tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("bins", "intensities", "said"),
    [
        ([100, 505], [1.0, 0.5], True),
        ([100, 506], [1.0, 0.5], False),
        ([100, 500, 900], [1.0, 0.5, 0.01], False),
        ([100, 500, 900], [0.01, 1.0, PEAK_FLOOR / 2], True),
        ([100, 500, N_BIN - 3], [1.0, 0.5, 0.4], True),
        ([100], [1.0], False),
    ],
    ids=[
        "five bins off",
        "six bins off",
        "one line more",
        "a line more too weak to count",
        "a line more at the end of the range, where its partner may be beyond",
        "one line less",
    ],
)
def test_the_rule_line_by_line(bins: list[int], intensities: list[float], *, said: bool) -> None:
    profiles = SparseProfiles.from_lists([[100, 500], bins], [[1.0, 0.5], intensities])
    assert leak(profiles, 0, 1) is said
    assert leak(profiles, 1, 0) is said


def test_a_line_at_the_threshold_has_a_partner_just_below_it() -> None:
    just = [PEAK_FLOOR * 1.01, PEAK_FLOOR * 0.99, PARTNER_FLOOR * 0.99]
    profiles = SparseProfiles.from_lists([[100, 500]] * 3, [[1.0, weak] for weak in just])
    assert leak_pairs(profiles, [1, 1, 1]).tolist() == [[0, 1], [1, 2]]


def plain_rule(a: np.ndarray, b: np.ndarray) -> bool:
    """The rule as science.md writes it, for lines that all count and end well inside the range."""
    apart = np.abs(a[:, None] - b[None, :])
    return bool(apart.min(axis=1).max() <= 5 and apart.min(axis=0).max() <= 5)


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=9, unique=True).map(sorted), min_size=2, max_size=6),
    st.lists(st.integers(0, 1), min_size=6, max_size=6),
)
def test_pairs_agree_with_the_plain_rule(rows: list[list[int]], classes: list[int]) -> None:
    profiles = SparseProfiles.from_lists(rows, [np.ones(len(row)) for row in rows])
    expected = [
        [i, j]
        for i, j in combinations(range(len(rows)), 2)
        if classes[i] == classes[j] and plain_rule(np.array(rows[i]), np.array(rows[j]))
    ]
    assert leak_pairs(profiles, classes[: len(rows)]).tolist() == expected


def test_what_is_made_up_for_training_may_leak_into_what_is_held_out(spinels: SparseProfiles) -> None:
    made, held_out = spinels.take([1, 2, 1]), spinels.take([0])
    assert leaks_into(made, [227, 227, 225], held_out, [227]).tolist() == [True, False, False]
    assert leaks_into(made, [227, 227, 225], held_out.take([]), []).tolist() == [False] * 3


def test_rows_with_a_partner_among_those_allowed() -> None:
    pairs = np.array([[0, 1], [2, 3]])
    assert with_partner(5, pairs).tolist() == [True, True, True, True, False]
    assert with_partner(5, pairs, np.array([True, False, True, True, True])).tolist() == [
        False, False, True, True, False,
    ]  # fmt: skip
