"""The finite-strain scheme on tensors known beforehand: directions, rotations, fit; relaxation on a known surface."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from matsift.crystal import Crystal
from matsift.elasticity.internal import Evaluate, relax_positions
from matsift.elasticity.strain import (
    fit_tensor,
    point_group_average,
    rotated_tensor,
    strain_directions,
    strain_matrix,
    strain_rotation,
    strain_voigt,
    strained_lattice,
    stress_voigt,
)
from matsift.elasticity.symmetry import point_group, space_group_number, standardised
from matsift.errors import OracleError


def crystal(lattice: list[list[float]], *sites: tuple[str, float, float, float]) -> Crystal:
    return Crystal.ordered(np.array(lattice), [s[0] for s in sites], np.array([s[1:] for s in sites]))


def box(a: float, b: float, c: float) -> list[list[float]]:
    return [[a, 0.0, 0.0], [0.0, b, 0.0], [0.0, 0.0, c]]


HEXAGON = [[3.2, 0.0, 0.0], [-1.6, 1.6 * 3**0.5, 0.0], [0.0, 0.0, 5.2]]
SKEW = [[4.0, 0.0, 0.0], [0.6, 4.4, 0.0], [0.3, 0.5, 5.1]]

# Independent constants: Nye, Physical Properties of Crystals, table 9. Directions: what their images need to span.
CRYSTALS = [
    pytest.param(crystal(box(4, 4, 4), ("Cs", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)), 48, 2, 3, id="cubic"),
    pytest.param(crystal(HEXAGON, ("Mg", 1 / 3, 2 / 3, 0.25), ("Mg", 2 / 3, 1 / 3, 0.75)), 24, 3, 5, id="hexagonal"),
    pytest.param(crystal(box(4, 4, 5), ("Cs", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)), 16, 4, 6, id="tetragonal"),
    pytest.param(crystal(box(4, 4.5, 5), ("Cs", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)), 8, 6, 9, id="orthorhombic"),
    pytest.param(crystal(SKEW, ("Cs", 0, 0, 0), ("Cl", 0.45, 0.52, 0.47)), 1, 6, 21, id="triclinic"),
]


def random_tensor(seed: int) -> NDArray[np.float64]:
    factor = np.random.default_rng(seed).normal(size=(6, 6))
    tensor: NDArray[np.float64] = 10 * factor @ factor.T + 20 * np.eye(6)
    return tensor


def n_independent(rotations: NDArray[np.float64]) -> int:
    basis = []
    for i in range(6):
        for j in range(i, 6):
            unit = np.zeros((6, 6))
            unit[i, j] = unit[j, i] = 1.0
            basis.append(point_group_average(unit, rotations).ravel())
    return int(np.linalg.matrix_rank(np.array(basis), tol=1e-6))


@pytest.mark.parametrize(("structure", "order", "n_direction", "n_constant"), CRYSTALS)
def test_the_fit_finds_the_tensor_of_a_symmetric_crystal_from_its_few_strains(
    structure: Crystal, order: int, n_direction: int, n_constant: int
) -> None:
    rotations = point_group(structure)
    directions = strain_directions(rotations)
    assert (len(rotations), len(directions)) == (order, n_direction)
    assert n_independent(rotations) == n_constant
    tensor = point_group_average(random_tensor(5), rotations)
    fitted = fit_tensor(0.02 * directions, 0.02 * directions @ tensor, rotations)
    assert np.allclose(fitted, tensor, atol=1e-8)


def test_too_few_strains_for_the_symmetry_are_refused() -> None:
    with pytest.raises(ValueError, match="do not span"):
        fit_tensor(np.eye(6)[:3], np.eye(6)[:3], np.eye(3)[None])


def test_the_fit_of_noisy_stresses_still_has_the_symmetry_of_the_crystal() -> None:
    rotations = point_group(crystal(box(4, 4, 4), ("Cs", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5)))
    tensor = point_group_average(random_tensor(1), rotations)
    noise = np.random.default_rng(0).normal(scale=0.05, size=(6, 6))
    fitted = fit_tensor(0.02 * np.eye(6), 0.02 * tensor + noise, rotations)
    assert np.allclose(fitted, point_group_average(fitted, rotations), atol=1e-9)
    assert fitted[0, 0] == pytest.approx(fitted[1, 1])
    assert fitted[0, 3] == pytest.approx(0.0, abs=1e-9)


def test_turning_a_tensor_agrees_with_turning_it_as_a_tensor_of_fourth_rank() -> None:
    tensor, rotation = random_tensor(2), Rotation.random(random_state=4).as_matrix()
    pairs = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    place = {frozenset(p): i for i, p in enumerate(pairs)}
    full = np.array(
        [
            [
                [[tensor[place[frozenset((i, j))], place[frozenset((k, m))]] for m in range(3)] for k in range(3)]
                for j in range(3)
            ]
            for i in range(3)
        ]
    )
    turned = np.einsum("ia,jb,kc,md,abcd->ijkm", rotation, rotation, rotation, rotation, full)
    expected = np.array([[turned[i, j, k, m] for k, m in pairs] for i, j in pairs])
    assert np.allclose(rotated_tensor(tensor, rotation), expected, atol=1e-9)


def test_voigt_forms_go_there_and_back_and_shear_strain_counts_twice() -> None:
    voigt = np.array([0.01, -0.02, 0.03, 0.004, 0.005, -0.006])
    matrix = strain_matrix(voigt)
    assert matrix[1, 2] == pytest.approx(0.002)
    assert np.allclose(strain_voigt(matrix), voigt)
    assert stress_voigt(matrix)[3] == pytest.approx(0.002)
    assert np.allclose(strain_rotation(np.eye(3)), np.eye(6))


def test_a_strained_lattice_has_its_vectors_stretched_and_its_volume_changed_by_the_trace() -> None:
    lattice = np.array(SKEW)
    strained = strained_lattice(lattice, np.array([0.01, 0, 0, 0, 0, 0]))
    assert np.allclose(strained[:, 0], 1.01 * lattice[:, 0])
    assert np.allclose(strained[:, 1:], lattice[:, 1:])
    assert np.linalg.det(strained) == pytest.approx(1.01 * np.linalg.det(lattice))


def test_a_supercell_is_standardised_to_the_primitive_cell() -> None:
    rock_salt = crystal(
        box(11.2, 5.6, 5.6),
        *[("Na", x / 2, y, z) for x in (0.0, 1.0) for y, z in ((0, 0), (0.5, 0.5))],
        *[("Na", x / 2 + 0.25, y, z) for x in (0.0, 1.0) for y, z in ((0.5, 0), (0, 0.5))],
        *[("Cl", x / 2 + 0.25, y, z) for x in (0.0, 1.0) for y, z in ((0, 0), (0.5, 0.5))],
        *[("Cl", x / 2, y, z) for x in (0.0, 1.0) for y, z in ((0.5, 0), (0, 0.5))],
    )
    primitive = standardised(rock_salt)
    assert sorted(primitive.species) == ["Cl", "Na"]
    assert primitive.volume == pytest.approx(rock_salt.volume / 8)
    assert space_group_number(primitive) == space_group_number(rock_salt) == 225


def springs(rest: NDArray[np.float64], stiffness: NDArray[np.float64]) -> Evaluate:
    """A surface 1/2 (x - rest) K (x - rest), its forces, and a stress that tells where the atoms are."""

    def evaluate(
        cells: NDArray[np.float64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        offset = positions.reshape(len(positions), -1) - rest
        forces = -offset @ stiffness
        energies = -0.5 * np.einsum("ij,ij->i", offset, forces)
        return energies, forces.reshape(positions.shape), np.repeat(np.eye(3)[None], len(cells), axis=0)

    return evaluate


def test_many_cells_settle_together_on_a_stiff_and_soft_surface() -> None:
    rng = np.random.default_rng(8)
    rest = rng.normal(size=9)
    axes = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    stiffness = axes @ np.diag(np.geomspace(0.5, 50, 9)) @ axes.T
    start = np.array([rest.reshape(3, 3) + rng.normal(scale=0.05, size=(3, 3)) for _ in range(6)])
    cells = np.repeat(10 * np.eye(3)[None], 6, axis=0)
    settled = relax_positions(springs(rest, stiffness), cells, start, largest_force=1e-4)
    assert np.allclose(settled.positions.reshape(6, -1), rest, atol=1e-3)
    assert settled.n_evaluation < 6 * 25
    assert settled.energies == pytest.approx(np.zeros(6), abs=1e-6)


def test_atoms_already_at_rest_cost_one_evaluation() -> None:
    rest = np.zeros(6)
    settled = relax_positions(springs(rest, np.eye(6)), 5 * np.eye(3)[None], np.zeros((1, 2, 3)), largest_force=1e-3)
    assert settled.n_evaluation == 1


def test_atoms_that_do_not_settle_are_a_named_failure() -> None:
    with pytest.raises(OracleError, match="1 of 1 strained cells did not settle within 3 steps"):
        relax_positions(
            springs(np.full(3, 50.0), np.eye(3)),
            5 * np.eye(3)[None],
            np.zeros((1, 1, 3)),
            largest_force=1e-3,
            n_step=3,
        )
