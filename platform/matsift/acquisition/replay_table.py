"""Crystals with known labels, in the parts that a simulated campaign tells apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError


@dataclass(frozen=True, eq=False)
class ReplayTable:
    """Crystals whose labels are known, in three parts; rows are ordered by structure content hash.

    Parameters
    ----------
    X
        (n, n_column) descriptors, NaN where unknown.
    labels
        Property -> (n,) labels, in its unit.
    n_site
        (n,) atoms in the cell.
    start, pool, test
        Positions of the rows that train from the beginning, that a campaign may pick, and that it never sees.
    subsets
        Name -> (n,) mask; the error on the test rows in the mask is told besides that on all.

    Raises
    ------
    UserInputError
        If the parts overlap or one is empty, or a label in them is not finite.
    """

    X: NDArray[np.float64]
    labels: Mapping[str, NDArray[np.float64]]
    n_site: NDArray[np.int64]
    start: NDArray[np.int64]
    pool: NDArray[np.int64]
    test: NDArray[np.int64]
    subsets: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the parts."""
        everything = np.concatenate([self.start, self.pool, self.test])
        if len(np.unique(everything)) < len(everything):
            raise UserInputError("a row stands in two of the parts start, pool and test, or twice in one")
        if not (len(self.start) and len(self.pool) and len(self.test)):
            raise UserInputError("a simulation needs rows to start from, a pool and a test set")
        for name, y in self.labels.items():
            if not np.isfinite(y[everything]).all():
                raise UserInputError(f"a label of {name} is not a finite number; leave the row out")

    @property
    def trainable(self) -> NDArray[np.int64]:
        """Rows that train from the beginning or may come to, ascending."""
        return np.sort(np.concatenate([self.start, self.pool]))
