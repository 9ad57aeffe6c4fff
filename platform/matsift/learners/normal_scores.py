"""Columns as normal scores: ranks among the training rows, spread out as a normal distribution is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

#: Reference points a column; between them ranks are interpolated.
N_QUANTILE = 500
#: Ranks outside this are drawn in, so that no crystal stands more than about three deviations away in any column.
_OUTERMOST = 1e-3


@dataclass(frozen=True, eq=False)
class NormalScores:
    """A fitted transformation that no outlier and no unit of a column can upset.

    Parameters
    ----------
    quantiles
        (N_QUANTILE, n_column), values of the training rows at evenly spaced ranks.
    mean, deviation
        (n_column,), of the scores of the training rows; a column without variation has a deviation of 0.
    """

    quantiles: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    @classmethod
    def fit(cls, X: NDArray[np.float64]) -> Self:
        """Return the transformation of the columns of (n, n_column) training rows, NaN where unknown."""
        known = np.where(np.isnan(X).all(axis=0), 0.0, X)
        quantiles = np.nanquantile(known, np.linspace(0, 1, N_QUANTILE), axis=0)
        plain = cls(quantiles, np.zeros(X.shape[1]), np.ones(X.shape[1]))
        scores = plain._scores(X)
        deviation = np.where(np.ptp(quantiles, axis=0) > 0, scores.std(axis=0), 0.0)
        return cls(quantiles, scores.mean(axis=0), deviation)

    def transform(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, n_column) standardised scores; 0 where a value is unknown or the column never varied."""
        varies = self.deviation > 0
        scores = (self._scores(X) - self.mean) / np.where(varies, self.deviation, 1.0)
        return np.where(varies & ~np.isnan(X), scores, 0.0)

    def parts(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays that `of_parts` reads."""
        return {"quantiles": self.quantiles, "mean": self.mean, "deviation": self.deviation}

    @classmethod
    def of_parts(cls, parts: Mapping[str, NDArray[np.float64]]) -> Self:
        """Return the transformation of the arrays that `parts` gave."""
        return cls(parts["quantiles"], parts["mean"], parts["deviation"])

    def _scores(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        levels = np.linspace(0, 1, len(self.quantiles))
        scores = np.empty_like(X)
        for column, reference in enumerate(self.quantiles.T):
            values = np.where(np.isnan(X[:, column]), reference[len(reference) // 2], X[:, column])
            # Equal values span several ranks: from below and from above give their two ends.
            below = np.interp(values, reference, levels)
            above = -np.interp(-values, -reference[::-1], -levels[::-1])
            scores[:, column] = ndtri(np.clip((below + above) / 2, _OUTERMOST, 1 - _OUTERMOST))
        return scores
