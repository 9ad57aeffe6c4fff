"""A density on a periodic grid: the one record that readers, promolecules, networks and statistics exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.errors import BadStructureError

#: Points along each axis of the grids that networks read [Zhao 2020].
NETWORK_SHAPE = (60, 60, 60)


@dataclass(frozen=True, eq=False)
class DensityGrid:
    """A scalar field on the points i/n_a, j/n_b, k/n_c of a cell.

    Parameters
    ----------
    values
        (n_a, n_b, n_c) float32 or float64, e/angstrom3 (an electron localisation function: 1); C order, so that
        the third axis runs fastest.
    cell
        (3, 3), angstrom; rows are the cell vectors.
    """

    values: NDArray[Any]
    cell: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Points along each axis."""
        n_a, n_b, n_c = self.values.shape
        return int(n_a), int(n_b), int(n_c)

    @property
    def volume(self) -> float:
        """Cell volume in cubic angstrom."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def n_electron(self) -> float:
        """Integral over the cell: the electrons of a density."""
        return float(self.values.mean(dtype=np.float64)) * self.volume

    @property
    def spacing_angstrom(self) -> float:
        """Largest distance of neighbouring points along a cell vector."""
        return float((np.linalg.norm(self.cell, axis=1) / self.shape).max())

    def check(self) -> None:
        """Raise BadStructureError, with the reason, if this is no field on a cell."""
        if self.values.ndim != 3 or min(self.values.shape) < 1:
            raise BadStructureError(f"a density has three axes of points, not the shape {self.values.shape}")
        if not np.isfinite(self.cell).all() or self.volume < 1e-3:
            raise BadStructureError("the cell of the density is flat or not finite")
        if not np.isfinite(self.values).all():
            raise BadStructureError("a value of the density is not a finite number")
