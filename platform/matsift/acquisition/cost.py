"""Cost: what a label brings for what it costs, where the cost grows with the atoms of the cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition import improvement
from matsift.acquisition.context import Candidates
from matsift.study.strategies import CostAware


def log_score(candidates: Candidates, settings: CostAware, best: float) -> NDArray[np.float64]:
    """Return (n,) log of gain / n_site ** exponent, of the number in the unit of the property.

    The cost is that of a plane-wave calculation, which grows with the cube of the electrons for large cells.
    """
    if settings.gain == "spread":
        with np.errstate(divide="ignore"):
            gain = np.log(candidates.spread)
    else:
        gain = improvement.log_expected(candidates, best)
    return gain - settings.exponent * np.log(candidates.n_site)
