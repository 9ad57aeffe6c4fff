"""Which labelled structures play candidates, so that a campaign can be replayed on labels that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def hold_back(elements: Sequence[Sequence[str]], *, first: Sequence[str], size: int, seed: int) -> NDArray[np.bool_]:
    """Return which of n structures are held back: those with one of the elements `first`, then any others.

    Among equals the seed decides. The same structures in the same order give the same choice.

    Parameters
    ----------
    elements
        (n,) elements of each structure, structures ordered by content hash.
    first
        Element symbols; structures that contain one of them go before all others.
    size
        How many; all, where there are fewer.
    seed
        Seed of the choice.
    """
    wanted = frozenset(first)
    is_first = np.array([not wanted.isdisjoint(symbols) for symbols in elements], dtype=bool)
    shuffled = np.random.default_rng(seed).permutation(len(elements))
    order = shuffled[np.argsort(~is_first[shuffled], kind="stable")]
    chosen = np.zeros(len(elements), dtype=bool)
    chosen[order[:size]] = True
    return chosen
