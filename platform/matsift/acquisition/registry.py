"""The acquisition strategies by name, and the order in which they want candidates labelled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.acquisition import exploration, random_choice
from matsift.errors import UserInputError

_Score = Callable[[NDArray[np.float64], NDArray[np.float64], np.random.Generator], NDArray[np.float64]]

_STRATEGIES: dict[str, _Score] = {"exploration": exploration.score, "random": random_choice.score}


def known_strategies() -> tuple[str, ...]:
    """Return the names of the strategies."""
    return tuple(_STRATEGIES)


def rank(
    strategy: str, mean: ArrayLike, spread: ArrayLike, *, seed: int, batch_size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the score of each of n candidates, and their positions from the most to the least wanted.

    The first `batch_size` positions are the batch. Equal scores keep the order in which the candidates came, so give
    them ordered by structure content hash.

    Parameters
    ----------
    strategy
        A name of `known_strategies`.
    mean, spread
        (n,) prediction, in the unit of the property.
    seed
        Seed of whatever the strategy draws; another one for each round.
    batch_size
        How many will be labelled; a strategy that weighs a batch as a whole looks at it.

    Raises
    ------
    UserInputError
        If there is no such strategy, the batch is empty, or a prediction is not finite.
    """
    if strategy not in _STRATEGIES:
        raise UserInputError(f"there is no acquisition strategy {strategy!r}; use one of {', '.join(_STRATEGIES)}")
    if batch_size < 1:
        raise UserInputError(f"a batch of {batch_size} acquisitions is empty; set it to 1 or more")
    means, spreads = np.asarray(mean, dtype=np.float64), np.asarray(spread, dtype=np.float64)
    if means.shape != spreads.shape or not (np.isfinite(means).all() and np.isfinite(spreads).all()):
        raise UserInputError("candidates need one finite mean and one finite spread each")
    scores = _STRATEGIES[strategy](means, spreads, np.random.default_rng(seed))
    return scores, np.argsort(-scores, kind="stable")
