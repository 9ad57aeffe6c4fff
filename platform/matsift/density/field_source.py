"""Where networks read densities from: rows of fields, loaded a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from matsift.density.grid import NETWORK_SHAPE


class FieldSource(Protocol):
    """n densities of one shape; a source of files reads those of a batch when the batch is asked for."""

    def __len__(self) -> int:
        """Return n."""
        ...

    def load(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (k, 60, 60, 60) values, e/angstrom3, of k rows in the order asked."""
        ...


@dataclass(frozen=True, eq=False)
class InMemoryFields:
    """Densities that are all in memory.

    Parameters
    ----------
    values
        (n, a, b, c), e/angstrom3; float16 halves the memory at a relative error of 5e-4.
    """

    values: NDArray[Any]

    def __len__(self) -> int:
        """Return n."""
        return len(self.values)

    def load(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (k, a, b, c) values of the rows."""
        return self.values[rows].astype(np.float32)


@dataclass(frozen=True, eq=False)
class OrbitFields:
    """Densities with the same symmetry operations, of which only the unique points are kept.

    A grid of 60^3 points with the 192 operations of Fm-3m has 216,000 points and 1,496 orbits: 5,000 of them
    are 30 MB in place of 4.3 GB, and loading them is one look-up.

    Parameters
    ----------
    values
        (n, n_orbit) float32, e/angstrom3: one value an orbit of equivalent points.
    labels
        (a, b, c) which orbit a point belongs to, 0 to n_orbit - 1.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        """Return n."""
        return len(self.values)

    def load(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (k, a, b, c) values of the rows."""
        flat = self.labels.reshape(-1).astype(np.intp)
        spread = np.empty((len(rows), len(flat)), dtype=np.float32)
        for orbit_values, points in zip(self.values[rows], spread, strict=True):
            np.take(orbit_values, flat, out=points, mode="clip")  # "clip" writes without a buffer
        return spread.reshape(len(spread), *self.labels.shape)


def empty_fields(shape: tuple[int, int, int] = NETWORK_SHAPE) -> InMemoryFields:
    """Return a source without rows."""
    return InMemoryFields(np.zeros((0, *shape), dtype=np.float32))
