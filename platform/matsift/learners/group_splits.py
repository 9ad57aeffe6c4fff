"""One learner over many random splits that keep groups (compositions) whole: statistics of its errors on both sides."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import MatsiftError, UserInputError
from matsift.execution.killable import KillablePool
from matsift.learners import registry
from matsift.learners.prediction import FittedModel, checked_features, member_seeds
from matsift.learners.splits import group_numbers

#: What a table of errors says of each measure, in its order.
STATISTICS: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "max": np.max,
    "min": np.min,
    "median": np.median,
    "mean": np.mean,
    "std": np.std,
}
MEASURES = ("rmse_train", "rmse_test", "r2_train", "r2_test")
_TIME_LIMIT_S = 3600.0

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class GroupedData:
    """Rows to split: X (n, n_feature), y (n,), the group of each row, numbered from 0, and the names of the columns."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    groups: NDArray[np.int64]
    feature_names: tuple[str, ...]

    @classmethod
    def of(cls, X: ArrayLike, y: ArrayLike, groups: Sequence[Hashable], feature_names: Sequence[str]) -> GroupedData:
        """Return checked rows; `groups` are (n,) of any kind, a reduced formula for example.

        Raises
        ------
        UserInputError
            If shapes disagree, a descriptor is infinite or there are fewer than two groups.
        """
        rows, labels = checked_features(X, feature_names), np.ascontiguousarray(y, dtype=np.float64)
        numbers = group_numbers(groups)
        if not len(rows) == len(labels) == len(numbers):
            raise UserInputError(f"{len(rows)} rows have {len(labels)} labels and {len(numbers)} groups")
        if numbers.max(initial=0) < 1:
            raise UserInputError("rows of one group alone cannot be split; add compositions")
        return cls(rows, labels, numbers, tuple(feature_names))

    @property
    def n_group(self) -> int:
        """How many groups there are."""
        return int(self.groups.max()) + 1


@dataclass(frozen=True, eq=False)
class SplitPlan:
    """Which rows test in which split: `n_split` draws of `test_fraction` of the groups, from `seed`."""

    n_split: int = 100
    test_fraction: float = 0.2
    seed: int = 0

    def tests(self, data: GroupedData) -> Iterator[NDArray[np.bool_]]:
        """Yield the (n,) mask of the test rows of each split; no group has rows on both sides.

        Raises
        ------
        UserInputError
            If the fraction leaves no group on one side.
        """
        n_test = round(self.test_fraction * data.n_group)
        if not 0 < n_test < data.n_group:
            raise UserInputError(f"a test fraction of {self.test_fraction:g} splits {data.n_group} groups into nothing")
        for seed in member_seeds(self.seed, self.n_split):
            drawn = np.random.default_rng(seed).permutation(data.n_group)[:n_test]
            yield np.isin(data.groups, drawn)


@dataclass(frozen=True, eq=False)
class SplitScores:
    """Errors of one learner in each split, (n_split,) each: root mean square and squared correlation on both sides.

    R2 is the squared correlation, as in the tables of Kameda et al. 2024; it is 0 where predictions do not vary.
    """

    rmse_train: NDArray[np.float64]
    rmse_test: NDArray[np.float64]
    r2_train: NDArray[np.float64]
    r2_test: NDArray[np.float64]

    def summary(self) -> dict[str, dict[str, float]]:
        """Return measure -> statistic -> value; each statistic of each measure over its own order of the splits."""
        return {m: {name: float(f(getattr(self, m))) for name, f in STATISTICS.items()} for m in MEASURES}

    def best(self, k: int = 5) -> NDArray[np.int64]:
        """Return the numbers of the `k` splits of the highest test R2, the best first."""
        return np.argsort(-self.r2_test, kind="stable")[:k]


def over_splits(
    kind: str,
    data: GroupedData,
    *,
    settings: Mapping[str, Any],
    plan: SplitPlan | None = None,
    n_worker: int = 1,
) -> SplitScores:
    """Return the errors of a learner trained in each split on the groups that do not test.

    Parameters
    ----------
    kind, settings
        A learner of the registry and its settings.
    data
        The rows.
    plan
        The splits; 100 of 80 to 20 % where it is left out.
    n_worker
        Processes; the result does not depend on it.

    Raises
    ------
    UserInputError
        If the settings are wrong or the rows cannot be split or learned from.
    """
    chosen = plan or SplitPlan()
    filled = registry.validate_settings(kind, settings)
    seeds = member_seeds(chosen.seed, chosen.n_split)
    payloads = [(kind, filled, data, test, seed) for test, seed in zip(chosen.tests(data), seeds, strict=True)]
    return SplitScores(*np.array(mapped(scores_of, payloads, n_worker)).T)


def model_of_split(
    kind: str, data: GroupedData, split: int, *, settings: Mapping[str, Any], plan: SplitPlan
) -> FittedModel:
    """Return the model that `over_splits` trained in split number `split`, trained again: it is the same."""
    test = next(islice(plan.tests(data), split, None))
    return trained(kind, settings, data, ~test, member_seeds(plan.seed, plan.n_split)[split])


def scores_of(payload: tuple[str, Mapping[str, Any], GroupedData, NDArray[np.bool_], int]) -> tuple[float, ...]:
    """Return the four measures of one split: the target of the worker processes."""
    kind, settings, data, test, seed = payload
    said = trained(kind, settings, data, ~test, seed).predict(data.X).mean
    return measures(data.y, said, test)


def measures(y: NDArray[np.float64], said: NDArray[np.float64], test: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return RMSE of train and test rows, then R2 of train and test rows, of (n,) predictions."""
    sides = (~test, test)
    return tuple(measure(y[side], said[side]) for measure in (rmse, squared_correlation) for side in sides)


def rmse(y: NDArray[np.float64], said: NDArray[np.float64]) -> float:
    """Return the root mean square of the differences of two (n,) arrays."""
    return float(np.sqrt(((said - y) ** 2).mean()))


def squared_correlation(y: NDArray[np.float64], said: NDArray[np.float64]) -> float:
    """Return the square of Pearson's correlation of two (n,) arrays, 0 where one does not vary."""
    if np.ptp(y) == 0 or np.ptp(said) == 0:
        return 0.0
    return float(np.corrcoef(y, said)[0, 1] ** 2)


def mapped(function: Callable[[Any], T], payloads: Sequence[Any], n_worker: int) -> list[T]:
    """Return what a function of a module says of each payload, in their order, in processes of one thread each.

    Raises
    ------
    MatsiftError
        If it failed on one.
    """
    if n_worker == 1:
        return [function(payload) for payload in payloads]
    found: dict[Hashable, T] = {}
    target = f"{function.__module__}:{function.__qualname__}"
    with KillablePool(target, n_worker=n_worker, time_limit_s=_TIME_LIMIT_S) as pool:
        for outcome in pool.run(enumerate(payloads)):
            if not outcome.ok:
                raise MatsiftError(f"training number {outcome.key} failed: {outcome.message}")
            found[outcome.key] = outcome.value
    return [found[i] for i in range(len(payloads))]


def trained(
    kind: str, settings: Mapping[str, Any], data: GroupedData, rows: NDArray[np.bool_], seed: int
) -> FittedModel:
    """Return the model of a learner trained on the rows of a (n,) mask."""
    return registry.fit(
        kind, data.X[rows], data.y[rows], settings=settings, seed=seed, feature_names=data.feature_names
    )
