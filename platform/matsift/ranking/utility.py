"""What a candidate is worth on the average over all that its values may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from matsift.ranking.objectives import Estimates, Objective

_ENDS = (0.05, 0.95)  # quantiles of the candidates between which worth runs from 0 to 1
_NO_CHANCE = 1e-12
_ROOT_OF_TWO_PI = float(np.sqrt(2 * np.pi))


def scale_of(objective: Objective, estimate: Estimates) -> tuple[float, float]:
    """Return the values of no worth and of full worth: those of the study, or quantiles of the candidates."""
    if objective.scale is not None:
        return objective.scale
    finite = estimate.mean[np.isfinite(estimate.mean)]
    if not len(finite):
        return 0.0, 0.0
    low, high = (float(value) for value in np.quantile(finite, _ENDS))
    return (low, high) if objective.goal == "maximize" else (high, low)


def expected_worth(objective: Objective, estimate: Estimates, scale: tuple[float, float]) -> NDArray[np.float64]:
    """Return (n,) the worth between 0 and 1 that an objective brings on the average, given that its threshold is met.

    Worth rises in a straight line from 0 at the first end of `scale` to 1 at the second, and stays there. NaN where the
    value is unknown; an infinite value is worth 0, or 1 where large ones are good.
    """
    worst, best = (objective.sign * end for end in scale)
    mean = objective.sign * np.where(np.isinf(estimate.mean), np.nan, estimate.mean)
    least = -np.inf if objective.threshold is None else objective.sign * objective.threshold
    certain = _worth(np.maximum(mean, least), worst, best)
    spreads = estimate.deviation > 0
    deviation = np.where(spreads, estimate.deviation, 1.0)
    chance = ndtr((mean - least) / deviation)
    hoped = _truncated(mean, deviation, worst, best, least) / np.maximum(chance, _NO_CHANCE)
    worth = np.where(spreads & (chance > _NO_CHANCE), hoped, certain)
    at_infinity = 1.0 if objective.goal == "maximize" else 0.0
    return np.where(np.isinf(estimate.mean), at_infinity, np.clip(worth, 0.0, 1.0))


def expected_utility(
    objectives: Sequence[Objective], worths: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) the expected utility: 0 where a threshold is missed, else the weighted mean of the worths.

    Parameters
    ----------
    objectives
        Their weights count.
    worths
        (n, n_objective), each given that its own threshold is met. For independent objectives the product with the
        chance is exact; with correlated ones it leaves out what the others' thresholds tell of an objective.
    chance
        (n,) that all thresholds are met; 1 where there is none.
    """
    weights = np.array([objective.weight for objective in objectives])
    return np.asarray(chance * (worths @ weights) / weights.sum())


def _worth(values: NDArray[np.float64], worst: float, best: float) -> NDArray[np.float64]:
    if best == worst:
        return np.where(np.isnan(values), np.nan, (values >= best).astype(np.float64))
    return np.asarray(np.clip((values - worst) / (best - worst), 0.0, 1.0))


def _truncated(
    mean: NDArray[np.float64], deviation: NDArray[np.float64], worst: float, best: float, least: float
) -> NDArray[np.float64]:
    """Return (n,) the mean of the worth of normal values, those below `least` counted as 0."""
    full = ndtr((mean - max(best, least)) / deviation)
    start = max(worst, least)
    if start >= best:
        return np.asarray(full)
    low, high = (start - mean) / deviation, (best - mean) / deviation
    between = ndtr(high) - ndtr(low)
    ramp = ((mean - worst) * between - deviation * (_density(high) - _density(low))) / (best - worst)
    return np.asarray(full + ramp)


def _density(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-(values**2) / 2) / _ROOT_OF_TWO_PI
