"""What a learner says of each group that it was not trained on, and intervals that hold for whole new groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.learners import registry
from matsift.learners.calibration import FLOOR_SHARE, ConformalCalibration
from matsift.learners.group_splits import GroupedData, mapped, rmse, squared_correlation, trained


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Predictions, (n,) each, for rows whose group was left out of training; `y` and `groups` are those of the rows."""

    y: NDArray[np.float64]
    groups: NDArray[np.int64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    def metrics(self) -> dict[str, float]:
        """Return rmse, mae and r2 (squared correlation) over all rows."""
        return {
            "rmse": rmse(self.y, self.mean),
            "mae": float(np.abs(self.y - self.mean).mean()),
            "r2": squared_correlation(self.y, self.mean),
        }

    def calibration(self, coverage: float = 0.9) -> ConformalCalibration:
        """Return intervals for a further group, by `calibrate_groups` on all groups.

        The errors are those of models without the group, the intervals go around the model of all groups: the
        jackknife, whose coverage is close to the nominal one for a learner that one group hardly changes (Barber et al.
        2021, Ann. Stat. 49, 486).
        """
        return calibrate_groups(self.y, self.mean, self.spread, self.groups, coverage)

    def coverage(self, coverage: float = 0.9) -> float:
        """Return the share of rows that lie in the interval calibrated on all other groups."""
        inside = np.zeros(len(self.y), dtype=bool)
        for group in range(int(self.groups.max()) + 1):
            here = self.groups == group
            others = calibrate_groups(self.y[~here], self.mean[~here], self.spread[~here], self.groups[~here], coverage)
            lower, upper = others.interval(self.mean[here], self.spread[here])
            inside[here] = (lower <= self.y[here]) & (self.y[here] <= upper)
        return float(inside.mean())


def leave_one_group_out(
    kind: str, data: GroupedData, *, settings: Mapping[str, Any], seed: int = 0, n_worker: int = 1
) -> LeftOut:
    """Return what a learner says of each group when trained on all others; the result does not depend on `n_worker`.

    Raises
    ------
    UserInputError
        If the settings are wrong or the rows cannot be learned from.
    """
    filled = registry.validate_settings(kind, settings)
    payloads = [(kind, filled, data, group, seed) for group in range(data.n_group)]
    mean, spread = np.empty(len(data.y)), np.empty(len(data.y))
    for group, said in enumerate(mapped(prediction_of, payloads, n_worker)):
        mean[data.groups == group], spread[data.groups == group] = said
    return LeftOut(data.y, data.groups, mean, spread)


def prediction_of(
    payload: tuple[str, Mapping[str, Any], GroupedData, int, int],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and spread for the rows of one group: the target of the worker processes."""
    kind, settings, data, group, seed = payload
    here = data.groups == group
    said = trained(kind, settings, data, ~here, seed).predict(data.X[here])
    return said.mean, said.spread


def calibrate_groups(
    y: NDArray[np.float64],
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    groups: NDArray[np.int64],
    coverage: float,
) -> ConformalCalibration:
    """Return split-conformal intervals that hold all rows of a new group with at least the wanted coverage.

    Rows of one group are no independent draws, groups are: the score of a group is the largest of its rows.

    Parameters
    ----------
    y, mean, spread
        (n,) labels and what a model says of rows that it was not trained on.
    groups
        (n,) number of each row's group.
    coverage
        Wanted coverage, between 0 and 1.

    Raises
    ------
    UserInputError
        If the groups are too few for the coverage.
    """
    floor = FLOOR_SHARE * float(np.median(spread)) or 1.0
    scores = np.abs(y - mean) / (spread + floor)
    by_score = np.lexsort((-scores, groups))
    _, first = np.unique(groups[by_score], return_index=True)
    worst = by_score[first]
    return ConformalCalibration.fit(y[worst], mean[worst], spread[worst], coverage, floor=floor)
