"""The pair functions against bvlain's, their derivatives against differences, and the search for neighbours."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list
from bvlain.potentials import BVSEPotential
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.oxide_cells import crooked_perovskite, perovskite

from matsift.bond_valence.neighbours import neighbours
from matsift.bond_valence.pair_energy import (
    COULOMB,
    Variant,
    bond_valence,
    morse,
    morse_with_curvature,
    screened_coulomb,
    screened_coulomb_curvature,
)
from matsift.crystal import Crystal
from matsift.errors import BadStructureError, UserInputError

STEP = 1e-5
DISTANCES = st.floats(1.2, 8.0)


def test_a_bond_is_deepest_at_r_min() -> None:
    np.testing.assert_allclose(morse_with_curvature(1.94, 1.94, 0.516, 0.988), [-0.988, 0, 2 * 0.988 / 0.516**2])


def test_a_bond_of_length_r0_has_valence_one() -> None:
    np.testing.assert_allclose(bond_valence(np.array([1.5, 1.5 + 0.37 * math.log(2)]), 1.5, 0.37), [1.0, 0.5])


@given(r=DISTANCES, r_min=st.floats(1.3, 3.0), b=st.floats(0.35, 0.55), d0=st.floats(0.3, 6.0))
def test_slopes_of_the_bond_are_its_differences(r: float, r_min: float, b: float, d0: float) -> None:
    _, slope, curvature = morse_with_curvature(r, r_min, b, d0)
    (low, low_slope), (high, high_slope) = (morse(r + step, r_min, b, d0) for step in (-STEP, STEP))
    scale = 1 + abs(float(curvature))
    assert abs((high - low) / (2 * STEP) - slope) / scale < 1e-6
    assert abs((high_slope - low_slope) / (2 * STEP) - curvature) / scale < 1e-6


@given(r=DISTANCES, qq=st.floats(0.5, 9.0), radii=st.floats(2.0, 5.0), sf=st.floats(0.3, 1.2))
def test_slopes_of_the_repulsion_are_its_differences(r: float, qq: float, radii: float, sf: float) -> None:
    _, slope, de_dsf = screened_coulomb(r, qq, radii, sf)
    curvature, mixed = screened_coulomb_curvature(r, qq, radii, sf)
    low, high = (screened_coulomb(r + step, qq, radii, sf) for step in (-STEP, STEP))
    less, more = (screened_coulomb(r, qq, radii, sf + step) for step in (-STEP, STEP))
    scale = 1 + abs(float(curvature)) + abs(float(mixed)) / 0.3**2
    for analytic, ends in ((slope, (low[0], high[0])), (curvature, (low[1], high[1]))):
        assert abs((ends[1] - ends[0]) / (2 * STEP) - analytic) / scale < 1e-6
    for analytic, ends in ((de_dsf, (less[0], more[0])), (mixed, (less[1], more[1]))):
        assert abs((ends[1] - ends[0]) / (2 * STEP) - analytic) / scale < 1e-6


def test_the_pair_functions_are_those_of_bvlain() -> None:
    r = np.linspace(1.5, 9, 40)
    half, _ = morse(r, 1.94, 0.516, 0.988)
    np.testing.assert_allclose(
        Variant().morse_weight * half, BVSEPotential.Morse(r, 1.94, 0.988, 1 / 0.516), atol=1e-14
    )
    repulsion, _, _ = screened_coulomb(r, 1 * 4 / math.sqrt(2 * 4), 1.31 + 1.26, 0.74)
    np.testing.assert_allclose(repulsion, BVSEPotential.Coulomb(r, 1, 4, 1.31, 1.26, 2, 4, 0.74), atol=1e-14)


def test_without_screening_the_repulsion_is_coulombs() -> None:
    energy, _, _ = screened_coulomb(3.0, 2.0, 4.0, 1e9)
    assert energy == pytest.approx(COULOMB * 2 / 3)


def test_a_variant_is_named_by_what_makes_it_different() -> None:
    assert Variant().name == "covalent-1.33-2to1"
    assert Variant(radii="ionic", coulomb_weight=1, anion_repulsion=False).name == "ionic-1.4-1to1-no-anions"
    assert Variant(oxygen_radius=1.2, coulomb_cutoff=10, morse_weight=1).name == "covalent-1.2-2to1-times1-cut10"
    assert Variant().coulomb_factor == 1.0


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"coulomb_weight": 0}, "coulomb_weight of a bond-valence variant is 0; use a positive number"),
        ({"morse_weight": math.nan}, "morse_weight of a bond-valence variant is nan; use a positive number"),
        ({"oxygen_radius": -1.0}, "anion_radius of a bond-valence variant is -1.0; use a positive number"),
        ({"radii": "atomic"}, "there are no 'atomic' radii; use covalent or ionic"),
    ],
    ids=["no repulsion", "not a number", "negative radius", "unknown radii"],
)
def test_a_variant_that_makes_no_sense_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserInputError) as raised:
        Variant(**wrong)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("cutoff", [2.0, 6.5, 14.0])
def test_neighbours_are_those_of_ase(cutoff: float) -> None:
    crystal = crooked_perovskite()
    moved = Crystal.ordered(crystal.lattice, list(crystal.species), crystal.frac_coords + 3 * np.arange(10)[:, None])
    every = np.arange(10)
    found = neighbours(moved, every, every, cutoff)
    atoms = Atoms(moved.species, cell=moved.lattice, scaled_positions=moved.frac_coords, pbc=True)
    i, j, d = neighbor_list("ijd", atoms, cutoff)
    theirs = Counter(zip(i.tolist(), j.tolist(), np.round(d, 8).tolist(), strict=True))
    assert (
        Counter(zip(found.centre.tolist(), found.other.tolist(), found.distance.round(8).tolist(), strict=True))
        == theirs
    )
    once = neighbours(moved, every, every, cutoff, once=True)
    assert 2 * len(once.centre) == len(found.centre)
    assert 2 * once.distance.sum() == pytest.approx(found.distance.sum())


def test_two_atoms_on_one_place_are_no_crystal() -> None:
    crystal = perovskite("Sr", "Ti", 3.9)
    doubled = Crystal.ordered(
        crystal.lattice, [*crystal.species, "O"], np.vstack([crystal.frac_coords, [1.5, 0.5, 1.0]])
    )
    with pytest.raises(BadStructureError, match="two atoms stand on one place"):
        neighbours(doubled, np.arange(6), np.arange(6), 3.0)
