"""Improvement: how much, or how surely, a candidate surpasses what is known, for a normal prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

from matsift.acquisition.context import Candidates

#: Below this many spreads under the bar, a series takes the place of a difference that no digits are left of.
_FAR = -1e4


def standardized(candidates: Candidates, bar: float) -> NDArray[np.float64]:
    """Return (n,) by how many spreads the mean is better than a bar: -inf, 0 or inf where the spread is 0."""
    ahead = candidates.direction * (candidates.mean - bar)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(ahead == 0.0, 0.0, ahead / candidates.spread)


def probability(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) probabilities that a candidate surpasses the bar from which it is `u` spreads ahead."""
    return np.asarray(ndtr(u))


def log_expected(candidates: Candidates, bar: float) -> NDArray[np.float64]:
    """Return (n,) log of the expected improvement over a bar, of the number in the unit of the property.

    The improvement is E[max(y - bar, 0)], with the sign turned to minimize: spread (phi(u) + u Phi(u)) with u from
    `standardized` (Jones, Schonlau & Welch, J. Global Optim. 13, 455, 1998). The logarithm tells candidates apart whose
    improvement is smaller than any number (Ament et al., NeurIPS 2023); -inf where there is none at all.
    """
    u = standardized(candidates, bar)
    certain = candidates.spread == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        sure = np.log(np.maximum(candidates.direction * (candidates.mean - bar), 0.0))
        return np.where(certain, sure, np.log(candidates.spread) + _log_h(np.where(certain, 0.0, u)))


def _log_h(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log(phi(u) + u Phi(u)), the log of the expected improvement of a spread of 1."""
    density = -0.5 * u**2 - 0.5 * np.log(2.0 * np.pi)
    near, middle = np.maximum(u, -1.0), np.clip(u, _FAR, -1.0)
    plain = np.log(np.exp(-0.5 * near**2) / np.sqrt(2.0 * np.pi) + near * ndtr(near))
    left = 1.0 + middle * np.sqrt(np.pi / 2.0) * erfcx(-middle / np.sqrt(2.0))
    series = -2.0 * np.log(np.maximum(-u, 1.0))
    return np.asarray(np.where(u > -1.0, plain, density + np.where(u > _FAR, np.log(left), series)))
