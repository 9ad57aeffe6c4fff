"""What ensembles say of items they were not trained on, measured as the paper does, and what the sets promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.repro_002.task import Items
from numpy.typing import NDArray

from matsift.diffraction.certainty import Certainty
from matsift.diffraction.ensemble import GroupPrediction
from matsift.diffraction.group_relations import relation, same_crystal_system, same_lines
from matsift.diffraction.metrics import (
    GroupMetrics,
    Interval,
    VolumeError,
    confusion_matrix,
    ensemble_metrics,
    intervals,
    specific_metrics,
    top_k_share,
)

METRICS = ("precision", "recall", "f1")


@dataclass(frozen=True, eq=False)
class Found:
    """Metrics of one ensemble on validation items, one entry a validation set; volume errors are over all items.

    `by_lines` is the share of answers whose lines stand where those of the true group do: what places alone can tell.
    """

    ensemble: list[GroupMetrics]
    specific: list[GroupMetrics]
    top_5: list[float]
    by_lines: list[float]
    volume: VolumeError | None
    specific_volume: float | None

    def interval(self, metric: str, of: str = "ensemble") -> Interval:
        """Return a metric's mean over the sets with its 95 % interval."""
        return intervals(getattr(self, of))[metric]


def found_by(said: GroupPrediction, items: Items, sets: NDArray[np.int64], groups: Sequence[int]) -> Found:
    """Return the metrics of an ensemble on the items of several sets."""
    ensemble, specific, top_5, by_lines = [], [], [], []
    told = np.array(groups)[said.probabilities.argmax(axis=1)]
    same = np.array([same_lines(int(true), int(one)) for true, one in zip(items.groups, told, strict=True)])
    for number in np.unique(sets):
        rows = np.flatnonzero(sets == number)
        part = GroupPrediction(said.probabilities[rows], said.members[:, rows])
        ensemble.append(ensemble_metrics(part, items.classes[rows]))
        specific.append(specific_metrics(part, items.classes[rows])[0])
        top_5.append(top_k_share(part.probabilities, items.classes[rows], 5))
        by_lines.append(float(same[rows].mean()))
    if said.volume is None or said.member_volumes is None:
        return Found(ensemble, specific, top_5, by_lines, None, None)
    single = [VolumeError.of(volumes, items.volumes).median_absolute for volumes in said.member_volumes]
    volume = VolumeError.of(said.volume, items.volumes)
    return Found(ensemble, specific, top_5, by_lines, volume, float(np.mean(single)))


def of_classes(predicted: NDArray[np.int64], items: Items, sets: NDArray[np.int64], n_class: int) -> list[GroupMetrics]:
    """Return the metrics of answers without probabilities, one entry a validation set."""
    return [
        GroupMetrics.of(confusion_matrix(items.classes[sets == number], predicted[sets == number], n_class))
        for number in np.unique(sets)
    ]


def difference(first: list[GroupMetrics], second: list[GroupMetrics], metric: str) -> Interval:
    """Return by how much the first is above the second on the same sets."""
    return Interval.of([getattr(a, metric) - getattr(b, metric) for a, b in zip(first, second, strict=True)])


def of_first(said: GroupPrediction, n: int) -> GroupPrediction:
    """Return what the first n members say alone."""
    volumes = None if said.member_volumes is None else said.member_volumes[:n]
    volume = None if volumes is None else np.exp(np.log(volumes).mean(axis=0))
    return GroupPrediction(said.members[:n].mean(axis=0), said.members[:n], volume, None, volumes)


@dataclass(frozen=True)
class SetsKept:
    """Of sets made to hold the true group 90 % of the time, each calibrated on the other validation sets.

    `covered` is how often they do, `size` their mean size, `sure` the share of items with one sure group, `sure_right`
    how many of those are right; `temperature` is the mean over the calibrations.
    """

    covered: Interval
    size: float
    sure: float
    sure_right: float
    temperature: float


def sets_kept(said: GroupPrediction, items: Items, sets: NDArray[np.int64]) -> SetsKept:
    """Return what sets calibrated on all validation sets but one do on that one, over all of them."""
    covered, temperatures = [], []
    size, sure, right = np.zeros(len(items)), np.zeros(len(items), dtype=bool), np.zeros(len(items), dtype=bool)
    for number in np.unique(sets):
        asked = sets == number
        certainty = Certainty.fit(said.probabilities[~asked], items.classes[~asked])
        chosen = certainty.sets(said.probabilities[asked])
        size[asked] = chosen.sum(axis=1)
        covered.append(float(chosen[np.arange(len(chosen)), items.classes[asked]].mean()))
        sure[asked] = certainty.sure(said.probabilities[asked])
        right[asked] = said.probabilities[asked].argmax(axis=1) == items.classes[asked]
        temperatures.append(certainty.temperature)
    return SetsKept(
        Interval.of(covered),
        float(size.mean()),
        float(sure.mean()),
        float(right[sure].mean()) if sure.any() else 0.0,
        float(np.mean(temperatures)),
    )


def wrong_answers(said: GroupPrediction, items: Items, groups: tuple[int, ...]) -> dict[str, float]:
    """Return shares of the wrong answers: by relation to the true group, and in its crystal system."""
    predicted = np.array(groups)[said.probabilities.argmax(axis=1)]
    pairs = [(int(a), int(b)) for a, b in zip(items.groups, predicted, strict=True) if a != b]
    counted = Counter(relation(true, told) for true, told in pairs)
    shares = {name: counted[name] / max(1, len(pairs)) for name in ("subgroup", "supergroup", "both", "unrelated")}
    return {**shares, "same crystal system": sum(same_crystal_system(*pair) for pair in pairs) / max(1, len(pairs))}
