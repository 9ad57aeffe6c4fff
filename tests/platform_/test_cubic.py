"""Cubic prototypes: symmetry, coordination, and the way back from a volume to the lattice constant."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.candidates.cubic import CUBIC_PROTOTYPES, cubic_crystal, lattice_constant
from matsift.elasticity.symmetry import space_group_number, standardised

ELEMENTS = ("Mg", "Si", "Pd")


@pytest.mark.parametrize("prototype", CUBIC_PROTOTYPES)
def test_a_prototype_is_a_primitive_cell_of_its_space_group(prototype: str) -> None:
    kind = CUBIC_PROTOTYPES[prototype]
    crystal = cubic_crystal(prototype, ELEMENTS[: kind.n_element], 5.5)
    assert space_group_number(crystal) == kind.space_group
    assert standardised(crystal).n_site == crystal.n_site
    assert lattice_constant(prototype, crystal.volume) == pytest.approx(5.5)


@pytest.mark.parametrize(
    ("prototype", "elements", "edge", "bond"),
    [
        pytest.param("rock-salt", ("Na", "Cl"), 5.64, 5.64 / 2, id="rock salt"),
        pytest.param("zinc-blende", ("Ga", "As"), 5.65, 5.65 * 3**0.5 / 4, id="zinc blende"),
        pytest.param("caesium-chloride", ("Cs", "Cl"), 4.12, 4.12 * 3**0.5 / 2, id="caesium chloride"),
        pytest.param("fluorite", ("Ca", "F"), 5.46, 5.46 * 3**0.5 / 4, id="fluorite"),
        pytest.param("fcc", ("Al",), 4.05, 4.05 / 2**0.5, id="fcc"),
        pytest.param("bcc", ("Li",), 3.43, 3.43 * 3**0.5 / 2, id="bcc"),
    ],
)
def test_the_shortest_bond_is_that_of_geometry(
    prototype: str, elements: tuple[str, ...], edge: float, bond: float
) -> None:
    structure = cubic_crystal(prototype, elements, edge).to_pymatgen()
    shortest = min(neighbour.nn_distance for neighbour in structure.get_neighbors(structure[0], 5.0))
    assert shortest == pytest.approx(bond, abs=1e-6)


def test_the_middle_of_a_half_heusler_has_eight_neighbours() -> None:
    structure = cubic_crystal("half-heusler", ("Ti", "Ni", "Sn"), 5.93).to_pymatgen()
    counts = {site.specie.symbol: len(structure.get_neighbors(site, 1.01 * 5.93 * 3**0.5 / 4)) for site in structure}
    assert counts == {"Ti": 4, "Ni": 8, "Sn": 4}


def test_a_heusler_is_two_elements_around_the_third() -> None:
    crystal = cubic_crystal("heusler", ("Ti", "Ni", "Al"), 5.9)
    assert sorted(crystal.species) == ["Al", "Ni", "Ni", "Ti"]
    np.testing.assert_allclose(crystal.volume, 5.9**3 / 4)
