"""The band gap of eigenvalues and occupations on a mesh of k-points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: A band this far from empty and from full is partly filled; smearing alone leaves less in an insulator.
_PARTLY = 0.1


def band_gap(channels: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float | None:
    """Return the gap between occupied and empty bands: 0 for a metal, None if either are lacking or no numbers.

    Parameters
    ----------
    channels
        For each spin energies and occupations (0 to 1), each (n_k, n_band). A band that is partly filled, or occupied
        at one k-point and empty at another, makes a metal, also where a coarse mesh leaves a gap between the two.
    """
    tops, bottoms = [], []
    for energies, occupations in channels:
        if not np.isfinite(energies).all():
            return None
        occupied = occupations > 0.5
        if len(np.unique(occupied.sum(axis=1))) > 1 or (np.abs(occupations - occupied) > _PARTLY).any():
            return 0.0
        if occupied.any():
            tops.append(float(energies[occupied].max()))
        if not occupied.all():
            bottoms.append(float(energies[~occupied].min()))
    if not tops or not bottoms:
        return None
    return max(0.0, min(bottoms) - max(tops))
