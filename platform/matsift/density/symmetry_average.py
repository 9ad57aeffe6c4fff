"""Points of a grid that symmetry makes equal: their orbits, and the mean over them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import permutations, product
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray

from matsift.density.field_source import OrbitFields
from matsift.density.grid import NETWORK_SHAPE, DensityGrid
from matsift.errors import BadStructureError

#: Rotations (m, 3, 3) and translations (m, 3) on fractional coordinates: x -> R x + t.
Operations = tuple[NDArray[np.int64], NDArray[np.float64]]

_ON_GRID = 1e-3


def cube_operations() -> Operations:
    """Return the 48 operations of a cube about the origin: its axes in any order, each either way."""
    rotations = [
        np.diag(signs)[list(order)] for order in permutations(range(3)) for signs in product((1, -1), repeat=3)
    ]
    return np.array(rotations, dtype=np.int64), np.zeros((48, 3))


def space_group_operations(number: int) -> Operations:
    """Return the operations of a space group in its standard setting, centring included: 192 of Fm-3m.

    Raises
    ------
    BadStructureError
        If the number is not 1 to 230.
    """
    if not 1 <= number <= 230:
        raise BadStructureError(f"there is no space group of number {number}; they run from 1 to 230")
    found: Any = spglib.get_symmetry_from_database(_hall_number(number))
    return np.asarray(found["rotations"], dtype=np.int64), np.asarray(found["translations"], dtype=np.float64)


def orbit_labels(operations: Operations, shape: tuple[int, int, int] = NETWORK_SHAPE) -> NDArray[np.int32]:
    """Return (a, b, c) which orbit each point belongs to, 0 to n_orbit - 1 in the order of their first points.

    Raises
    ------
    BadStructureError
        If an operation carries a point of the grid between points.
    """
    first = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
    for rotation, translation in zip(*operations, strict=True):
        np.minimum(first, _image_of_points(rotation, translation, shape), out=first)
    labels = np.unique(first, return_inverse=True)[1]
    return labels.reshape(shape).astype(np.int32)


def orbit_means(values: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return (n_orbit,) the mean of a field over the points of each orbit."""
    flat = labels.reshape(-1)
    return np.asarray(np.bincount(flat, np.asarray(values, dtype=np.float64).reshape(-1)) / np.bincount(flat))


def symmetrised(grid: DensityGrid, operations: Operations) -> DensityGrid:
    """Return the mean of a field over operations, the same at equivalent points and with the same integral, float64."""
    labels = orbit_labels(operations, grid.shape)
    return DensityGrid(orbit_means(grid.values, labels)[labels], grid.cell)


def orbit_fields(
    grids: Iterable[DensityGrid], labels: NDArray[np.int32], *, tolerance: float | None = 1e-4
) -> OrbitFields:
    """Return densities as the means over the orbits that `labels` has, one row a grid.

    Parameters
    ----------
    grids
        Densities of the shape of `labels`.
    labels
        From `orbit_labels`.
    tolerance
        How far a value may lie from the mean of its orbit, as a share of the largest value; None takes the means of
        any density, which makes it symmetric.

    Raises
    ------
    BadStructureError
        If a density lacks the symmetry, or has another shape.
    """
    rows = []
    for i, grid in enumerate(grids):
        if grid.shape != labels.shape:
            raise BadStructureError(f"density {i} has {grid.shape} points; the orbits are those of {labels.shape}")
        means = orbit_means(grid.values, labels)
        if tolerance is not None:
            off = float(np.abs(grid.values - means[labels]).max() / max(np.abs(means).max(), 1e-30))
            if off > tolerance:
                raise BadStructureError(
                    f"density {i} lacks the symmetry: equivalent points differ by {off:.2g} of its peak"
                )
        rows.append(means.astype(np.float32))
    return OrbitFields(np.array(rows, dtype=np.float32).reshape(len(rows), int(labels.max()) + 1), labels)


def _image_of_points(
    rotation: NDArray[np.int64], translation: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[np.int64]:
    """Return (a, b, c) the flat index of the point to which an operation carries each point."""
    n = np.array(shape)
    turn, move = n[:, None] * rotation / n, translation * n
    if np.abs(turn - np.round(turn)).max() > _ON_GRID or np.abs(move - np.round(move)).max() > _ON_GRID:
        raise BadStructureError(f"a symmetry operation does not map a grid of {shape} points onto itself")
    axes = np.ogrid[: shape[0], : shape[1], : shape[2]]
    image: NDArray[np.int64] = np.zeros((1, 1, 1), dtype=np.int64)
    for row, start, length in zip(np.round(turn).astype(np.int64), np.round(move).astype(np.int64), shape, strict=True):
        coordinate = np.full((1, 1, 1), start)
        for step, axis in zip(row, axes, strict=True):
            coordinate = coordinate + step * axis if step else coordinate
        image = image * length + coordinate % length
    return image


@cache
def _hall_number(number: int) -> int:
    """Return the Hall number of the standard setting of a space group: the first that spglib lists, origin choice 1."""
    types: Any = ((hall, spglib.get_spacegroup_type(hall)) for hall in range(1, 531))
    return int(next(hall for hall, kind in types if kind.number == number))
