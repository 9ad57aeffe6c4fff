"""Densities in a folder that several processes read at once: two arrays, mapped into memory, not copied."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from matsift.density.field_source import FieldSource, InMemoryFields, OrbitFields
from matsift.density.grid import DensityGrid
from matsift.density.symmetry_average import orbit_labels, orbit_means, space_group_operations
from matsift.errors import BadStructureError

_VALUES, _LABELS = "values.npy", "labels.npy"
#: Space groups whose operations are tried, those with the most first. P-43m (215) is common to all cubic crystals with
#: a symmorphic group and to those of the diamond type; P23 (195) has no mirrors.
SHARED_GROUPS = (225, 229, 221, 216, 217, 215, 195)
#: How far equivalent points may differ, as a share of the largest value.
_TOLERANCE = 1e-3


def write_field_folder(grids: Iterable[DensityGrid], n: int, shape: tuple[int, int, int], folder: Path) -> int | None:
    """Write n densities, and return the space group whose unique points are kept; None where all points are.

    The densities are drawn one by one, twice where no space group is common to all of them: `grids` has to give them
    again when it is iterated again.

    Raises
    ------
    BadStructureError
        If a density has another shape.
    """
    folder.mkdir(parents=True, exist_ok=True)
    group = _shared_group(grids, shape)
    labels = None if group is None else orbit_labels(space_group_operations(group), shape)
    width = shape if labels is None else (int(labels.max()) + 1,)
    values = np.lib.format.open_memmap(folder / _VALUES, mode="w+", dtype=np.float32, shape=(n, *width))
    for place, grid in enumerate(grids):
        values[place] = grid.values if labels is None else orbit_means(grid.values, labels)
    values.flush()
    if labels is not None:
        np.save(folder / _LABELS, labels)
    return group


def read_field_folder(folder: Path) -> FieldSource:
    """Return the densities that `write_field_folder` wrote; values are read when they are asked for."""
    values = np.load(folder / _VALUES, mmap_mode="r", allow_pickle=False)
    if (folder / _LABELS).exists():
        return OrbitFields(values, np.load(folder / _LABELS, allow_pickle=False))
    return InMemoryFields(values)


def _shared_group(grids: Iterable[DensityGrid], shape: tuple[int, int, int]) -> int | None:
    """Return the first of `SHARED_GROUPS` whose operations leave every density as it is."""
    left = {}
    for group in SHARED_GROUPS:
        try:
            left[group] = orbit_labels(space_group_operations(group), shape)
        except BadStructureError:  # the grid does not hold its centring
            continue
    for grid in grids:
        if grid.shape != shape:
            raise BadStructureError(f"a density has {grid.shape} points, the others {shape}")
        left = {group: labels for group, labels in left.items() if _has(grid, labels)}
        if not left:
            return None
    return next(iter(left), None)


def _has(grid: DensityGrid, labels: np.ndarray) -> bool:
    means = orbit_means(grid.values, labels)
    return float(np.abs(grid.values - means[labels]).max()) <= _TOLERANCE * float(np.abs(means).max())
