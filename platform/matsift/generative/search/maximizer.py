"""The best point of a box under an acquisition function, as bayesian-optimization looks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from matsift.generative.search.acquisition import Utility
from matsift.generative.search.gaussian_process import GaussianProcess
from matsift.generative.search.settings import BoxSettings

Floats = NDArray[np.float64]

#: Points judged at once: bounds the memory that kernels of many random points take.
_CHUNK = 2048
#: A worth counts as no smaller than this above that of a point that does not decode.
_LEAST = 1e-9


@dataclass(frozen=True)
class DecodingWeight:
    """A second wish of a climb, that a point decodes.

    Parameters
    ----------
    slopes
        (m, d) points -> (m,) logarithm of the probability that they decode, and its (m, d) gradient.
    power
        Of the probability beside the worth.
    floor
        Worth of a point that does not decode; only what is worth more counts.
    """

    slopes: Callable[[Floats], tuple[Floats, Floats]]
    power: float
    floor: float


def best_points(
    process: GaussianProcess,
    utility: Utility,
    bounds: Floats,
    settings: BoxSettings,
    rng: np.random.Generator,
    decoding: DecodingWeight | None = None,
) -> tuple[Floats, Floats]:
    """Return points of the box and their worths, the best first: all random ones and what the climbs ended at.

    bayesian-optimization 1.2.0 takes the first: `n_random` uniform points, then L-BFGS-B from `n_climb` others. Its
    climbs take gradients by differences, 129 evaluations each in 128 dimensions; ours are exact, and all climbs
    share one run of L-BFGS-B that maximises the sum of their worths, as BoTorch's do.

    Parameters
    ----------
    process
        Posterior of the property, large values good.
    bounds
        (d, 2) lower and upper end of the box along each direction.
    rng
        Source of the random points.
    decoding
        What else climbs regard; the worths that are returned are those of the property alone.

    Returns
    -------
    (m, d) points inside the box and (m,) worths, in falling order; equal worths keep the order in which they came.
    """
    low, high = bounds[:, 0], bounds[:, 1]
    random = rng.uniform(low, high, size=(settings.n_random, len(bounds)))
    worths = [utility.value(*process.predict(random[at : at + _CHUNK])) for at in range(0, settings.n_random, _CHUNK)]
    points = random
    if settings.n_climb:
        ends = climb(
            process,
            utility,
            rng.uniform(low, high, (settings.n_climb, len(bounds))),
            bounds,
            settings.max_step,
            decoding,
        )
        points = np.concatenate([random, ends])
        worths.append(utility.value(*process.predict(ends)))
    values = np.concatenate(worths)
    order = np.argsort(-values, kind="stable")
    return points[order], values[order]


def climb(
    process: GaussianProcess,
    utility: Utility,
    starts: Floats,
    bounds: Floats,
    max_step: int,
    decoding: DecodingWeight | None = None,
) -> Floats:
    """Return the (m, d) points where L-BFGS-B ends from (m, d) points of the box.

    With `decoding`, what is maximised is log(worth - floor) + power log P: the logarithm keeps a slope towards what
    decodes where P itself is too small to have one.
    """
    shape = starts.shape

    def downhill(flat: Floats) -> tuple[float, Floats]:
        points = flat.reshape(shape)
        mean, spread, d_mean, d_spread = process.slopes(points)
        by_mean, by_spread = utility.slopes(mean, spread)
        uphill = by_mean[:, None] * d_mean + by_spread[:, None] * d_spread
        worth = utility.value(mean, spread)
        if decoding is not None:
            above = np.maximum(worth - decoding.floor, _LEAST)
            log_probability, slope = decoding.slopes(points)
            uphill = np.where((above > _LEAST)[:, None], uphill / above[:, None], 0.0) + decoding.power * slope
            worth = np.log(above) + decoding.power * log_probability
        return -float(worth.sum()), -uphill.ravel()

    box = np.tile(bounds, (len(starts), 1))
    found = minimize(downhill, starts.ravel(), jac=True, bounds=box, method="L-BFGS-B", options={"maxiter": max_step})
    return np.asarray(np.clip(found.x.reshape(shape), bounds[:, 0], bounds[:, 1]))
