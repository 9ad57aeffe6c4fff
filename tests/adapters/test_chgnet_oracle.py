"""CHGNet as an oracle on real crystals: symmetry, invariance, agreement with independent routes, named failures."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.optimize import FIRE
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.elasticity.moduli import born_stable
from matsift.elasticity.strain import STRAIN, strained_lattice, stress_voigt
from matsift.errors import OracleError
from matsift_adapters.oracles.chgnet import METHOD, label, label_elasticity, label_energy, relax
from matsift_adapters.oracles.engine import EngineCalculator
from matsift_adapters.oracles.potential import Potential, load_model

GPA_PER_EV_A3 = 160.21766


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Two threads on two busy cores are several times slower than one; labelling processes run one thread too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rock_salt(a: float = 5.4) -> Crystal:
    fcc = 0.5 * a * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return Crystal.ordered(fcc, ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def rock_salt_supercell() -> Crystal:
    """The doubled cubic cell of rock salt, sixteen atoms, with its origin shifted."""
    structure = rock_salt(5.64).to_pymatgen()
    structure.make_supercell([[-2, 2, 2], [1, -1, 1], [1, 1, -1]])
    structure.translate_sites(range(len(structure)), [0.13, 0.21, 0.05])
    return Crystal.from_pymatgen(structure)


def wurtzite() -> Crystal:
    lattice = [[3.25, 0, 0], [-1.625, 1.625 * 3**0.5, 0], [0, 0, 5.2]]
    third = np.array([[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, 0.38], [2 / 3, 1 / 3, 0.88]])
    return Crystal.ordered(np.array(lattice), ["Zn", "Zn", "O", "O"], third)


@cache
def labelled_rock_salt() -> dict[str, Any]:
    return label_elasticity(rock_salt())


def test_the_method_names_the_version_of_the_model_that_is_loaded() -> None:
    assert f"chgnet-{load_model().version}-finite-strain" == METHOD


def test_the_tensor_of_rock_salt_is_cubic_and_stable() -> None:
    found = labelled_rock_salt()
    tensor = np.array(found["tensor_gpa"])
    assert tensor[0, 0] == pytest.approx(tensor[1, 1], abs=1e-6)
    assert tensor[0, 0] == pytest.approx(tensor[2, 2], abs=1e-6)
    assert tensor[3, 3] == pytest.approx(tensor[5, 5], abs=1e-6)
    assert np.abs(tensor[:3, 3:]).max() < 1e-6
    assert found["born_stable"]
    assert bool(born_stable(tensor[None])[0])
    assert found["k_vrh"] == pytest.approx(24.5, abs=8)  # experiment, 300 K
    assert 0 < found["g_reuss"] <= found["g_vrh"] <= found["g_voigt"]


def energies_and_stresses(crystal: Crystal, strains: list[list[float]]) -> tuple[NDArray[np.float64], ...]:
    cells = np.array([strained_lattice(crystal.lattice, np.array(s)) for s in strains])
    energies, _, stresses = Potential(crystal.species).evaluate(
        cells, np.array([crystal.frac_coords @ c for c in cells])
    )
    return energies, np.array([stress_voigt(s) for s in stresses]), np.abs(np.linalg.det(cells))


@pytest.mark.parametrize(
    ("state", "direction"),
    [
        pytest.param([0.02, 0, 0, 0, 0, 0], 0, id="stretched along x"),
        pytest.param([0, 0, 0, 0, 0, 0.04], 5, id="sheared in xy"),
        pytest.param([-0.02, -0.02, -0.02, 0, 0, 0], 2, id="compressed"),
    ],
)
def test_stress_is_the_derivative_of_the_energy(state: list[float], direction: int) -> None:
    """The sign and the unit of CHGNet's stress, by finite differences of its energy."""
    relaxed = labelled_rock_salt()["relaxed"]
    step = 0.004
    around = [[v + sign * step * (i == direction) for i, v in enumerate(state)] for sign in (-1, 0, 1)]
    energies, stresses, volumes = energies_and_stresses(relaxed, around)
    slope = (energies[2] - energies[0]) / (2 * step) / volumes[1] * GPA_PER_EV_A3
    assert stresses[1, direction] == pytest.approx(slope, rel=0.1, abs=0.02)


