"""Densities on other grids and in other cells: what is kept exactly, and what is read between points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample as scipy_resample
from tests.platform_.density_cases import salt, silicon, skewed

from matsift.crystal import Crystal
from matsift.density.conventional import CellTransform, conventional_cell, conventional_transform, standardise
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import promolecule
from matsift.density.resample import Method, in_cell, resample, smeared
from matsift.errors import BadStructureError


def noise(shape: tuple[int, int, int] = (10, 12, 9)) -> DensityGrid:
    return DensityGrid(np.random.default_rng(3).random(shape), np.diag([3.0, 4.0, 5.0]))


@pytest.mark.parametrize("shape", [(20, 20, 20), (6, 7, 8), (10, 12, 9)], ids=["finer", "coarser", "the same"])
def test_fourier_keeps_the_electrons_exactly(shape: tuple[int, int, int]) -> None:
    grid = noise()
    assert resample(grid, shape).n_electron == pytest.approx(grid.n_electron, rel=1e-13)


def test_fourier_to_a_finer_grid_and_back_is_the_same_density() -> None:
    grid = noise()
    np.testing.assert_allclose(resample(resample(grid, (31, 30, 28)), grid.shape).values, grid.values, atol=1e-13)


@pytest.mark.parametrize("n", [24, 25], ids=["even", "odd"])
def test_fourier_to_a_finer_grid_is_scipys_along_one_axis(n: int) -> None:
    grid = noise((12, 2, 3))
    expected = scipy_resample(grid.values, n, axis=0)
    np.testing.assert_allclose(resample(grid, (n, 2, 3)).values, expected, atol=1e-13)


def test_a_wave_is_read_exactly_between_the_points() -> None:
    def wave(n: int) -> DensityGrid:
        x, y, z = np.meshgrid(*([np.arange(n) / n] * 3), indexing="ij")
        return DensityGrid(2 + np.cos(2 * np.pi * (2 * x - y)) + np.sin(2 * np.pi * 3 * z), 4 * np.eye(3))

    np.testing.assert_allclose(resample(wave(8), (20, 20, 20)).values, wave(20).values, atol=1e-13)


def test_trilinear_is_exact_for_constants_and_away_from_the_wrap_for_linear_functions() -> None:
    constant = DensityGrid(np.full((5, 6, 7), 0.7), 3 * np.eye(3))
    np.testing.assert_allclose(resample(constant, (11, 13, 10), "trilinear").values, 0.7, rtol=1e-14)
    x, y, z = np.meshgrid(*([np.arange(10) / 10] * 3), indexing="ij")
    read = resample(DensityGrid(1 + x + 2 * y - 3 * z, 3 * np.eye(3)), (25, 25, 25), "trilinear").values
    x, y, z = np.meshgrid(*([np.arange(23) / 25] * 3), indexing="ij")
    np.testing.assert_allclose(read[:23, :23, :23], 1 + x + 2 * y - 3 * z, atol=1e-13)


def test_trilinear_wraps_and_never_leaves_the_range() -> None:
    grid = noise()
    read = resample(grid, (40, 24, 18), "trilinear").values
    assert read.min() >= grid.values.min()
    assert read.max() <= grid.values.max()
    assert read[39, 0, 0] == pytest.approx(0.25 * grid.values[9, 0, 0] + 0.75 * grid.values[0, 0, 0])


@pytest.mark.parametrize(
    ("method", "b_iso", "within"),
    [("fourier", 1.0, 1e-6), ("trilinear", 20.0, 1e-3), ("trilinear", 1.0, 2e-2)],
    ids=["fourier, cores", "trilinear, smooth", "trilinear, cores"],
)
def test_a_resampled_promolecule_keeps_its_electrons(method: Method, b_iso: float, within: float) -> None:
    fine = promolecule(conventional_cell(salt()), (72, 72, 72), b_iso=b_iso)
    assert resample(fine, (60, 60, 60), method).n_electron == pytest.approx(112, rel=within)


@pytest.mark.parametrize(
    "crystal",
    [
        salt(),
        silicon(),
        Crystal.ordered(np.diag([11.28, 5.64, 5.64]), ["Na", "Cl"] * 8, np.argwhere(np.ones((4, 2, 2))) / (4, 2, 2)),
    ],
    ids=["rock salt", "diamond, origin moved", "two cells of another salt"],
)
def test_a_density_goes_to_the_conventional_cell(crystal: Crystal) -> None:
    found = standardise(crystal)
    own = promolecule(crystal, (48, 48, 48) if crystal.n_site < 16 else (96, 48, 48), b_iso=6.0)
    there = in_cell(own, found.transform, (48, 48, 48))
    expected = promolecule(found.crystal, (48, 48, 48), b_iso=6.0)
    np.testing.assert_allclose(there.cell, found.crystal.lattice)
    np.testing.assert_allclose(there.values, expected.values, atol=1e-5 * expected.values.max())
    assert there.n_electron == pytest.approx(own.n_electron * expected.volume / own.volume, rel=1e-12)
    between = in_cell(own, found.transform, (48, 48, 48), "trilinear")
    assert np.abs(between.values - expected.values).max() < 0.1 * expected.values.max()


def test_a_cell_three_times_as_long_repeats_the_density() -> None:
    own = promolecule(skewed(), (20, 20, 20))
    matrix = np.diag([3.0, 1.0, 1.0])
    longer = in_cell(own, CellTransform(matrix, np.zeros(3), matrix @ own.cell), (60, 20, 20))
    np.testing.assert_allclose(longer.values, np.tile(own.values, (3, 1, 1)), atol=1e-11)


@pytest.mark.parametrize("crystal", [conventional_cell(salt()), skewed()], ids=["rectangular", "skewed"])
def test_smearing_adds_to_the_displacement_factor(crystal: Crystal) -> None:
    sharp, soft = (promolecule(crystal, (60, 60, 60), b_iso=b) for b in (2.0, 5.0))
    np.testing.assert_allclose(smeared(sharp, 3.0).values, soft.values, atol=1e-5 * soft.values.max())
    assert smeared(sharp, 3.0).n_electron == pytest.approx(sharp.n_electron, rel=1e-12)


def test_conventional_cells_stand_along_the_axes() -> None:
    turned = Crystal.ordered(
        salt().lattice @ np.linalg.qr(np.random.default_rng(0).random((3, 3)))[0], ["Na", "Cl"], salt().frac_coords
    )
    cell = conventional_cell(turned)
    np.testing.assert_allclose(cell.lattice, 5.64 * np.eye(3), atol=1e-9)
    assert sorted(cell.species) == ["Cl"] * 4 + ["Na"] * 4
    transform, number = conventional_transform(turned)
    assert number == 225
    assert abs(np.linalg.det(transform.matrix)) == pytest.approx(4)


def test_equivalent_atoms_are_those_of_the_cell_that_was_given() -> None:
    assert standardise(silicon()).equivalent_atoms.tolist() == [0, 0]
    assert standardise(salt()).equivalent_atoms.tolist() == [0, 1]


def test_a_crystal_without_a_conventional_cell_says_why() -> None:
    shared = Crystal(4 * np.eye(3), ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.zeros(2, dtype=np.int64))
    with pytest.raises(BadStructureError, match="shared or partly vacant"):
        conventional_cell(shared)
    with pytest.raises(BadStructureError, match="two atoms may stand on one place"):
        conventional_cell(Crystal.ordered(4 * np.eye(3), ["Na", "Na"], np.zeros((2, 3))))


@pytest.mark.parametrize(
    ("values", "cell", "problem"),
    [
        (np.zeros((4, 4)), np.eye(3), "three axes"),
        (np.zeros((4, 4, 4)), np.zeros((3, 3)), "flat"),
        (np.full((2, 2, 2), np.nan), np.eye(3), "not a finite number"),
    ],
    ids=["flat array", "no volume", "nan"],
)
def test_what_is_no_density_is_refused(values: np.ndarray, cell: np.ndarray, problem: str) -> None:
    with pytest.raises(BadStructureError, match=problem):
        DensityGrid(values, cell).check()
