"""The descriptor set `density`: derivatives, bond points and electron-gas numbers against other ways to them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kurtosis, skew
from tests.platform_.density_cases import brute_force, salt, silicon, skewed

from matsift.crystal import Crystal
from matsift.density.conventional import conventional_cell, standardise
from matsift.density.critical_points import BondPoints, bond_points, host_densities, surroundings
from matsift.density.elf import THOMAS_FERMI, kinetic_energy_from_density, localisation
from matsift.density.field_statistics import GRID_COLUMNS, derivatives, grid_statistics
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import promolecule
from matsift.density.promolecule_statistics import COLUMNS, density_statistics, statistics_shape
from matsift.descriptors.registry import compute


def bonds_of(crystal: Crystal) -> BondPoints:
    n_atom = len(crystal.species)
    return bond_points(surroundings(crystal, np.arange(n_atom)), np.ones(n_atom, dtype=np.int64))


def test_the_localisation_of_a_homogeneous_gas_is_one_half() -> None:
    rho = np.array([1e-3, 0.02, 0.5, 7.0])
    np.testing.assert_allclose(localisation(rho, 0.0, THOMAS_FERMI * rho ** (5 / 3)), 0.5, rtol=1e-14)
    np.testing.assert_allclose(localisation(rho, 0.0, kinetic_energy_from_density(rho, 0.0, 0.0)), 0.5, rtol=1e-14)


def test_the_localisation_lies_between_none_and_one() -> None:
    rng = np.random.default_rng(0)
    rho, gradient, tau = rng.lognormal(0, 3, (3, 1000))
    values = localisation(rho, gradient, tau)
    assert values.min() >= 0
    assert values.max() <= 1
    assert localisation(0.0, 0.0, 0.0) == 0


def test_one_orbital_is_localised_wholly() -> None:
    radii = np.linspace(0.1, 5, 20)
    rho = 2 * np.exp(-2 * radii) / np.pi  # two electrons in one 1s function: tau = |grad rho|^2 / (8 rho)
    np.testing.assert_allclose(localisation(rho, 2 * rho, (2 * rho) ** 2 / (8 * rho)), 1.0, rtol=1e-12)


@pytest.mark.parametrize("crystal", [conventional_cell(salt()), skewed()], ids=["rectangular", "skewed"])
def test_derivatives_on_the_grid_are_finite_differences_of_the_density(crystal: Crystal) -> None:
    grid = promolecule(crystal, (36, 36, 36), b_iso=8.0)
    norm, laplacian = derivatives(grid)
    at = np.array([7, 30, 11])
    point, step = at / 36 @ crystal.lattice, 1e-3
    around = point + step * np.concatenate([np.eye(3), -np.eye(3), np.zeros((1, 3))])
    values = brute_force(crystal, around, 8.0, n_image=5)
    gradient = (values[:3] - values[3:6]) / (2 * step)
    assert norm[tuple(at)] == pytest.approx(np.linalg.norm(gradient), rel=1e-3)
    assert laplacian[tuple(at)] == pytest.approx((values[:6].sum() - 6 * values[6]) / step**2, rel=1e-2, abs=1e-3)


@pytest.mark.parametrize(
    ("crystal", "n_bond", "length"), [(salt(), 12, 2.82), (silicon(), 8, 5.431 * np.sqrt(3) / 4)], ids=["salt", "Si"]
)
def test_bonds_are_those_of_the_nearest_neighbours(crystal: Crystal, n_bond: int, length: float) -> None:
    bonds = bonds_of(crystal)
    assert len(bonds.length) == n_bond
    np.testing.assert_allclose(bonds.length, length, rtol=1e-12)
    np.testing.assert_allclose(bonds.position[: n_bond // 2] + bonds.position[-1], 1.0, rtol=1e-6)


def test_the_lowest_point_on_a_bond_and_its_curvatures_are_those_of_the_density() -> None:
    crystal = salt()
    bonds, step = bonds_of(crystal), 1e-3
    way = np.array([1.0, 0.0, 0.0])

    def along(x: float) -> float:
        return float(brute_force(crystal, (x * way)[None], 1.0, n_image=4)[0])

    found = minimize(lambda x: along(x[0]), [1.2], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12})
    assert bonds.position[0] * 2.82 == pytest.approx(found.x[0], abs=1e-5)
    assert bonds.density[0] == pytest.approx(found.fun, rel=1e-4)
    lowest = found.x[0] * way
    shifts = step * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    values = brute_force(crystal, lowest + shifts, 1.0, n_image=4)
    second = (values[1:4] + values[4:] - 2 * values[0]) / step**2
    assert bonds.along[0] == pytest.approx(second[0], rel=1e-3)
    assert bonds.across[0] == pytest.approx(second[1:].mean(), rel=1e-3)
    assert bonds.laplacian[0] == pytest.approx(second.sum(), rel=1e-3)


def test_the_dilation_is_how_the_bond_density_falls_as_the_crystal_swells() -> None:
    small, large = (float(bonds_of(salt(5.64 * (1 + e))).density[0]) for e in (-1e-4, 1e-4))
    slope = (np.log(large) - np.log(small)) / (6e-4)
    assert bonds_of(salt()).dilation[0] == pytest.approx(slope, rel=1e-4)


def test_the_host_density_is_what_the_others_make_at_an_atom() -> None:
    alone = Crystal.ordered(40 * np.eye(3), ["Fe"], np.zeros((1, 3)))
    crystal = skewed()
    whole = brute_force(crystal, (crystal.frac_coords[1] @ crystal.lattice)[None], 1.0)[0]
    own = brute_force(alone, np.zeros((1, 3)), 1.0, n_image=0)[0]
    assert host_densities(surroundings(crystal, np.array([1])))[0] == pytest.approx(whole - own, abs=3e-4)


def test_moments_are_those_of_scipy() -> None:
    grid = promolecule(conventional_cell(silicon()), (24, 24, 24), b_iso=4.0)
    values = dict(zip(GRID_COLUMNS, grid_statistics(grid, np.zeros((1, 3))), strict=True))
    logs = np.log(grid.values).reshape(-1)
    assert values["log_rho_skewness"] == pytest.approx(skew(logs), rel=1e-9)
    assert values["log_rho_kurtosis"] == pytest.approx(kurtosis(logs), rel=1e-9)
    assert values["rho_mean_per_angstrom3"] == pytest.approx(8 * 14 / 5.431**3, rel=1e-6)


def test_the_lowest_density_of_a_salt_is_as_far_from_atoms_as_a_point_can_be() -> None:
    cell = conventional_cell(salt())
    grid = promolecule(cell, (24, 24, 24), b_iso=4.0)
    values = dict(zip(GRID_COLUMNS, grid_statistics(grid, cell.frac_coords), strict=True))
    expected = brute_force(salt(), np.full((1, 3), 1.41), 4.0)[0]
    assert values["rho_lowest_distance_angstrom"] == pytest.approx(5.64 * np.sqrt(3) / 4, rel=1e-9)
    assert values["rho_lowest_per_angstrom3"] == pytest.approx(expected, rel=1e-4)


def test_a_constant_density_has_the_numbers_of_the_homogeneous_gas() -> None:
    rho = 0.3
    values = dict(
        zip(
            GRID_COLUMNS,
            grid_statistics(DensityGrid(np.full((6, 6, 6), rho), 3 * np.eye(3)), np.zeros((1, 3))),
            strict=True,
        )
    )
    assert values["rho_outer_localisation_mean"] == pytest.approx(0.5)
    assert values["rho_outer_gradient_mean"] == pytest.approx(0.0, abs=1e-12)
    atomic = rho * 0.529177210903**3
    expected = THOMAS_FERMI * atomic ** (5 / 3) * 27.211386245988 / 0.529177210903**3
    assert values["rho_outer_thomas_fermi_ev_per_angstrom3"] == pytest.approx(expected, rel=1e-9)
    assert values["log_rho_kurtosis"] == 0


def test_a_crystal_has_the_same_numbers_in_any_of_its_cells() -> None:
    doubled = Crystal.ordered(
        np.diag([2.0, 1, 1]) @ salt().lattice,
        ["Na", "Cl"] * 2,
        np.array([[0, 0, 0], [0.25, 0.5, 0.5], [0.5, 0, 0], [0.75, 0.5, 0.5]]),
    )
    expected = density_statistics(salt())
    for crystal in (doubled, standardise(salt()).crystal):
        np.testing.assert_allclose(density_statistics(crystal), expected, rtol=1e-9, atol=1e-12)


def test_grids_of_statistics_have_the_special_positions() -> None:
    assert statistics_shape(np.diag([3.0, 5.64, 200.0])) == (12, 24, 120)


def test_the_set_holds_numbers_for_crystals_and_reasons_for_the_rest() -> None:
    shared = Crystal(4 * np.eye(3), ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.zeros(2, dtype=np.int64))
    lonely = Crystal.ordered(12 * np.eye(3), ["Xe"], np.zeros((1, 3)))
    close = Crystal.ordered(6 * np.eye(3), ["H", "H"], np.array([[0, 0, 0], [0.03, 0, 0]]))
    chunk = compute("density", [silicon(), shared, lonely, skewed(), close])
    assert chunk.values.shape == (5, len(COLUMNS))
    assert np.isfinite(chunk.values[[0, 3]]).all()
    assert np.isnan(chunk.values[[1, 2, 4]]).all()
    assert {i: kind for i, (kind, _) in chunk.failures.items()} == dict.fromkeys((1, 2, 4), "BadStructureError")
    assert "no neighbour within" in chunk.failures[2][1]
    assert "0.18 angstrom apart" in chunk.failures[4][1]
