"""What paper 002 measures: confusion, macro precision, recall and F, members against their ensemble, volume quartiles.

Intervals are those of Student's t over the five validation sets, one value a set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from matsift.diffraction.ensemble import GroupPrediction
from matsift.errors import UserInputError


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, n_class: int) -> NDArray[np.int64]:
    """Return (C, C) counts M_ij of items of class i that were taken for class j.

    Raises
    ------
    UserInputError
        If lengths disagree or a class is not 0 to C - 1.
    """
    rows, columns = np.asarray(true, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if rows.shape != columns.shape:
        raise UserInputError(f"{rows.size} true classes need as many predicted ones, not {columns.size}")
    if rows.size and not (min(rows.min(), columns.min()) >= 0 and max(rows.max(), columns.max()) < n_class):
        raise UserInputError(f"classes are numbered from 0 to {n_class - 1}")
    matrix = np.zeros((n_class, n_class), dtype=np.int64)
    np.add.at(matrix, (rows, columns), 1)
    return matrix


@dataclass(frozen=True)
class GroupMetrics:
    """Means over the classes that have items, each 0 to 1; the accuracy is the share of all items that are right.

    A class that nothing was taken for has a precision of 0.
    """

    precision: float
    recall: float
    f1: float
    accuracy: float

    @classmethod
    def of(cls, matrix: NDArray[np.int64], beta: float = 1.0) -> GroupMetrics:
        """Return the means of a confusion matrix; `f1` is F_beta of each class, then their mean.

        Raises
        ------
        UserInputError
            If the matrix has no items.
        """
        if not matrix.sum():
            raise UserInputError("there are no items to measure by")
        precision, recall, f = by_class(matrix, beta)
        there = matrix.sum(axis=1) > 0
        right = float(np.trace(matrix) / matrix.sum())
        return cls(float(precision[there].mean()), float(recall[there].mean()), float(f[there].mean()), right)

    def plain(self) -> dict[str, float]:
        """Return the metrics by name."""
        return asdict(self)


def by_class(
    matrix: NDArray[np.int64], beta: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return precision, recall and F_beta (C,) of each class; 0 where there is nothing to divide by."""
    right = np.diag(matrix).astype(np.float64)
    precision = right / np.maximum(matrix.sum(axis=0), 1)
    recall = right / np.maximum(matrix.sum(axis=1), 1)
    below = beta**2 * precision + recall
    return precision, recall, (1 + beta**2) * precision * recall / np.where(below > 0, below, 1.0)


def ensemble_metrics(said: GroupPrediction, classes: ArrayLike) -> GroupMetrics:
    """Return the metrics of the averaged probabilities: the paper's ensemble mean."""
    return _metrics(said.probabilities, classes)


def specific_metrics(said: GroupPrediction, classes: ArrayLike) -> tuple[GroupMetrics, list[GroupMetrics]]:
    """Return the mean over the members of each metric, the paper's specific mean, and the metrics of each member."""
    members = [_metrics(probabilities, classes) for probabilities in said.members]
    names = members[0].plain()
    return GroupMetrics(**{name: float(np.mean([getattr(m, name) for m in members])) for name in names}), members


def _metrics(probabilities: NDArray[np.float64], classes: ArrayLike) -> GroupMetrics:
    matrix = confusion_matrix(classes, probabilities.argmax(axis=1), probabilities.shape[1])
    return GroupMetrics.of(matrix)


def top_k_share(probabilities: NDArray[np.float64], classes: ArrayLike, k: int) -> float:
    """Return the share of items whose true class is among the k most probable."""
    return float((ranks(probabilities, classes) <= k).mean())


def ranks(probabilities: NDArray[np.float64], classes: ArrayLike) -> NDArray[np.int64]:
    """Return the rank (1 the best) of the true class of each item; of equal probabilities it has the last place."""
    labels = np.asarray(classes, dtype=np.int64)
    own = probabilities[np.arange(len(labels)), labels]
    return np.asarray((probabilities >= own[:, None]).sum(axis=1), dtype=np.int64)


@dataclass(frozen=True)
class Interval:
    """A mean over the validation sets with its 95 % interval, which has no width where there is one set."""

    mean: float
    low: float
    high: float
    n_set: int

    @classmethod
    def of(cls, values: Sequence[float], coverage: float = 0.95) -> Interval:
        """Return the interval of Student's t of one value a set."""
        numbers = np.asarray(values, dtype=np.float64)
        mean, n = float(numbers.mean()), len(numbers)
        if n < 2:
            return cls(mean, mean, mean, n)
        half = float(student.ppf(0.5 + coverage / 2, n - 1)) * float(numbers.std(ddof=1)) / math.sqrt(n)
        return cls(mean, mean - half, mean + half, n)

    def apart(self, other: Interval) -> bool:
        """Return whether the two intervals have no point in common."""
        return self.low > other.high or other.low > self.high

    def __str__(self) -> str:
        """Return mean and half width in percent."""
        return f"{self.mean:.1%} ± {(self.high - self.low) / 2:.1%}"


def intervals(metrics: Sequence[GroupMetrics], coverage: float = 0.95) -> dict[str, Interval]:
    """Return the interval of each metric by name, from the metrics of each validation set."""
    return {name: Interval.of([getattr(m, name) for m in metrics], coverage) for name in metrics[0].plain()}


@dataclass(frozen=True)
class VolumeError:
    """How far predicted volumes V' are from the true V: of V'/V - 1, and of its amount; tails are those of Cauchy."""

    median: float
    lower_quartile: float
    upper_quartile: float
    median_absolute: float
    n: int

    @classmethod
    def of(cls, predicted: ArrayLike, true: ArrayLike) -> VolumeError:
        """Return the errors of volumes in one unit.

        Raises
        ------
        UserInputError
            If there are none.
        """
        error = np.asarray(predicted, dtype=np.float64) / np.asarray(true, dtype=np.float64) - 1
        if not error.size:
            raise UserInputError("there are no volumes to measure by")
        low, middle, high = (float(x) for x in np.quantile(error, [0.25, 0.5, 0.75]))
        return cls(middle, low, high, float(np.median(np.abs(error))), error.size)

    def plain(self) -> dict[str, float]:
        """Return the errors by the names of rows of an evaluation."""
        return {
            "volume_error_median": self.median,
            "volume_error_lower": self.lower_quartile,
            "volume_error_upper": self.upper_quartile,
            "volume_absolute_error_median": self.median_absolute,
        }


def set_metrics(said: GroupPrediction, classes: ArrayLike, sets: ArrayLike) -> Mapping[str, dict[str, Interval]]:
    """Return the intervals over the validation sets of "ensemble" and "specific" metrics.

    Parameters
    ----------
    said
        For all items of all sets.
    classes, sets
        (n,), true class and number of the set of each item.
    """
    labels, numbers = np.asarray(classes, dtype=np.int64), np.asarray(sets)
    ensemble, specific = [], []
    for number in np.unique(numbers):
        rows = numbers == number
        part = GroupPrediction(said.probabilities[rows], said.members[:, rows])
        ensemble.append(ensemble_metrics(part, labels[rows]))
        specific.append(specific_metrics(part, labels[rows])[0])
    return {"ensemble": intervals(ensemble), "specific": intervals(specific)}
