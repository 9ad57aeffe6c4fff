"""What a learner says of rows held out of its training, for any number of such tests and in several processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.learners import registry
from matsift.learners.group_splits import mapped
from matsift.learners.prediction import checked_features, member_seeds

Said = tuple[NDArray[np.float64], NDArray[np.float64]]
_Task = tuple[str, Mapping[str, Any], NDArray[np.float64], NDArray[np.float64], tuple[str, ...], NDArray[np.bool_], int]


@dataclass(frozen=True, eq=False)
class Learning:
    """A learner of the registry and the rows that it is asked about, some of them held out at a time.

    Parameters
    ----------
    kind, settings
        The learner and its settings.
    X
        (n, n_feature) descriptors, NaN where unknown, rows ordered by structure content hash.
    y
        (n,) labels.
    feature_names
        (n_feature,) names of the columns.
    seed
        Of all trainings together; each has its own.
    n_worker
        Processes; the result does not depend on it.
    """

    kind: str
    X: ArrayLike
    y: ArrayLike
    feature_names: Sequence[str]
    settings: Mapping[str, Any]
    seed: int = 0
    n_worker: int = 1

    @property
    def labels(self) -> NDArray[np.float64]:
        """The labels, (n,)."""
        return np.ascontiguousarray(self.y, dtype=np.float64)

    def said_of(self, tests: Sequence[NDArray[np.bool_]]) -> list[Said]:
        """Return mean and spread for the rows of each test, a mask (n,), by a model trained on all other rows.

        Raises
        ------
        UserInputError
            If the settings are wrong or the rows cannot be learned from.
        """
        rows, labels = checked_features(self.X, self.feature_names), self.labels
        filled, names = registry.validate_settings(self.kind, self.settings), tuple(self.feature_names)
        seeds = member_seeds(self.seed, len(tests))
        tasks = [(self.kind, filled, rows, labels, names, test, own) for test, own in zip(tests, seeds, strict=True)]
        return mapped(said_without, tasks, self.n_worker)


def said_without(task: _Task) -> Said:
    """Return mean and spread for the rows of a mask by a model of the others: the target of the worker processes."""
    kind, settings, X, y, names, test, seed = task
    model = registry.fit(kind, X[~test], y[~test], settings=settings, seed=seed, feature_names=names)
    said = model.predict(X[test])
    return said.mean, said.spread
