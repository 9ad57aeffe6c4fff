"""Diversity: a batch of uncertain candidates that do not resemble one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.context import Candidates

#: Squared distances below this share of the squared lengths are rounding.
_ROUNDING = 1e-12


def choose(candidates: Candidates, batch_size: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the score of each of n candidates, and their positions from the most to the least wanted.

    The score is the spread, in the unit of the property, times the distance to the nearest of the batch that was chosen
    before. The batch grows greedily: first the largest spread, whose distance counts as that to the farthest candidate,
    then the largest score each time (greedy max-min dispersion, as in Sener & Savarese's core sets, ICLR 2018, weighted
    by the spread). The rest follows by its score against the whole batch. Distances are Euclidean between standardized
    descriptors, per square root of a column, so 1.4 on average; equal scores fall to the larger spread.
    """
    points = standardized(candidates.descriptors)
    lengths = np.einsum("ij,ij->i", points, points)
    spread = candidates.spread
    is_left = np.ones(len(candidates), dtype=bool)
    batch = [int(spread.argmax())]
    nearest = _distance(points, lengths, batch[0])
    scores = spread * nearest
    first = spread[batch[0]] * nearest.max()
    is_left[batch[0]] = False
    while len(batch) < min(batch_size, len(candidates)):
        wanted = np.where(is_left, scores, -1.0)
        tied = np.flatnonzero(wanted == wanted.max())
        chosen = int(tied[spread[tied].argmax()])
        batch.append(chosen)
        is_left[chosen] = False
        nearest = np.minimum(nearest, _distance(points, lengths, chosen))
        scores = np.where(is_left, spread * nearest, scores)
    scores[batch[0]] = first
    rest = np.flatnonzero(is_left)
    return scores, np.concatenate([batch, rest[np.lexsort((-spread[rest], -scores[rest]))]])


def standardized(descriptors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, n_column) columns of mean 0 and variance 1 per column; unknown values and constant columns are 0."""
    known = ~np.isnan(descriptors)
    count = np.maximum(known.sum(axis=0), 1)
    points = np.where(known, descriptors, 0.0)
    points = np.where(known, points - points.sum(axis=0) / count, 0.0)
    deviation = np.sqrt((points**2).sum(axis=0) / count)
    largest = np.abs(np.where(known, descriptors, 0.0)).max(axis=0, initial=0.0)
    varies = deviation > 1e-9 * largest
    weights = np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0) / np.sqrt(points.shape[1])
    return np.asarray(points * weights)


def _distance(points: NDArray[np.float64], lengths: NDArray[np.float64], chosen: int) -> NDArray[np.float64]:
    """Return (n,) distances to one point."""
    scale = lengths + lengths[chosen]
    squared = scale - 2.0 * (points @ points[chosen])
    return np.asarray(np.sqrt(np.where(squared > _ROUNDING * scale, squared, 0.0)))
