"""What a point of the latent space is worth asking for, and how that changes with mean and spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from matsift.generative.search.settings import Acquisition

Floats = NDArray[np.float64]

_ROOT_2PI = float(np.sqrt(2.0 * np.pi))
#: So many spreads away, a normal number has no probability left.
_FAR = 1e3


@dataclass(frozen=True)
class Utility:
    """An acquisition function, of labels of which large ones are good.

    Parameters
    ----------
    kind
        Upper confidence bound: mean + kappa spread. Expected improvement: E[max(y - best - xi, 0)]. Probability of
        improvement: P(y > best + xi); y is normal about the mean.
    kappa
        Weight of the spread.
    best
        Largest label so far.
    xi
        Improvements count from this on, in the unit of the labels.
    """

    kind: Acquisition
    kappa: float = 0.0
    best: float = 0.0
    xi: float = 0.0

    def value(self, mean: ArrayLike, spread: ArrayLike) -> Floats:
        """Return (n,) worths; an improvement, where the spread is 0, is what the mean alone makes of it."""
        m, s = np.asarray(mean, dtype=np.float64), np.asarray(spread, dtype=np.float64)
        if self.kind == "upper_confidence_bound":
            return np.asarray(m + self.kappa * s)
        ahead = m - self.best - self.xi
        u = self._standardized(ahead, s)
        if self.kind == "probability_of_improvement":
            return np.asarray(ndtr(u))
        certain = s == 0.0
        normal = np.where(certain, 0.0, u)
        expected = ahead * ndtr(normal) + s * np.exp(-0.5 * normal**2) / _ROOT_2PI
        return np.maximum(np.where(certain, ahead, expected), 0.0)

    def slopes(self, mean: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """Return (n,) derivatives of the worths by mean and by spread; 0 by the spread where that is 0."""
        if self.kind == "upper_confidence_bound":
            return np.ones_like(mean), np.full_like(mean, self.kappa)
        ahead = mean - self.best - self.xi
        certain = spread == 0.0
        u = np.where(certain, 0.0, self._standardized(ahead, spread))
        density = np.where(certain, 0.0, np.exp(-0.5 * u**2) / _ROOT_2PI)
        if self.kind == "expected_improvement":
            return np.where(certain, (ahead > 0.0).astype(float), ndtr(u)), density
        per_spread = density / np.where(certain, 1.0, spread)
        return per_spread, -u * per_spread

    @staticmethod
    def _standardized(ahead: Floats, spread: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(ahead == 0.0, 0.0, np.clip(ahead / spread, -_FAR, _FAR))
