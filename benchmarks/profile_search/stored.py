"""A hundred thousand profiles: those of all published crystals at hand, and isotypes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.repro_002.crystals import PAPER_SETS, Stock, stock
from benchmarks.repro_002.described import described
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.diffraction.grid import bin_of, q_of
from matsift.diffraction.sparse import SparseProfiles

#: An isotype has other atoms: its cell and its intensities differ by these standard deviations of a logarithm.
_SIZE, _INTENSITY = 0.06, 0.7


@dataclass(frozen=True, eq=False)
class Stored:
    """n profiles with their space groups (n,), the first `len(crystals)` those of real crystals."""

    profiles: SparseProfiles
    groups: NDArray[np.int64]
    crystals: tuple[Crystal, ...]


def stored(home: Path, n: int, *, n_worker: int, seed: int, tell: Callable[[str], None]) -> Stored:
    """Return the profiles of all published crystals, and isotypes of them up to n in all."""
    published: Stock = stock(home, PAPER_SETS, n_worker=n_worker, tell=tell)
    data = described(home, published, n_worker=n_worker, tell=tell)
    crystals = tuple(published.crystals[row] for row in data.rows)
    more = max(n - len(data), 0)
    rng = np.random.default_rng(seed)
    parents = rng.integers(0, len(data), more)
    return Stored(
        SparseProfiles.concatenate([data.profiles, isotypes(data.profiles, parents, rng)]),
        np.concatenate([data.groups, data.groups[parents]]),
        crystals,
    )


def isotypes(profiles: SparseProfiles, parents: NDArray[np.int64], rng: np.random.Generator) -> SparseProfiles:
    """Return profiles of the parents' extinctions and proportions with other cell sizes and intensities."""
    taken = profiles.take(parents)
    owner = np.repeat(np.arange(len(parents)), np.diff(taken.offsets))
    factor = np.exp(rng.normal(0, _SIZE, len(parents)))
    place = bin_of(q_of(taken.bins) * factor[owner])
    height = taken.intensities * np.exp(rng.normal(0, _INTENSITY, len(place)))
    inside = place >= 0
    owner, place, height = owner[inside], place[inside], height[inside]
    first = np.ones(len(place), dtype=bool)
    first[1:] = (place[1:] != place[:-1]) | (owner[1:] != owner[:-1])
    line = np.cumsum(first) - 1
    sums = np.bincount(line, weights=height)
    owner, place = owner[first], place[first]
    highest = np.zeros(len(parents))
    np.maximum.at(highest, owner, sums)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(parents)))]).astype(np.int64)
    return SparseProfiles(offsets, place.astype(np.int16), (sums / highest[owner]).astype(np.float32))
