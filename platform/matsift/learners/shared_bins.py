"""Descriptors binned once, for the many trainings of a simulated campaign."""

from __future__ import annotations

import lightgbm
import numpy as np
from numpy.typing import NDArray

from matsift.learners.lightgbm_ensemble import LightGbmSettings, boost

#: LightGBM keeps the bins of a crystal side by side; it adds up the same numbers in the same order, only faster.
_LAYOUT = {"force_col_wise": False, "force_row_wise": True}


class SharedBins:
    """The bins of all rows that may ever train, from which members take the rows that they draw.

    The borders of the bins follow all of these rows, labelled or not, where a member on its own has those of its draw.
    Predictions differ from those of `lightgbm_ensemble.train_member` nearly as much as those of another seed, though
    they are no worse, and not at all where both saw the same rows. No label enters the bins.

    Parameters
    ----------
    X
        (n, n_column) descriptors, NaN where unknown.
    settings
        Settings of the ensemble.
    """

    def __init__(self, X: NDArray[np.float64], settings: LightGbmSettings) -> None:
        self._settings = settings
        no_label = np.zeros(len(X))
        self._all = lightgbm.Dataset(X, no_label, params=settings.booster_parameters(0) | _LAYOUT).construct()

    def train_member(self, positions: NDArray[np.int64], y: NDArray[np.float64], seed: int) -> str:
        """Return one member as LightGBM text.

        Parameters
        ----------
        positions
            (n,) rows that are labelled, ascending.
        y
            (n,) their labels, in the unit of the property.
        seed
            Seed of the draw and of the boosting.
        """

        def binned(rows: NDArray[np.int64], targets: NDArray[np.float64]) -> lightgbm.Dataset:
            return self._all.subset(positions[rows].tolist()).construct().set_label(targets)

        return boost(binned, y, self._settings, seed, **_LAYOUT)
