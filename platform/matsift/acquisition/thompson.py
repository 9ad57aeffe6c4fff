"""Thompson sampling: each member of the ensemble is a guess at the truth; believe one at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.context import Candidates


def choose(
    candidates: Candidates, rng: np.random.Generator, batch_size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the score of each of n candidates, and their positions from the most to the least wanted.

    Each of the batch is what one member, drawn uniformly and with replacement, predicts best among those that are left;
    its score is what that member predicts, with the sign turned to minimize. One more draw scores and orders the rest.
    The first choice is candidate i with the probability of i being the best (Thompson, Biometrika 25, 285, 1933; with
    an ensemble as the posterior, as in bootstrapped Thompson sampling, Eckles & Kaptein, 2014).
    """
    n, n_member = candidates.members.shape
    drawn = rng.integers(n_member, size=min(batch_size, n) + 1)
    said = candidates.direction * candidates.members
    scores = said[:, drawn[-1]].copy()
    is_left = np.ones(n, dtype=bool)
    batch = np.empty(len(drawn) - 1, dtype=np.int64)
    for slot, member in enumerate(drawn[:-1]):
        batch[slot] = np.where(is_left, said[:, member], -np.inf).argmax()
        scores[batch[slot]] = said[batch[slot], member]
        is_left[batch[slot]] = False
    rest = np.flatnonzero(is_left)
    return scores, np.concatenate([batch, rest[np.argsort(-scores[rest], kind="stable")]])
