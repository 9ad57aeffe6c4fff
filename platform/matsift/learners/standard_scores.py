"""Columns as standard scores: deviations from the mean of the training rows, in their standard deviation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class StandardScores:
    """A fitted standardisation: `mean` and `deviation` are (n_column,); a column that never varied has deviation 0."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def fit(cls, X: NDArray[np.float64]) -> Self:
        """Return the standardisation of (n, n_column) training rows by mean and population deviation, NaN passed over.

        A deviation within rounding of the column's size counts as none.
        """
        known = np.where(np.isnan(X).all(axis=0), 0.0, X)
        mean, deviation = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
        return cls(mean, np.where(deviation > 1e-12 * np.nanmax(np.abs(known), axis=0, initial=0.0), deviation, 0.0))

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, n_column) scores; 0 where a value is unknown or the column never varied in training."""
        varies = self.deviation > 0
        scores = (X - self.mean) / np.where(varies, self.deviation, 1.0)
        return np.where(varies & ~np.isnan(X), scores, 0.0)

    def parts(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays that `of_parts` reads."""
        return {"mean": self.mean, "deviation": self.deviation}

    @classmethod
    def of_parts(cls, parts: Mapping[str, NDArray[np.float64]]) -> Self:
        """Return the standardisation of the arrays that `parts` gave."""
        return cls(parts["mean"], parts["deviation"])
