"""What a learner says of rows held out of its training, for any number of such tests and in several processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.learners import registry
from matsift.learners.group_splits import mapped
from matsift.learners.prediction import checked_features, member_seeds

Said = tuple[NDArray[np.float64], NDArray[np.float64]]
_Task = tuple[str, Mapping[str, Any], NDArray[np.float64], NDArray[np.float64], tuple[str, ...], NDArray[np.bool_], int]


def said_of_tests(
    kind: str,
    X: ArrayLike,
    y: ArrayLike,
    tests: Sequence[NDArray[np.bool_]],
    *,
    feature_names: Sequence[str],
    settings: Mapping[str, Any],
    seed: int,
    n_worker: int = 1,
) -> list[Said]:
    """Return mean and spread for the rows of each test by a model trained on all other rows.

    Parameters
    ----------
    kind, settings
        A learner of the registry and its settings.
    X
        (n, n_feature) descriptors, NaN where unknown, rows ordered by structure content hash.
    y
        (n,) labels.
    tests
        (n,) masks.
    feature_names
        (n_feature,) names of the columns.
    seed
        Of all trainings together; each has its own.
    n_worker
        Processes; the result does not depend on it.

    Raises
    ------
    UserInputError
        If the settings are wrong or the rows cannot be learned from.
    """
    rows, labels = checked_features(X, feature_names), np.ascontiguousarray(y, dtype=np.float64)
    filled, names = registry.validate_settings(kind, settings), tuple(feature_names)
    seeds = member_seeds(seed, len(tests))
    tasks = [(kind, filled, rows, labels, names, test, own) for test, own in zip(tests, seeds, strict=True)]
    return mapped(said_without, tasks, n_worker)


def said_without(task: _Task) -> Said:
    """Return mean and spread for the rows of a mask by a model of the others: the target of the worker processes."""
    kind, settings, X, y, names, test, seed = task
    model = registry.fit(kind, X[~test], y[~test], settings=settings, seed=seed, feature_names=names)
    said = model.predict(X[test])
    return said.mean, said.spread
