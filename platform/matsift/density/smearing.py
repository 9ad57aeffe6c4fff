"""A density blurred by a Gaussian, as atoms that vibrate blur it: cores that are sharper than a grid, tamed."""

from __future__ import annotations

import numpy as np

from matsift.density.grid import DensityGrid
from matsift.density.promolecule import SMEARING_B_ANGSTROM2


def smeared(grid: DensityGrid, b_iso: float = SMEARING_B_ANGSTROM2) -> DensityGrid:
    """Return a density with its waves damped by exp(-B s^2), s half the wave number over 2 pi; float64.

    The electrons stay. A promolecule is smeared like that by its default, so the two compare point by point.

    Parameters
    ----------
    grid
        e/angstrom3, in any cell.
    b_iso
        Displacement factor B, angstrom2.
    """
    n_a, n_b, n_c = grid.shape
    waves = np.fft.rfftn(np.asarray(grid.values, dtype=np.float64))
    indices = np.meshgrid(*(np.fft.fftfreq(n) * n for n in (n_a, n_b)), np.arange(n_c // 2 + 1), indexing="ij")
    reciprocal = np.stack(indices, axis=-1) @ np.linalg.inv(grid.cell).T
    waves *= np.exp(-0.25 * b_iso * np.einsum("...i,...i->...", reciprocal, reciprocal))
    return DensityGrid(np.fft.irfftn(waves, s=grid.shape, axes=(0, 1, 2)), grid.cell)
