"""Cross validation that is repeated: what models say of each row that they were not trained on, once a repeat."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.learners.evaluation import regression_metrics
from matsift.learners.held_out import Learning
from matsift.learners.prediction import member_seeds
from matsift.learners.splits import kfold_by_group


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Labels beside what was said of them by models that had not seen them.

    Parameters
    ----------
    y
        (n,) labels.
    folds
        (n_repeat, n) the fold in which each row was tested.
    mean, spread
        (n_repeat, n), in the unit of the labels.
    """

    y: NDArray[np.float64]
    folds: NDArray[np.int64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @property
    def averaged(self) -> NDArray[np.float64]:
        """What the repeats say in the mean, (n,): the outputs that Zhao et al. 2020 average."""
        return np.asarray(self.mean.mean(axis=0))

    def metrics(self) -> dict[str, float]:
        """Return the metrics, by `regression_metrics`, of the averaged output over all rows."""
        return regression_metrics(self.y, self.averaged)

    def each(self) -> list[dict[str, float]]:
        """Return the metrics of each repeat on its own over all rows."""
        return [regression_metrics(self.y, said) for said in self.mean]

    def summary(self) -> dict[str, tuple[float, float | None]]:
        """Return metric -> mean and sample standard deviation over the repeats; None for the latter of one repeat."""
        scores = self.each()
        values = {name: np.array([score[name] for score in scores]) for name in scores[0]}
        return {name: (float(v.mean()), float(v.std(ddof=1)) if len(v) > 1 else None) for name, v in values.items()}


def repeated_folds(
    groups: Sequence[Hashable], *, n_fold: int = 5, n_repeat: int = 5, seed: int = 0, same: bool = False
) -> NDArray[np.int64]:
    """Return the fold of each of n rows in each repeat, (n_repeat, n); no group stands in two folds of one repeat.

    Parameters
    ----------
    groups
        (n,) the group of each row, its reduced formula for example, or its number to deal single rows.
    n_fold, n_repeat
        Folds, and how often they are dealt.
    seed
        Of all draws.
    same
        Whether the repeats share one draw of folds, so that they differ by the seeds of the trainings alone.

    Raises
    ------
    UserInputError
        If there are fewer groups than folds, or no repeat.
    """
    if n_repeat < 1:
        raise UserInputError(f"a cross validation cannot be repeated {n_repeat} times; use 1 or more")
    seeds = member_seeds(seed, n_repeat)
    return np.stack([kfold_by_group(groups, n_fold, seeds[0] if same else own) for own in seeds])


def cross_validated(learning: Learning, folds: NDArray[np.int64]) -> OutOfFold:
    """Return what a learner of the registry says of every row in each repeat, trained on the other folds.

    Parameters
    ----------
    learning
        The learner and its n rows.
    folds
        (n_repeat, n), as `repeated_folds` gives them.

    Raises
    ------
    UserInputError
        If the settings are wrong or the rows cannot be learned from.
    """
    tests = [(repeat, folds[repeat] == fold) for repeat in range(len(folds)) for fold in np.unique(folds[repeat])]
    said = learning.said_of([test for _, test in tests])
    mean, spread = np.empty((2, *folds.shape))
    for (repeat, test), (own_mean, own_spread) in zip(tests, said, strict=True):
        mean[repeat, test], spread[repeat, test] = own_mean, own_spread
    return OutOfFold(learning.labels, folds, mean, spread)
