"""Coordinates of the GPR-NN: the columns themselves, then directions of a Sobol sequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError

#: Stored with a model: other direction numbers give other points from the third dimension on.
GENERATOR = "scipy.stats.qmc.Sobol, Joe-Kuo direction numbers, unscrambled, without the first point"


def coordinate_rows(n_feature: int, added: int) -> NDArray[np.float64]:
    """Return the (N, n_feature) rows of W, the directions of the coordinates y = W x.

    The rows of the identity come first, then the points 2, 3, ... of a Sobol sequence; a negative number of added
    rows reduces the dimension instead: the rows are then n_feature + `added` Sobol points alone
    (`sergeimanzhos/optGPRNN`, NNviaHDMRGPR_prod.m).

    Raises
    ------
    UserInputError
        If nothing is left.
    """
    if added <= -n_feature:
        raise UserInputError(f"{n_feature} columns with {added} coordinates leave none; raise added_coordinates")
    n_sobol = added if added >= 0 else n_feature + added
    rows = [np.eye(n_feature)] if added >= 0 else []
    if n_sobol:
        from scipy.stats import qmc  # noqa: PLC0415  half a second, and most models have no such rows

        points = qmc.Sobol(n_feature, scramble=False).random_base2(int(n_sobol).bit_length())
        rows.append(points[1 : n_sobol + 1])
    return np.vstack(rows)
