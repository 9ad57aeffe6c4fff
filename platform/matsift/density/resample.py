"""Densities on another grid or in another cell: by their Fourier series, or between neighbouring points."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from matsift.density.conventional import CellTransform
from matsift.density.grid import NETWORK_SHAPE, DensityGrid

Method = Literal["fourier", "trilinear"]

#: How far an index may lie from a whole number and still be one.
_WHOLE = 1e-3


def resample(grid: DensityGrid, shape: tuple[int, int, int] = NETWORK_SHAPE, method: Method = "fourier") -> DensityGrid:
    """Return a field on another number of points of the same cell, float64.

    "fourier" keeps the mean, hence the electrons, exactly, and every wave that both grids hold; a sharp field
    rings where waves are cut. "trilinear" never leaves the range of the values; it keeps the electrons of a smooth
    density to 1e-3, of one with cores as narrow as the points are apart to some percent only.
    """
    return in_cell(grid, CellTransform(np.eye(3), np.zeros(3), grid.cell), shape, method)


def in_cell(
    grid: DensityGrid,
    transform: CellTransform,
    shape: tuple[int, int, int] = NETWORK_SHAPE,
    method: Method = "fourier",
) -> DensityGrid:
    """Return the field of one cell on the points of another cell of the same crystal, float64.

    Parameters
    ----------
    grid
        Field in a cell whose crystal gave the transform.
    transform
        From `conventional_transform`, or any CellTransform of integers. Where the new cell is smaller than the old
        one the Fourier series is averaged over the new cell's translations.
    shape
        Points along the new axes.
    method
        "fourier" is exact for every wave that the new grid holds; "trilinear" reads between eight points.
    """
    if method == "trilinear":
        return DensityGrid(_trilinear(grid, transform, shape), transform.cell)
    return DensityGrid(_fourier(grid, transform, shape), transform.cell)


def smeared(grid: DensityGrid, b_iso: float) -> DensityGrid:
    """Return a field blurred by a displacement factor exp(-B s^2), with the same integral, float64.

    An all-electron density of DFT and a promolecule are alike sharp at nuclei once both are blurred by the same B.

    Parameters
    ----------
    grid
        Whose points resolve the field: what they alias stays aliased.
    b_iso
        B = 8 pi^2 u^2, angstrom2.
    """
    series = np.fft.rfftn(np.asarray(grid.values, dtype=np.float64))
    n_a, n_b, n_c = grid.shape
    indices = np.fft.fftfreq(n_a, 1.0 / n_a), np.fft.fftfreq(n_b, 1.0 / n_b), np.arange(n_c // 2 + 1.0)
    h, k, m = np.meshgrid(*indices, indexing="ij", sparse=True)
    rows = np.linalg.inv(grid.cell).T
    squared = sum((h * rows[0, axis] + k * rows[1, axis] + m * rows[2, axis]) ** 2 for axis in range(3))
    blurred = np.fft.irfftn(series * np.exp(-b_iso / 4.0 * squared), s=grid.shape, axes=(0, 1, 2))
    return DensityGrid(blurred, grid.cell)


def _trilinear(grid: DensityGrid, transform: CellTransform, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    axes = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    points = np.stack(axes, axis=-1).reshape(-1, 3)
    own = (points - transform.shift) @ transform.matrix * grid.shape
    values = np.asarray(grid.values, dtype=np.float64)
    read = map_coordinates(values, own.T, order=1, mode="grid-wrap")
    return np.asarray(read.reshape(shape))


def _fourier(grid: DensityGrid, transform: CellTransform, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Carry each wave to its index in the new cell; waves past the new grid's highest are left out."""
    waves = np.fft.fftn(np.asarray(grid.values, dtype=np.float64)) / grid.values.size
    for axis, n in enumerate(grid.shape):
        if n % 2 == 0:
            waves = _split_highest(waves, axis)
    index = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in waves.shape), indexing="ij")
    old = np.stack(index, axis=-1).reshape(-1, 3)
    new = old @ transform.matrix.T
    whole = np.round(new)
    kept = (np.abs(new - whole) < _WHOLE).all(axis=1) & (np.abs(whole) <= np.array(shape) / 2).all(axis=1)
    amplitudes = waves.reshape(-1)[kept] * np.exp(-2j * np.pi * whole[kept] @ transform.shift)
    place = np.ravel_multi_index((whole[kept].astype(np.int64) % np.array(shape)).T, shape)
    real = np.bincount(place, amplitudes.real, minlength=int(np.prod(shape)))
    imaginary = np.bincount(place, amplitudes.imag, minlength=int(np.prod(shape)))
    series = (real + 1j * imaginary).reshape(shape) * np.prod(shape)
    return np.asarray(np.fft.ifftn(series).real)


def _split_highest(waves: NDArray[np.complex128], axis: int) -> NDArray[np.complex128]:
    """Return the waves with the highest of an even axis, cos(pi j), as half a wave either way: an odd axis."""
    n = waves.shape[axis]
    highest = np.take(waves, [n // 2], axis=axis) / 2
    low, high = np.split(waves, [n // 2 + 1], axis=axis)
    low = np.concatenate([np.take(low, range(n // 2), axis=axis), highest], axis=axis)
    return np.concatenate([low, highest, high], axis=axis)
