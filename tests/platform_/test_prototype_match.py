"""Perovskites and spinels are recognised in any cell, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from matsift.bond_valence.prototype_match import (
    IDEAL_OXYGEN_PARAMETER,
    NoPrototypeError,
    PrototypeMatch,
    build,
    match,
    sites,
)
from matsift.crystal import Crystal

MG_AL = PrototypeMatch("spinel", "Mg", "Al", 8.083, 0.2624)
SR_TI = PrototypeMatch("perovskite", "Sr", "Ti", 3.905, None)


def of_group(group: str, a: float, species: list[str], coords: list[list[float]]) -> Crystal:
    return Crystal.from_pymatgen(Structure.from_spacegroup(group, Lattice.cubic(a), species, coords))


def spinel(a_element: str = "Mg", b_element: str = "Al", u: float = 0.2624) -> Crystal:
    coords = [[0.125] * 3, [0.5] * 3, [u] * 3]
    return of_group("Fd-3m:2", 8.083, [a_element, b_element, "O"], coords)


def same(found: PrototypeMatch | None, wanted: PrototypeMatch) -> bool:
    if found is None:
        return False
    names = (
        found.prototype == wanted.prototype,
        found.a_element == wanted.a_element,
        found.b_element == wanted.b_element,
    )
    u = (found.oxygen_parameter or 0) == pytest.approx(wanted.oxygen_parameter or 0, abs=1e-6)
    return all(names) and u and found.lattice_constant == pytest.approx(wanted.lattice_constant, abs=1e-6)


def redescribed(crystal: Crystal, seed: int) -> Crystal:
    """Return the crystal turned, moved, with another cell and its sites in another order."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    cell = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    order = rng.permutation(len(crystal.species))
    coords = (crystal.frac_coords + rng.random(3)) @ np.linalg.inv(cell)
    return Crystal.ordered(
        cell @ crystal.lattice @ (turn * np.linalg.det(turn)), [crystal.species[i] for i in order], coords[order]
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("primitive", [True, False], ids=["primitive", "conventional"])
@pytest.mark.parametrize("wanted", [MG_AL, SR_TI], ids=["spinel", "perovskite"])
def test_is_recognised_in_any_cell_origin_and_orientation(
    wanted: PrototypeMatch, seed: int, *, primitive: bool
) -> None:
    crystal = build(
        wanted.prototype,
        wanted.a_element,
        wanted.b_element,
        wanted.lattice_constant,
        wanted.oxygen_parameter,
        primitive=primitive,
    )
    assert same(match(redescribed(crystal, seed)), wanted)


def test_a_supercell_is_recognised() -> None:
    structure = build("perovskite", "Sr", "Ti", 3.905).to_pymatgen()
    structure.make_supercell([2, 1, 3])
    assert same(match(Crystal.from_pymatgen(structure)), SR_TI)


def test_a_spinel_of_pymatgens_space_group_is_recognised_in_all_of_its_cells() -> None:
    crystal = spinel()
    assert same(match(crystal), MG_AL)
    assert same(match(Crystal.from_pymatgen(crystal.to_pymatgen().get_primitive_structure())), MG_AL)
    moved = Crystal.ordered(crystal.lattice, list(crystal.species), crystal.frac_coords - 0.125)  # origin choice 1
    assert same(match(moved), MG_AL)


@settings(max_examples=20)
@given(st.floats(0.23, 0.30), st.floats(7.0, 10.0))
def test_what_is_built_is_matched_with_its_numbers(u: float, a: float) -> None:
    assert same(match(build("spinel", "Zn", "Cr", a, u)), PrototypeMatch("spinel", "Zn", "Cr", a, u))


def test_a_spinel_of_one_element_on_both_sites_is_one() -> None:
    found = match(spinel("Co", "Co"))
    assert found is not None
    assert (found.a_element, found.b_element) == ("Co", "Co")


def test_the_site_and_not_the_count_tells_a_from_b() -> None:
    swapped = of_group("Pm-3m", 3.905, ["Ti", "Sr", "O"], [[0.5] * 3, [0] * 3, [0.5, 0.5, 0]])
    found = match(swapped)
    assert found is not None
    assert (found.a_element, found.b_element) == ("Sr", "Ti")


def distorted(crystal: Crystal, angstrom: float) -> Crystal:
    coords = crystal.frac_coords.copy()
    coords[-1, 0] += angstrom / crystal.lattice[0, 0]
    return Crystal.ordered(crystal.lattice, list(crystal.species), coords)


NEITHER = {
    "rock salt": of_group("Fm-3m", 4.21, ["Mg", "O"], [[0] * 3, [0.5] * 3]),
    "fluorite": of_group("Fm-3m", 5.41, ["Ce", "O"], [[0] * 3, [0.25] * 3]),
    "antiperovskite": of_group("Pm-3m", 3.9, ["Br", "O", "Na"], [[0] * 3, [0.5] * 3, [0.5, 0.5, 0]]),
    "sulphide": of_group("Pm-3m", 5.0, ["Ba", "Zr", "S"], [[0] * 3, [0.5] * 3, [0.5, 0.5, 0]]),
    "rhenium trioxide": of_group("Pm-3m", 3.75, ["Re", "O"], [[0.5] * 3, [0.5, 0.5, 0]]),
    "pyrochlore": of_group(
        "Fd-3m:2", 10.2, ["Y", "Ti", "O", "O"], [[0.5] * 3, [0] * 3, [0.33, 0.125, 0.125], [0.375] * 3]
    ),
    "octahedral sites of the other kind": of_group(
        "Fd-3m:2", 8.083, ["Mg", "Al", "O"], [[0.125] * 3, [0] * 3, [0.2624] * 3]
    ),
    "tetragonal perovskite": Crystal.ordered(
        np.diag([3.9, 3.9, 4.0]), ["Sr", "Ti", "O", "O", "O"], np.concatenate(sites("perovskite"))
    ),
    "perovskite with one oxygen aside": distorted(build("perovskite", "Sr", "Ti", 3.905), 0.05),
    "double perovskite": of_group(
        "Fm-3m", 8.0, ["Sr", "Fe", "Mo", "O"], [[0.25] * 3, [0] * 3, [0.5] * 3, [0.25, 0, 0]]
    ),
    "diamond": of_group("Fd-3m:2", 3.57, ["C"], [[0.125] * 3]),
}


@pytest.mark.parametrize("crystal", NEITHER.values(), ids=NEITHER.keys())
def test_other_structures_are_neither(crystal: Crystal) -> None:
    assert match(crystal) is None


def test_a_disordered_spinel_is_not_one() -> None:
    crystal = spinel().to_pymatgen()
    crystal.replace_species({"Mg": {"Mg": 0.5, "Al": 0.5}})
    assert match(Crystal.from_pymatgen(crystal)) is None


def test_a_wider_tolerance_takes_a_slight_distortion() -> None:
    assert match(NEITHER["perovskite with one oxygen aside"], tolerance_angstrom=0.2) is not None


def test_built_cells_have_the_atoms_of_the_formula() -> None:
    crystal = build("spinel", "Mg", "Al", 8.083, 0.2624)
    assert [crystal.species.count(e) for e in ("Mg", "Al", "O")] == [2, 4, 8]
    whole = build("spinel", "Mg", "Al", 8.083, 0.2624, primitive=False)
    assert [whole.species.count(e) for e in ("Mg", "Al", "O")] == [8, 16, 32]
    assert 4 * crystal.volume == pytest.approx(whole.volume)


def test_a_spinel_without_an_oxygen_parameter_is_close_packed() -> None:
    found = match(build("spinel", "Mg", "Al", 8.0))
    assert found is not None
    assert found.oxygen_parameter == pytest.approx(IDEAL_OXYGEN_PARAMETER)


def test_an_unknown_prototype_is_named() -> None:
    with pytest.raises(NoPrototypeError, match="'garnet'; use one of perovskite, spinel"):
        build("garnet", "Y", "Al", 12.0)
