"""Exploration: label where the members disagree most (paper 001)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.context import Candidates


def score(candidates: Candidates) -> NDArray[np.float64]:
    """Return (n,) scores: the spread itself, in the unit of the property."""
    return candidates.spread.copy()
