"""Learners beside each other: mean and spread over repeats, who is best where, and whether a difference is real."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matsift.errors import UserInputError
from matsift.learners.left_out_elements import LeftOutElements
from matsift.learners.repeated_folds import OutOfFold
from matsift.learners.splits import group_numbers

_N_DRAW = 2000
#: Metrics of which a larger value is better.
_LARGER_IS_BETTER = ("r2",)


@dataclass(frozen=True)
class Standing:
    """A learner in a cross validation: metrics of the averaged output, and mean and deviation over the repeats."""

    learner: str
    n_row: int
    n_repeat: int
    averaged: Mapping[str, float]
    mean: Mapping[str, float]
    deviation: Mapping[str, float | None]


@dataclass(frozen=True)
class Difference:
    """RMSE of one learner minus that of another on the same rows, its 95 % interval; below 0 the first is better."""

    first: str
    second: str
    difference: float
    lower: float
    upper: float

    @property
    def is_real(self) -> bool:
        """Whether the interval does not hold 0."""
        return not self.lower <= 0 <= self.upper


def standings(said: Mapping[str, OutOfFold]) -> tuple[Standing, ...]:
    """Return a line a learner, in the given order."""
    lines = []
    for learner, own in said.items():
        summary = own.summary()
        lines.append(
            Standing(
                learner,
                len(own.y),
                len(own.mean),
                own.metrics(),
                {name: mean for name, (mean, _) in summary.items()},
                {name: deviation for name, (_, deviation) in summary.items()},
            )
        )
    return tuple(lines)


def difference(
    said: Mapping[str, OutOfFold],
    first: str,
    second: str,
    *,
    groups: Sequence[Hashable] | None = None,
    n_draw: int = _N_DRAW,
    seed: int = 0,
) -> Difference:
    """Return how far the averaged outputs of two learners differ in RMSE, with a bootstrap's percentile interval.

    Parameters
    ----------
    said
        Learner -> what it says of the same n rows.
    first, second
        The two learners.
    groups
        (n,) groups that are drawn as a whole, reduced formulae for example; single rows where left out.
    n_draw, seed
        Of the bootstrap.

    Raises
    ------
    UserInputError
        If the two speak of different rows.
    """
    y = said[first].y
    if not np.array_equal(y, said[second].y):
        raise UserInputError(f"{first} and {second} speak of different rows, so their errors cannot be compared")
    numbers = np.arange(len(y)) if groups is None else group_numbers(groups)
    sizes = np.bincount(numbers)
    squares = np.stack([np.bincount(numbers, (said[name].averaged - y) ** 2) for name in (first, second)])
    drawn = np.random.default_rng(seed).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), n_draw)
    errors = np.sqrt((squares @ drawn.T) / (sizes @ drawn.T))
    lower, upper = np.percentile(errors[0] - errors[1], [2.5, 97.5]).tolist()
    whole = np.sqrt(squares.sum(axis=1) / len(y))
    return Difference(first, second, float(whole[0] - whole[1]), lower, upper)


def best_counts(left_out: Sequence[Mapping[str, LeftOutElements]], metric: str = "r2") -> dict[str, int]:
    """Return in how many element sets each learner is best; those that tie count each.

    Parameters
    ----------
    left_out
        One mapping a property: learner -> what models of it say; all of the same sets.
    metric
        A metric of `regression_metrics`.
    """
    counts = {learner: 0 for learners in left_out for learner in learners}
    for learners in left_out:
        scores = {learner: own.scores() for learner, own in learners.items()}
        for element in next(iter(learners.values())).elements:
            values = {learner: own[element][metric] for learner, own in scores.items() if metric in own[element]}
            if not values:
                continue
            best = max(values.values()) if metric in _LARGER_IS_BETTER else min(values.values())
            for learner, value in values.items():
                counts[learner] += value == best
    return counts
