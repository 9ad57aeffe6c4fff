"""Packing descriptors by hand, and what they must not depend on."""

import numpy as np
import pytest

from matsift.crystal import Crystal
from matsift.descriptors.packing import PACKING, compute_packing


def rock_salt(edge: float = 5.64, repeat: int = 1) -> Crystal:
    sites = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cell = np.concatenate([sites, sites + np.array([0.5, 0, 0])]) % 1.0
    coords = np.concatenate([(cell + np.array([i, 0, 0])) / [repeat, 1, 1] for i in range(repeat)])
    return Crystal.ordered(np.diag([repeat * edge, edge, edge]), (["Na"] * 4 + ["Cl"] * 4) * repeat, coords)


def test_rock_salt_by_hand() -> None:
    volume = 5.64**3
    chunk = compute_packing([rock_salt()])
    # Magpie: 1 and 7 valence electrons; 29.243 and 24.497 cubic angstrom an atom in the elements.
    assert chunk.values[0] == pytest.approx([volume / 8, 32 / volume, volume / (4 * (29.24333 + 24.4975))], rel=1e-4)
    assert len(PACKING.columns) == 3


def test_a_supercell_is_the_same_material() -> None:
    values = compute_packing([rock_salt(), rock_salt(repeat=3)]).values
    np.testing.assert_allclose(values[0], values[1], rtol=1e-12)


def test_a_half_empty_site_counts_half() -> None:
    lattice, site = 4.0 * np.eye(3), np.zeros((1, 3))
    full = Crystal(lattice, ("Na",), site, np.array([1.0]), np.array([0]))
    half = Crystal(lattice, ("Na",), site, np.array([0.5]), np.array([0]))
    values = compute_packing([full, half]).values
    np.testing.assert_allclose(values[1], values[0] * [2.0, 0.5, 2.0])


def test_a_strange_species_is_a_failure_beside_its_neighbours() -> None:
    strange = Crystal.ordered(4.0 * np.eye(3), ["Xx"], np.zeros((1, 3)))
    chunk = compute_packing([strange, rock_salt()])
    assert chunk.failures == {0: ("DescriptorError", "there is no element Xx")}
    assert np.isnan(chunk.values[0]).all()
    assert np.isfinite(chunk.values[1]).all()


def test_no_crystals() -> None:
    assert compute_packing([]).values.shape == (0, 3)
