"""Descriptor sets by name, and the sets "mp" and "mp_energy"."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from matsift.crystal import Crystal
from matsift.density.promolecule_statistics import COLUMNS
from matsift.descriptors.batches import compute_stream
from matsift.descriptors.registry import compute, descriptor_set, is_sparse, known_descriptor_sets, package_versions
from matsift.errors import UnknownDescriptorSet, UserInputError

SYSTEMS = {
    1: Lattice.from_parameters(4, 5, 6, 80, 75, 95),
    2: Lattice.monoclinic(4, 5, 6, 100),
    3: Lattice.orthorhombic(4, 5, 6),
    4: Lattice.tetragonal(4, 6),
    5: Lattice.rhombohedral(4, 70),
    6: Lattice.hexagonal(4, 6),
    7: Lattice.cubic(4),
}


def test_the_sets_and_their_sizes() -> None:
    sizes = {name: len(descriptor_set(name).columns) for name in known_descriptor_sets()}
    of_the_paper = {"mp": 6, "mp_energy": 2, "magpie": 145, "voronoi": 126}
    of_oxides = {"oxide_pair": 10, "bond_valence": 6}
    assert sizes == {
        **of_the_paper,
        **of_oxides,
        "packing": 3,
        "element_fractions": 103,
        "voronoi_128": 128,
        "density": len(COLUMNS),
        "fingerprint": 290,
        "diffraction": 2,
    }
    assert all(descriptor_set(name).name == name for name in sizes)
    names = [column for name in sizes if name != "voronoi_128" for column in descriptor_set(name).columns]
    assert len(names) == len(set(names)) == 279 + 3 + 103 + len(COLUMNS) + 290 + 16 + 2


def test_an_unknown_set_names_those_there_are() -> None:
    with pytest.raises(
        UnknownDescriptorSet,
        match="use one of bond_valence, density, element_fractions, fingerprint, magpie, mp, mp_energy, oxide",
    ):
        compute("soap", [])


def test_the_sparse_set_is_known_but_gives_no_table() -> None:
    assert [name for name in known_descriptor_sets() if is_sparse(name)] == ["diffraction"]
    with pytest.raises(UserInputError, match="lists, not columns"):
        compute("diffraction", [])
    with pytest.raises(UserInputError, match="lists, not columns"):
        next(compute_stream(("mp", "diffraction"), iter(()), n_worker=1, time_limit_s=1.0))


@pytest.mark.parametrize("system", SYSTEMS)
def test_crystal_systems_are_numbered_from_triclinic_to_cubic(system: int) -> None:
    coords = np.array([[0, 0, 0], [0.1, 0.27, 0.41], [0.6, 0.2, 0.77]])[: 3 if system == 1 else 1]
    crystal = Crystal.ordered(SYSTEMS[system].matrix, ["Po", "Na", "Cl"][: len(coords)], coords)
    assert compute("mp", [crystal]).values[0, 5] == system


def test_mp_holds_what_pymatgen_says_of_the_cell() -> None:
    structure = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0, 0]])
    chunk = compute("mp", [Crystal.from_pymatgen(structure)] * 2, {"band_gap": np.array([5.0, np.nan])})
    expected = [structure.volume, float(structure.density), 5.0, 8, 2, 7]
    np.testing.assert_allclose(chunk.values[0], expected, rtol=1e-6)
    assert np.isnan(chunk.values[1, 2])
    assert chunk.failures == {}


def test_a_known_space_group_is_taken_as_it_is() -> None:
    cubic = Crystal.ordered(4 * np.eye(3), ["Po"], np.zeros((1, 3)))
    values = compute("mp", [cubic, cubic], {"space_group_number": np.array([166.0, np.nan])}).values
    assert values[:, 5].tolist() == [5, 7]


def test_density_and_elements_of_a_disordered_structure_follow_occupancies() -> None:
    half = Crystal(4 * np.eye(3), ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.25]), np.zeros(2, dtype=np.int64))
    volume, density, _, n_site, n_element, _ = compute("mp", [half]).values[0]
    assert density == pytest.approx((0.5 * 22.98976928 + 0.25 * 39.0983) / 64 * 1.66053906660, rel=1e-9)
    assert volume == pytest.approx(64)
    assert (n_site, n_element) == (1, 2)


def test_energies_are_the_facts_and_unknown_without() -> None:
    crystals = [Crystal.ordered(4 * np.eye(3), ["Po"], np.zeros((1, 3)))] * 2
    facts = {"formation_energy_per_atom": np.array([-1.5, np.nan]), "energy_above_hull": np.array([0.0, 0.02])}
    np.testing.assert_array_equal(compute("mp_energy", crystals, facts).values, [[-1.5, 0.0], [np.nan, 0.02]])
    assert np.isnan(compute("mp_energy", crystals).values).all()


def test_versions_name_what_may_move_a_number() -> None:
    assert {"matminer", "pymatgen", "scipy"} <= package_versions().keys()