@pytest.mark.parametrize("direction", [pytest.param(0, id="C11"), pytest.param(3, id="C44")])
def test_a_constant_agrees_with_the_curvature_of_the_energy(direction: int) -> None:
    found = labelled_rock_salt()
    unit = np.eye(6)[direction]
    energies, _, volumes = energies_and_stresses(found["relaxed"], [(s * STRAIN * unit).tolist() for s in (-1, 0, 1)])
    curvature = (energies[0] + energies[2] - 2 * energies[1]) / STRAIN**2 / volumes[1] * GPA_PER_EV_A3
    assert found["tensor_gpa"][direction][direction] == pytest.approx(curvature, rel=0.15)


def test_a_shifted_supercell_has_the_moduli_of_the_primitive_cell() -> None:
    found = label_elasticity(rock_salt_supercell())
    assert len(found["relaxed"].species) == 2
    for name in ("k_vrh", "g_vrh"):
        assert found[name] == pytest.approx(labelled_rock_salt()[name], rel=0.03)
    assert found["energy_per_atom"] == pytest.approx(labelled_rock_salt()["energy_per_atom"], abs=1e-3)


def test_the_same_crystal_gives_the_same_numbers() -> None:
    again = label_elasticity(rock_salt())
    assert again["tensor_gpa"] == labelled_rock_salt()["tensor_gpa"]
    assert again["relaxed"].content_hash == labelled_rock_salt()["relaxed"].content_hash


def test_a_guessed_volume_far_off_relaxes_to_the_same_crystal() -> None:
    assert relax(rock_salt(6.4)).volume == pytest.approx(labelled_rock_salt()["relaxed"].volume, rel=0.01)


def test_internal_relaxation_softens_a_crystal_with_free_atoms() -> None:
    """Wurtzite ZnO: clamped ions are stiffer; C11 - C12 = 2 C66 holds for every hexagonal crystal."""
    found = label_elasticity(wurtzite())
    tensor = np.array(found["tensor_gpa"])
    assert tensor[0, 0] - tensor[0, 1] == pytest.approx(2 * tensor[5, 5], abs=1e-6)
    relaxed = found["relaxed"]
    potential = Potential(relaxed.species)
    shears = [np.array([[1, 0.005 * s, 0], [0.005 * s, 1, 0], [0, 0, 1]]) for s in (1, -1)]
    cells = np.array([relaxed.lattice @ shear for shear in shears])
    _, _, stresses = potential.evaluate(cells, np.array([relaxed.frac_coords @ c for c in cells]))
    clamped = (stresses[0, 0, 1] - stresses[1, 0, 1]) / 0.02
    assert tensor[5, 5] < 0.97 * clamped


def test_relaxation_ends_where_another_optimiser_ends() -> None:
    found = label_energy(rock_salt())
    start = rock_salt()
    atoms = Atoms(start.species, cell=start.lattice, scaled_positions=start.frac_coords, pbc=True)
    atoms.calc = EngineCalculator(Potential(start.species))
    FIRE(FrechetCellFilter(atoms), logfile=None).run(fmax=0.005, steps=300)
    assert found["energy_per_atom"] == pytest.approx(atoms.get_potential_energy() / 2, abs=5e-4)
    assert found["relaxed"].volume == pytest.approx(atoms.get_volume(), rel=0.01)


def test_the_worker_entry_point_does_what_its_payload_says() -> None:
    energy = label(("energy", rock_salt()))
    assert set(energy) == {"energy_per_atom", "n_evaluation", "relaxed"}
    assert label(("elasticity", rock_salt()))["k_vrh"] == labelled_rock_salt()["k_vrh"]


def disordered() -> Crystal:
    return Crystal(4 * np.eye(3), ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.array([0, 0]))


@pytest.mark.parametrize(
    ("crystal", "sentence"),
    [
        pytest.param(Crystal.ordered(60 * np.eye(3), ["Na"], np.zeros((1, 3))), "flew apart", id="one atom in a void"),
        pytest.param(Crystal.ordered(1.1 * np.eye(3), ["Pb"], np.zeros((1, 3))), "collapsed", id="atoms on each other"),
        pytest.param(
            Crystal.ordered(7.2 * np.eye(3), ["Na"], np.zeros((1, 3))), "no neighbour within 6", id="isolated atoms"
        ),
        pytest.param(disordered(), "disordered", id="a shared site"),
        pytest.param(Crystal.ordered(5 * np.eye(3), ["Cf"], np.zeros((1, 3))), "does not know Cf", id="californium"),
    ],
)
def test_a_crystal_that_cannot_be_labelled_is_one_sentence(crystal: Crystal, sentence: str) -> None:
    with pytest.raises(OracleError, match=sentence) as caught:
        label_elasticity(crystal)
    assert "\n" not in str(caught.value)
