"""Random choice: the control that every strategy must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def score(
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],  # noqa: ARG001  one face for all strategies
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return (n,) scores, uniform on 0 to 1."""
    return rng.random(len(mean))
