"""Distances of compositions: ElMD's values, scipy's, the axioms of a metric, and the nearest by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.errors import UserInputError
from matsift.generative.earth_mover import (
    Distributions,
    KnownCompositions,
    distance_matrix,
    nearest_known,
    paired_distances,
)
from matsift.generative.formulas import Compositions
from matsift.generative.pettifor import N_ELEMENT, POSITION, SCALE, position

_COMPOSITIONS = st.lists(
    st.dictionaries(st.integers(0, N_ELEMENT - 1), st.integers(1, 20), min_size=1, max_size=6), min_size=3, max_size=3
)


def test_scale_holds_each_element_to_lawrencium_once() -> None:
    assert sorted(SCALE) == sorted(ELEMENT_SYMBOLS[:103])
    assert sorted(POSITION.tolist()) == list(range(103))
    assert (position("He"), position("Li"), position("Sr"), position("O"), position("H")) == (0, 11, 14, 96, 102)


def test_scale_does_not_hold_rutherfordium() -> None:
    with pytest.raises(KeyError, match="does not hold Rf"):
        position("Rf")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("CaTiO3", "SrTiO3", 0.2, id="ElMD's README"),
        pytest.param("NaCl", "LiCl", 0.5, id="one of two atoms, one step"),
        pytest.param("RbSr2ClF4", "RbSr2Cl5", 0.5, id="the paper's parent compound"),
        pytest.param("SrYF5", "BaYF5", 1 / 7, id="the template of the paper's candidate"),
        pytest.param("He", "H", 102.0, id="the ends of the scale"),
        pytest.param("Fe2O3", "Fe4O6", 0.0, id="a multiple"),
        pytest.param("H2O", "H2O", 0.0, id="itself"),
    ],
)
def test_known_distances(one: str, other: str, expected: float) -> None:
    found = paired_distances(Compositions.from_formulas([one]), Compositions.from_formulas([other]))
    assert found.tolist() == [expected]


@given(_COMPOSITIONS)
def test_axioms_of_a_metric(amounts: list[dict[int, int]]) -> None:
    three = _compositions(amounts)
    d = distance_matrix(three, three)
    assert (np.diag(d) == 0).all()
    assert np.array_equal(d, d.T)
    assert (d >= 0).all()
    assert d[0, 2] <= d[0, 1] + d[1, 2] + 1e-12
    same = (three.reduced().counts[0] == three.reduced().counts[1]).all()
    assert (d[0, 1] == 0) == same


@given(_COMPOSITIONS, st.integers(2, 40))
def test_multiples_of_a_formula_change_nothing(amounts: list[dict[int, int]], times: int) -> None:
    three = _compositions(amounts)
    multiples = Compositions((three.counts * times).astype(np.int16))
    assert np.array_equal(distance_matrix(three, three), distance_matrix(multiples, three))


@given(_COMPOSITIONS)
def test_scipy_agrees(amounts: list[dict[int, int]]) -> None:
    three = _compositions(amounts)
    weights, places = three.fractions(), POSITION.astype(float)
    expected = [[wasserstein_distance(places, places, a, b) for b in weights] for a in weights]
    np.testing.assert_allclose(distance_matrix(three, three), expected, rtol=1e-9, atol=1e-9)


@given(_COMPOSITIONS)
def test_bounds_never_exceed_the_distance(amounts: list[dict[int, int]]) -> None:
    three = _compositions(amounts)
    bounds = Distributions.of(three).bounds
    apart = np.abs(bounds[:, None, :] - bounds[None, :, :]).max(axis=2)
    assert (apart <= distance_matrix(three, three) + 1e-9).all()


@pytest.mark.parametrize("k", [1, 4])
def test_nearest_are_those_of_brute_force(k: int) -> None:
    known, asked = _random(700, seed=1), _random(90, seed=2)
    every = distance_matrix(asked, known)
    order = np.lexsort((np.broadcast_to(np.arange(len(known)), every.shape), every), axis=1)[:, :k]
    found = KnownCompositions(known).nearest(asked, k=k)
    assert np.array_equal(found.rows, order)
    assert np.array_equal(found.distances, np.take_along_axis(every, order, axis=1))


def test_nearest_stay_in_their_group() -> None:
    known, asked = _random(300, seed=3), _random(40, seed=4)
    groups, wanted = np.arange(300) % 7, np.arange(40) % 8
    found = KnownCompositions(known, groups).nearest(asked, k=2, groups=wanted)
    every = distance_matrix(asked, known)
    for i, group in enumerate(wanted):
        if group == 7:
            assert found.rows[i].tolist() == [-1, -1]
            assert np.isnan(found.distances[i]).all()
        else:
            inside = np.flatnonzero(groups == group)
            best = inside[np.argsort(every[i, inside], kind="stable")[:2]]
            assert found.rows[i].tolist() == best.tolist()


def test_fewer_known_than_asked_for() -> None:
    known, asked = Compositions.from_formulas(["NaCl", "KCl"]), Compositions.from_formulas(["LiCl"])
    found = KnownCompositions(known).nearest(asked, k=3)
    assert found.rows.tolist() == [[0, 1, -1]]
    assert found.distances[0, :2].tolist() == [0.5, 1.0]
    assert np.isnan(found.distances[0, 2])


def test_novelty_is_zero_for_a_known_formula_and_its_multiples() -> None:
    known = Compositions.from_formulas(["SrTiO3", "NaCl", "SrYF5"])
    rows, distances = nearest_known(Compositions.from_formulas(["Na4Cl4", "BaYF5"]), known)
    assert rows.tolist() == [1, 2]
    assert distances.tolist() == [0.0, 1 / 7]


def test_nothing_is_known() -> None:
    rows, distances = nearest_known(Compositions.from_formulas(["NaCl"]), Compositions.from_formulas([]))
    assert rows.tolist() == [-1]
    assert np.isnan(distances).all()


def test_refusals() -> None:
    some = Compositions.from_formulas(["NaCl", "KCl"])
    empty = Compositions(np.zeros((2, N_ELEMENT), dtype=np.int16))
    with pytest.raises(UserInputError, match="composition 0 holds no atom"):
        paired_distances(some, empty)
    with pytest.raises(UserInputError, match="negative"):
        Distributions.of(Compositions(np.full((1, N_ELEMENT), -1, dtype=np.int16)))
    with pytest.raises(UserInputError, match="cannot be paired"):
        paired_distances(some, some.select(slice(0, 1)))
    with pytest.raises(UserInputError, match="ask for one at least"):
        KnownCompositions(some).nearest(some, k=0)


def _compositions(amounts: list[dict[int, int]]) -> Compositions:
    counts = np.zeros((len(amounts), N_ELEMENT), dtype=np.int16)
    for i, held in enumerate(amounts):
        for element, n in held.items():
            counts[i, element] = n
    return Compositions(counts)


def _random(n: int, seed: int) -> Compositions:
    """Few elements and small counts, so that equal distances are common."""
    rng = np.random.default_rng(seed)
    counts: NDArray[np.int16] = np.zeros((n, N_ELEMENT), dtype=np.int16)
    for _ in range(3):
        counts[np.arange(n), rng.integers(0, 30, n)] += rng.integers(1, 4, n).astype(np.int16)
    return Compositions(counts)
