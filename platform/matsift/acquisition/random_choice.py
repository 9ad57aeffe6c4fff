"""Random choice: the control that every strategy must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.context import Candidates


def score(candidates: Candidates, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (n,) scores, uniform on 0 to 1."""
    return rng.random(len(candidates))
