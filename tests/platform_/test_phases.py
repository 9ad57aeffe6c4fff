"""Formation energies, hull distances and sameness on systems worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.candidates.phases import formation_energies, hull_distances
from matsift.candidates.sameness import earlier_same
from matsift.crystal import Crystal

# Na and Cl with two phases each, NaCl on the hull, Na3Cl above it, KCl without a potassium reference.
PHASES = [
    {"Na": 1},
    {"Na": 2},
    {"Cl": 4},
    {"Na": 1, "Cl": 1},
    {"Na": 2, "Cl": 2},
    {"Na": 3, "Cl": 1},
    {"K": 1, "Cl": 1},
]
ENERGIES = np.array([-1.0, -1.3, -1.8, -3.5, -3.4, -2.3, -3.6])


def test_formation_energy_is_against_the_lowest_phase_of_each_element() -> None:
    found = formation_energies(PHASES, ENERGIES)
    expected = [0.3, 0.0, 0.0, -3.5 + (1.3 + 1.8) / 2, -3.4 + 1.55, -2.3 + (3 * 1.3 + 1.8) / 4, np.nan]
    assert found == pytest.approx(expected, nan_ok=True)


def test_hull_distance_is_zero_on_the_hull_and_the_gap_above_it() -> None:
    found = hull_distances(PHASES, ENERGIES)
    # Na3Cl decomposes into NaCl and 2 Na: per atom half the formation energy of NaCl.
    gap = (-2.3 + 1.425) - 0.5 * (-3.5 + 1.55)
    assert found == pytest.approx([0.3, 0.0, 0.0, 0.0, 0.1, gap, np.nan], nan_ok=True)


def test_a_hull_without_all_its_corners_is_unknown_not_guessed() -> None:
    assert np.isnan(hull_distances([{"Na": 1}, {"Na": 1, "Cl": 1}], np.array([-1.0, -3.0]))[1])


def rock_salt(a: float, *, swapped: bool = False) -> Crystal:
    fcc = 0.5 * a * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    species = ["Cl", "Na"] if swapped else ["Na", "Cl"]
    return Crystal.ordered(fcc, species, np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def caesium_chloride(a: float) -> Crystal:
    return Crystal.ordered(a * np.eye(3), ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def test_the_same_crystal_is_found_again_whatever_its_origin() -> None:
    crystals = [rock_salt(5.64), caesium_chloride(3.5), rock_salt(5.641, swapped=True), rock_salt(5.64)]
    assert earlier_same(crystals, np.array([-3.5, -3.4, -3.5005, -3.45])) == [None, None, 0, None]


def test_another_volume_is_another_crystal() -> None:
    assert earlier_same([rock_salt(5.64), rock_salt(5.9)], np.array([-3.5, -3.5])) == [None, None]
