"""How near a structure lies to those that a model learned from, in the columns that the model sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Share of the training rows whose nearest other row lies within `Nearest.limit`.
WITHIN = 0.95

_MOST_JUDGED = 500  # training rows that the limit is taken from
_DIGITS = 9  # what is alike but for rounding is alike


@dataclass(frozen=True, eq=False)
class Nearest:
    """The k training rows nearest to each of m rows.

    Parameters
    ----------
    rows
        (m, k) numbers of training rows, the nearest first.
    distances
        (m, k), root of the mean squared difference of standardised columns; two rows at random lie about 1.4 apart.
    limit
        Distance within which `WITHIN` of the training rows have another.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float64]
    limit: float


def nearest_rows(training: NDArray[np.float64], asked: NDArray[np.float64], k: int) -> Nearest:
    """Return the training rows nearest to the asked ones.

    Columns are standardised by mean and spread of the training rows, those without spread left out; an unknown value
    counts as the mean.

    Parameters
    ----------
    training, asked
        (n, n_column) with n > k, and (m, n_column); NaN where a value is unknown.
    k
        How many to return of each.
    """
    with np.errstate(invalid="ignore"):
        known = np.isfinite(training).sum(axis=0) > 1
        middle, spread = np.nanmean(training[:, known], axis=0), np.nanstd(training[:, known], axis=0)
    told = spread > 0
    known = np.flatnonzero(known)[told]
    middle, spread = middle[told], spread[told]
    learned, wanted = (np.nan_to_num((table[:, known] - middle) / spread) for table in (training, asked))
    distances = _distances(wanted, learned)
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    judged = np.linspace(0, len(learned) - 1, min(len(learned), _MOST_JUDGED)).astype(np.int64)
    apart = _distances(learned[judged], learned)
    apart[np.arange(len(judged)), judged] = np.inf
    limit = float(np.quantile(apart.min(axis=1), WITHIN))
    return Nearest(rows, np.take_along_axis(distances, rows, axis=1), limit)


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    return np.asarray(np.round(np.sqrt(np.maximum(squares, 0.0) / max(one.shape[1], 1)), _DIGITS), dtype=np.float64)
