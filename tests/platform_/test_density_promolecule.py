"""Promolecules against sums over images one by one, against form factors, and against what a density must be."""

from __future__ import annotations

import numpy as np
import pytest
from tests.platform_.density_cases import brute_force, salt, silicon, skewed

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.density.conventional import conventional_cell
from matsift.density.gaussian_sums import oblique, separable
from matsift.density.promolecule import (
    SMEARING_B_ANGSTROM2,
    atom_gaussians,
    electron_gaussians,
    promolecule,
    promolecules,
    resolved_b,
)
from matsift.diffraction.form_factors import form_factors
from matsift.errors import BadStructureError


@pytest.mark.parametrize("crystal", [conventional_cell(salt()), skewed()], ids=["rectangular", "skewed"])
def test_the_density_is_the_sum_over_all_images(crystal: Crystal) -> None:
    grid = promolecule(crystal, (40, 44, 48))
    index = np.random.default_rng(0).integers(0, 40, (6, 3))
    expected = brute_force(crystal, (index / grid.shape) @ crystal.lattice, SMEARING_B_ANGSTROM2)
    np.testing.assert_allclose(grid.values[tuple(index.T)], expected, rtol=2e-6, atol=1e-7)


def test_both_ways_to_sum_agree() -> None:
    cell = conventional_cell(salt())
    atoms = atom_gaussians(cell, SMEARING_B_ANGSTROM2)
    one, other = (summed(atoms, cell.lattice, (36, 36, 36)) for summed in (separable, oblique))
    np.testing.assert_allclose(one, other, atol=1e-8 * one.max())


@pytest.mark.parametrize("shape", [(60, 60, 60), (24, 24, 24)], ids=["fine", "coarse"])
@pytest.mark.parametrize(
    ("crystal", "electrons"), [(salt(), 28), (silicon(), 28), (skewed(), 53)], ids=["salt", "silicon", "skewed"]
)
def test_the_integral_is_the_number_of_electrons_and_no_value_is_negative(
    crystal: Crystal, electrons: int, shape: tuple[int, int, int]
) -> None:
    grid = promolecule(crystal, shape)
    assert grid.n_electron == pytest.approx(electrons, rel=1e-3)
    assert grid.values.min() > 0


def test_every_element_has_its_electrons_and_a_positive_density() -> None:
    weights, b = electron_gaussians()
    np.testing.assert_allclose(weights.sum(axis=1), np.arange(1, 99), rtol=1e-12)
    radii = np.linspace(0, 3, 200)
    variances = (b + SMEARING_B_ANGSTROM2) / (8 * np.pi**2)
    bells = np.exp(radii**2 / (-2 * variances[:, :, None])) * (2 * np.pi * variances[:, :, None]) ** -1.5
    assert np.einsum("ei,eir->er", weights, bells).min() > 0


def test_its_structure_factors_are_the_form_factors_of_the_diffraction_wing() -> None:
    cell = conventional_cell(silicon())
    series = np.fft.fftn(promolecule(cell, (60, 60, 60)).values) * cell.volume / 60**3
    for index, n in (((2, 2, 0), 8), ((4, 0, 0), 8), ((3, 3, 1), 4 * np.sqrt(2))):
        s_squared = np.sum(np.square(index)) / (2 * 5.431) ** 2
        factor = form_factors([14], [s_squared], b_iso=SMEARING_B_ANGSTROM2)[0, 0]
        assert abs(series[index]) == pytest.approx(n * factor, rel=1e-3)


def test_moving_by_a_centring_vector_changes_nothing() -> None:
    values = promolecule(conventional_cell(salt())).values
    for shift in ((0, 30, 30), (30, 0, 30), (30, 30, 0)):
        np.testing.assert_allclose(np.roll(values, shift, axis=(0, 1, 2)), values, atol=1e-10)


def test_shared_and_partly_vacant_sites_count_by_occupancy() -> None:
    half = Crystal(4 * np.eye(3), ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.25]), np.zeros(2, dtype=np.int64))
    assert promolecule(half, (48, 48, 48)).n_electron == pytest.approx(0.5 * 11 + 0.25 * 19, rel=1e-5)


def test_a_coarse_grid_smears_more() -> None:
    large = 20 * np.eye(3)
    assert resolved_b(large, (60, 60, 60)) > SMEARING_B_ANGSTROM2 > resolved_b(5 * np.eye(3), (60, 60, 60))
    alone = Crystal.ordered(large, ["Cl"], np.array([[0.013, 0.017, 0.011]]))
    assert promolecule(alone).n_electron == pytest.approx(17, rel=1e-3)


def test_an_element_without_a_form_factor_is_named() -> None:
    einsteinium = Crystal.ordered(5 * np.eye(3), ["Es"], np.zeros((1, 3)))
    with pytest.raises(BadStructureError, match="Es has no X-ray form factor"):
        list(promolecules([salt(), einsteinium]))
    assert ELEMENT_SYMBOLS[97] == "Cf"


def test_a_flat_cell_is_no_crystal() -> None:
    with pytest.raises(BadStructureError, match="flat"):
        promolecule(Crystal.ordered(np.diag([4.0, 4.0, 0.0]), ["Na"], np.zeros((1, 3))))
