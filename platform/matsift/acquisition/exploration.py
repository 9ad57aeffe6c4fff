"""Exploration: label where the members disagree most (paper 001)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def score(
    mean: NDArray[np.float64],  # noqa: ARG001  one face for all strategies
    spread: NDArray[np.float64],
    rng: np.random.Generator,  # noqa: ARG001
) -> NDArray[np.float64]:
    """Return (n,) scores: the spread itself, in the unit of the property."""
    return spread.copy()
