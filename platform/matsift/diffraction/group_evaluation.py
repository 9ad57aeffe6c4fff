"""Rows of an evaluation of an ensemble by held-out items: every metric of `metrics` by subset and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.certainty import Certainty
from matsift.diffraction.ensemble import GroupPrediction
from matsift.diffraction.metrics import (
    GroupMetrics,
    Interval,
    VolumeError,
    confusion_matrix,
    ensemble_metrics,
    specific_metrics,
)

#: Subset of the means over the validation sets, with the ends of their 95 % intervals.
OVER_SETS = "validation_sets"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """n items that an ensemble was not trained on, and what was said of them.

    Parameters
    ----------
    classes
        (n,), true class.
    said
        By the ensemble.
    volumes
        (n,), true volumes of the primitive cells in angstrom3, or None.
    nearest
        (n,), class of the nearest training profile, or None.
    """

    classes: NDArray[np.int64]
    said: GroupPrediction
    volumes: NDArray[np.float64] | None = None
    nearest: NDArray[np.int64] | None = None

    def take(self, rows: NDArray[np.bool_]) -> HeldOut:
        """Return some of the items."""
        said, volume = self.said, self.said.volume
        return HeldOut(
            self.classes[rows],
            GroupPrediction(said.probabilities[rows], said.members[:, rows], None if volume is None else volume[rows]),
            None if self.volumes is None else self.volumes[rows],
            None if self.nearest is None else self.nearest[rows],
        )


def evaluated(
    held_out: HeldOut, certainty: Certainty | None = None, *, sets: NDArray[np.int64] | None = None
) -> dict[str, dict[str, float]]:
    """Return value by name by subset: "validation" of all items, and with sets also those of each and over them.

    Parameters
    ----------
    held_out
        The items.
    certainty
        Of the ensemble: adds how often its sets hold the true group, how large they are, and how often it is sure.
    sets
        (n,), number of the validation set of each item, for the subsets "validation_1", ... and "validation_sets".
    """
    rows = {"validation": {**_all(held_out), **_certainty(held_out, certainty)}}
    if sets is None:
        return rows
    each = {f"validation_{number}": _all(held_out.take(sets == number)) for number in np.unique(sets)}
    return {**rows, **each, OVER_SETS: _over_sets(list(each.values()))}


def _all(held_out: HeldOut) -> dict[str, float]:
    said, classes = held_out.said, held_out.classes
    values = dict(ensemble_metrics(said, classes).plain())
    values |= _named("specific", specific_metrics(said, classes)[0])
    if held_out.nearest is not None:
        matrix = confusion_matrix(classes, held_out.nearest, said.probabilities.shape[1])
        values |= _named("nearest", GroupMetrics.of(matrix))
    if held_out.volumes is not None and said.volume is not None:
        values |= VolumeError.of(said.volume, held_out.volumes).plain()
    return values


def _named(prefix: str, metrics: GroupMetrics) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in metrics.plain().items()}


def _certainty(held_out: HeldOut, certainty: Certainty | None) -> dict[str, float]:
    if certainty is None:
        return {}
    classes, probabilities = held_out.classes, held_out.said.probabilities
    items = np.arange(len(classes))
    sets, sure = certainty.sets(probabilities), certainty.sure(probabilities)
    scaled = certainty.scaled(probabilities)
    values = {
        "set_coverage": float(sets[items, classes].mean()),
        "set_size": float(sets.sum(axis=1).mean()),
        "sure_fraction": float(sure.mean()),
        "log_loss": float(-np.log(np.maximum(scaled[items, classes], 1e-12)).mean()),
    }
    if sure.any():
        values["sure_accuracy"] = float((scaled.argmax(axis=1) == classes)[sure].mean())
    return values


def _over_sets(each: list[Mapping[str, float] | dict[str, float]]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name in each[0]:
        interval = Interval.of([of_set[name] for of_set in each])
        values[name] = interval.mean
        if not name.startswith("volume"):
            values |= {f"{name}_lower": interval.low, f"{name}_upper": interval.high}
    return values
