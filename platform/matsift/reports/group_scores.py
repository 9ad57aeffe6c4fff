"""Metrics of members and ensemble on held-out structures, with their intervals over the validation sets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy import int64
from numpy.typing import NDArray

from matsift.diffraction.metrics import GroupMetrics, Interval, confusion_matrix
from matsift.reports.space_groups import GroupScore

IntArray = NDArray[int64]

METRICS = ("precision", "recall", "f1", "accuracy")


def group_scores(
    model: str,
    subset: str,
    *,
    true: IntArray,
    predicted: IntArray,
    member_predicted: IntArray,
    folds: IntArray,
    nearest: Mapping[str, float] | None = None,
) -> tuple[GroupScore, ...]:
    """Return a score a metric: means over the validation sets, half widths of their 95 % intervals.

    Parameters
    ----------
    model, subset
        What they are called.
    true, predicted
        (n,) space group numbers, predicted those of the ensemble.
    member_predicted
        (n, m) those of its members.
    folds
        (n,) number of each item's validation set; one set of equal numbers gives no interval.
    nearest
        Metric -> that of the nearest neighbour on bins, where it was computed.
    """
    if not len(true):
        return ()
    sets = [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
    ensemble = [_metrics(true[rows], predicted[rows]) for rows in sets]
    members = [[_metrics(true[rows], one[rows]) for rows in sets] for one in member_predicted.T]
    specific = [{name: float(np.mean([m[k][name] for m in members])) for name in METRICS} for k in range(len(sets))]
    return tuple(
        GroupScore(
            model,
            subset,
            name,
            ensemble=Interval.of([said[name] for said in ensemble]).mean,
            members=tuple(float(np.mean([said[name] for said in one])) for one in members),
            n_row=len(true),
            ensemble_half_width=_half_width([said[name] for said in ensemble]),
            members_half_width=_half_width([said[name] for said in specific]),
            nearest=None if nearest is None else nearest.get(name),
        )
        for name in METRICS
    )


def _metrics(true: IntArray, predicted: IntArray) -> dict[str, float]:
    groups = np.union1d(true, predicted)
    matrix = confusion_matrix(np.searchsorted(groups, true), np.searchsorted(groups, predicted), len(groups))
    return GroupMetrics.of(matrix).plain()


def _half_width(values: list[float]) -> float | None:
    if len(values) < 2:
        return None
    interval = Interval.of(values)
    return (interval.high - interval.low) / 2
