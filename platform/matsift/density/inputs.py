"""What networks are asked about: composition features, densities, and which rows of both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.density.field_source import FieldSource
from matsift.errors import UserInputError

#: Composition features of the magpie preset: 22 properties of the elements, 6 statistics each.
N_MAGPIE = 132


@dataclass(frozen=True, eq=False)
class NetworkInputs:
    """Rows of a data set; a subset shares features and densities with the whole.

    Parameters
    ----------
    magpie
        (N, 132) composition features, NaN where unknown, or None.
    fields
        N densities, or None.
    rows
        (n,) positions in both, by default all.
    """

    magpie: NDArray[np.float64] | None = None
    fields: FieldSource | None = None
    rows: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Refuse features and densities that do not belong together."""
        sizes = {len(part) for part in (self.magpie, self.fields) if part is not None}
        if len(sizes) != 1:
            raise UserInputError(f"features and densities are of one and the same set, not of {sorted(sizes)} items")
        if self.magpie is not None and self.magpie.shape[1:] != (N_MAGPIE,):
            raise UserInputError(f"a network reads {N_MAGPIE} composition features, not {self.magpie.shape[1:]}")
        rows = self.rows
        if rows is not None and (rows.ndim != 1 or (len(rows) and not 0 <= rows.min() <= rows.max() < max(sizes))):
            raise UserInputError(f"rows are positions from 0 to {max(sizes) - 1}")

    def __len__(self) -> int:
        """Return n."""
        return len(self.positions)

    @property
    def positions(self) -> NDArray[np.int64]:
        """(n,) positions in features and densities."""
        if self.rows is not None:
            return self.rows
        whole = self.magpie if self.magpie is not None else self.fields
        return np.arange(len(whole or ()) if not isinstance(whole, np.ndarray) else len(whole))

    def take(self, some: ArrayLike) -> NetworkInputs:
        """Return the items at positions, or where a mask is true, of these n."""
        chosen = np.asarray(some)
        return replace(self, rows=self.positions[chosen if chosen.dtype == bool else chosen.astype(np.int64)])
