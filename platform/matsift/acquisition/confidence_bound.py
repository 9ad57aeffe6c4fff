"""Confidence bound: label what the model hopes most of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.context import Candidates


def score(candidates: Candidates, kappa: float) -> NDArray[np.float64]:
    """Return (n,) scores, in the unit of the property: mean + kappa spread, or -mean + kappa spread to minimize.

    With kappa = 0 that is the greedy choice (Srinivas et al., ICML 2010, call the other one GP-UCB).
    """
    return candidates.direction * candidates.mean + kappa * candidates.spread
