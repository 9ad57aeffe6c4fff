"""Crystals and brute-force sums that the tests of densities share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.density.promolecule import electron_gaussians

FCC = np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])


def salt(a: float = 5.64) -> Crystal:
    """Return rock salt in its primitive cell."""
    return Crystal.ordered(a * FCC, ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def silicon(a: float = 5.431) -> Crystal:
    """Return diamond silicon in its primitive cell."""
    return Crystal.ordered(a * FCC, ["Si", "Si"], np.array([[0.0, 0, 0], [0.25, 0.25, 0.25]]))


def skewed() -> Crystal:
    """Return a triclinic crystal without symmetry."""
    lattice = np.array([[4.1, 0.0, 0.3], [-1.2, 3.6, 0.2], [0.7, 0.9, 4.6]])
    return Crystal.ordered(lattice, ["O", "Fe", "K"], np.array([[0.1, 0.2, 0.9], [0.6, 0.55, 0.3], [0.35, 0.9, 0.6]]))


def brute_force(crystal: Crystal, points: NDArray[np.float64], b_iso: float, n_image: int = 7) -> NDArray[np.float64]:
    """Return (m,) the promolecule at Cartesian points, summed over all images within n_image cells, one by one."""
    electrons, b = electron_gaussians()
    numbers = {"O": 8, "Na": 11, "Si": 14, "Cl": 17, "K": 19, "Fe": 26}
    cells = np.stack(np.meshgrid(*([np.arange(-n_image, n_image + 1)] * 3), indexing="ij"), axis=-1).reshape(-1, 3)
    total = np.zeros(len(points))
    for symbol, coords in zip(crystal.species, crystal.frac_coords, strict=True):
        squared = (((coords + cells) @ crystal.lattice - points[:, None, :]) ** 2).sum(axis=2)
        for weight, width in zip(electrons[numbers[symbol] - 1], b[numbers[symbol] - 1] + b_iso, strict=True):
            bell = (4 * np.pi / width) ** 1.5 * np.exp(-4 * np.pi**2 * squared / width)
            total += weight * bell.sum(axis=1)
    return total
