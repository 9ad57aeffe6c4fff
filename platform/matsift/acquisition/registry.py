"""The order in which a strategy wants the candidates labelled, and what it must know of them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition import confidence_bound, cost, diversity, exploration, improvement, random_choice, thompson
from matsift.acquisition.context import Candidates
from matsift.errors import UserInputError
from matsift.study.strategies import (
    CostAware,
    Diverse,
    ExpectedImprovement,
    Exploration,
    Greedy,
    ProbabilityAbove,
    RandomChoice,
    StrategySettings,
    Thompson,
    UpperConfidenceBound,
    strategy_settings,
)

Need = Literal["members", "descriptors", "n_site", "best"]
_Ranking = tuple[NDArray[np.float64], NDArray[np.int64]]

_MISSING: dict[Need, str] = {
    "members": "the predictions of the members, and the candidates come without them",
    "descriptors": "the descriptors of the candidates, and they come without them",
    "n_site": "the atoms in the cells of the candidates, and they come without them",
    "best": "the best label so far, and there is no label yet",
}


def needs(strategy: StrategySettings | str) -> frozenset[Need]:
    """Return what a strategy looks at besides mean and spread."""
    match strategy_settings(strategy):
        case Thompson():
            return frozenset({"members"})
        case Diverse():
            return frozenset({"descriptors"})
        case ExpectedImprovement() | ProbabilityAbove(threshold=None):
            return frozenset({"best"})
        case CostAware(gain="expected_improvement"):
            return frozenset({"n_site", "best"})
        case CostAware():
            return frozenset({"n_site"})
        case _:
            return frozenset()


def rank(strategy: StrategySettings | str, candidates: Candidates, *, seed: int, batch_size: int) -> _Ranking:
    """Return the score of each of n candidates, and their positions from the most to the least wanted.

    The first `batch_size` positions are the batch; a strategy that weighs a batch as a whole orders the rest after it
    by score. Equal scores keep the order in which the candidates came, so give them ordered by structure content hash.

    Parameters
    ----------
    strategy
        Settings of a strategy, or a kind of `known_strategies` with what it has by default.
    candidates
        What is known of the candidates; `needs` says what the strategy looks at.
    seed
        Seed of whatever the strategy draws; another one for each round.
    batch_size
        How many will be labelled.

    Raises
    ------
    UserInputError
        If there is no such strategy, the batch is empty, or the candidates lack what the strategy needs.
    """
    settings = strategy_settings(strategy)
    if batch_size < 1:
        raise UserInputError(f"a batch of {batch_size} acquisitions is empty; set it to 1 or more")
    if not len(candidates):
        return np.empty(0), np.empty(0, dtype=np.int64)
    for need in sorted(needs(settings)):
        given = getattr(candidates, need)
        if given is None or (need != "best" and not given.size):
            raise UserInputError(f"the strategy {settings.name!r} needs {_MISSING[need]}")
    return _ranking(settings, candidates, np.random.default_rng(seed), batch_size)


def _ranking(settings: StrategySettings, candidates: Candidates, rng: np.random.Generator, batch_size: int) -> _Ranking:
    best = 0.0 if candidates.best is None else candidates.best
    match settings:
        case Exploration():
            ranking = _by(exploration.score(candidates))
        case RandomChoice():
            ranking = _by(random_choice.score(candidates, rng))
        case Greedy():
            ranking = _by(confidence_bound.score(candidates, 0.0))
        case UpperConfidenceBound(kappa=kappa):
            ranking = _by(confidence_bound.score(candidates, kappa))
        case ExpectedImprovement(xi=xi):
            ranking = _by_log(improvement.log_expected(candidates, best + candidates.direction * xi))
        case ProbabilityAbove(threshold=threshold):
            ahead = improvement.standardized(candidates, best if threshold is None else threshold)
            ranking = improvement.probability(ahead), _order(ahead)
        case CostAware():
            ranking = _by_log(cost.log_score(candidates, settings, best))
        case Thompson():
            ranking = thompson.choose(candidates, rng, batch_size)
        case Diverse():
            ranking = diversity.choose(candidates, batch_size)
    return ranking


def _by(scores: NDArray[np.float64]) -> _Ranking:
    return scores, _order(scores)


def _by_log(logs: NDArray[np.float64]) -> _Ranking:
    """Return scores whose logarithms are given, ordered by these: they differ where scores are too small to."""
    return np.exp(logs), _order(logs)


def _order(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.argsort(-scores, kind="stable")
