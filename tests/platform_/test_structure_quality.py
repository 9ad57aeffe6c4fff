"""Rules that any structure must keep, whatever its source: each broken by just too much, and kept by just enough."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.factories.crystals import rock_salt

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.screening.structure_quality import STRUCTURE_RULES, has_sites_within, structure_holds
from matsift.structure_facts import describe

CUBE = np.eye(3) * 4.0


def holds(crystal: Crystal) -> tuple[str, ...]:
    return structure_holds(crystal, describe(crystal).density_g_per_cm3)


def pair(lattice: NDArray[np.float64], apart: list[float]) -> Crystal:
    first = np.array([0.9, 0.1, 0.5])
    return Crystal.ordered(lattice, ["Na", "Cl"], np.array([first, first + apart]))


def test_rock_salt_keeps_all_rules() -> None:
    assert holds(rock_salt()) == ()
    assert sorted(STRUCTURE_RULES) == ["implausible_density", "sites_too_close"]


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        pytest.param([0.1249, 0.0, 0.0], ("sites_too_close",), id="0.4996 angstrom"),
        pytest.param([0.1251, 0.0, 0.0], (), id="0.5004 angstrom"),
        pytest.param([0.9, 0.0, 0.0], ("sites_too_close",), id="0.4 angstrom across the border"),
        pytest.param([0.0, -0.9, 1.0], ("sites_too_close",), id="0.4 angstrom across two borders"),
        pytest.param([0.0, 0.0, 0.0], ("sites_too_close",), id="the same place"),
        pytest.param([0.08, 0.08, 0.08], (), id="0.55 angstrom along the diagonal"),
    ],
)
def test_sites_too_close(apart: list[float], expected: tuple[str, ...]) -> None:
    assert holds(pair(CUBE, apart)) == expected


def test_a_site_too_close_to_its_own_image() -> None:
    short = Crystal.ordered(np.diag([0.49, 9.0, 9.0]), ["Na"], np.zeros((1, 3)))
    assert holds(short) == ("sites_too_close",)
    assert holds(Crystal.ordered(np.diag([0.51, 9.0, 9.0]), ["Na"], np.zeros((1, 3)))) == ()


def test_species_of_one_site_are_not_compared() -> None:
    one = Crystal(CUBE, ("K", "Na"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.array([0, 0]))
    split = Crystal(CUBE, ("K", "Na"), np.array([[0, 0, 0], [0, 0, 0.1]]), np.array([0.5, 0.5]), np.array([0, 1]))
    assert holds(one) == ()
    assert holds(split) == ("sites_too_close",)


@pytest.mark.parametrize("turns", [1, 7, 1000])
def test_skewed_cells_of_one_lattice_agree(turns: int) -> None:
    skew = np.array([[1, 0, 0], [turns, 1, 0], [-turns, 2 * turns, 1]], dtype=float)
    for apart, close in ((0.12, True), (0.13, False)):
        straight = pair(CUBE, [apart, 0.0, 0.0])
        coords = straight.frac_coords @ np.linalg.inv(skew)
        skewed = Crystal.ordered(skew @ CUBE, list(straight.species), coords)
        assert (holds(skewed) == ("sites_too_close",)) == close


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**20), limit=st.floats(0.05, 3.0))
def test_it_is_what_all_images_say(seed: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    lattice = rng.normal(size=(3, 3)) * rng.uniform(1, 4) + np.eye(3) * 2
    coords = rng.uniform(-2, 2, (3, 3))
    images = np.array(list(product(range(-12, 13), repeat=3)))
    shortest = min(
        np.linalg.norm((images + coords[i] - coords[j]) @ lattice, axis=1)[(images != 0).any(axis=1) | (i != j)].min()
        for i in range(3)
        for j in range(i + 1)
    )
    if abs(np.linalg.det(lattice)) > 2 and abs(shortest - limit) > 1e-9:
        assert has_sites_within(lattice, coords, np.arange(3), limit) == (shortest < limit)


@pytest.mark.parametrize(
    ("symbol", "edge", "expected"),
    [
        pytest.param("Os", 2.2, (), id="29.7 g/cm3"),
        pytest.param("Os", 2.19, ("implausible_density",), id="30.1 g/cm3"),
        pytest.param("H", 3.2, (), id="0.051 g/cm3"),
        pytest.param("H", 3.3, ("implausible_density",), id="0.047 g/cm3"),
    ],
)
def test_implausible_density(symbol: str, edge: float, expected: tuple[str, ...]) -> None:
    assert holds(Crystal.ordered(np.eye(3) * edge, [symbol], np.zeros((1, 3)))) == expected


def test_zero_volume_is_refused_in_a_clear_sentence() -> None:
    flat = Crystal.ordered(np.array([[4.0, 0, 0], [0, 4.0, 0], [4.0, 4.0, 0]]), ["Na"], np.zeros((1, 3)))
    with pytest.raises(BadStructureError, match=r"^the cell is flat: its volume is 0 cubic angstrom$"):
        flat.check()
