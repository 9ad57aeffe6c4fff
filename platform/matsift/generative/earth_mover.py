"""The earth mover's distance between compositions on the modified Pettifor scale, exact, and nearest known formulas.

The work that turns one distribution of atoms over the elements into another, a step along the scale costing one for
all atoms together (ElMD: Hargreaves et al., Chem. Mater. 32, 10610 (2020)). On one dimension that is the sum of the
absolute cumulative differences; amounts are whole numbers, so only the last division rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.generative import earth_mover_kernel as kernel
from matsift.generative.formulas import Compositions
from matsift.generative.pettifor import POSITION

#: Places on the scale whose mean distance bounds the earth mover's from below: the first is the mean itself.
_ANCHORS = np.array([-1.0, 15.0, 35.0, 50.0, 62.0, 71.0, 79.0, 87.0, 93.0, 97.0])


@dataclass(frozen=True, eq=False)
class Distributions:
    """Compositions as sorted sparse distributions over the scale: what distances are computed from.

    Parameters
    ----------
    offsets
        (n + 1,), where the elements of each row start.
    places, amounts
        (m,), positions on the scale, rising within a row, and atoms.
    totals
        (n,), atoms of each row, at least one.
    """

    offsets: NDArray[np.int64]
    places: NDArray[np.int16]
    amounts: NDArray[np.int64]
    totals: NDArray[np.int64]

    @classmethod
    def of(cls, compositions: Compositions) -> Distributions:
        """Return the distributions of compositions.

        Raises
        ------
        UserInputError
            If a count is negative, or a row holds no atom.
        """
        counts = np.ascontiguousarray(compositions.counts, dtype=np.int16)
        if counts.size and int(counts.min()) < 0:
            raise UserInputError("a composition holds a negative number of atoms")
        made = cls(*kernel.sparse_rows(counts, POSITION))
        if len(made) and int(made.totals.min()) == 0:
            raise UserInputError(f"composition {int(np.argmin(made.totals))} holds no atom, so it has no distance")
        return made

    def __len__(self) -> int:
        """Return the number of compositions."""
        return len(self.totals)

    @cached_property
    def bounds(self) -> NDArray[np.float64]:
        """(n, k) numbers of which none differs between two rows by more than their distance."""
        return kernel.mean_distances_to(_ANCHORS, *self.arrays)

    @property
    def arrays(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.int64], NDArray[np.int64]]:
        """Offsets, places, amounts and totals."""
        return self.offsets, self.places, self.amounts, self.totals

    def take(self, rows: NDArray[np.int64]) -> Distributions:
        """Return the distributions of some rows, in the order given."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        inside = np.repeat(self.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Distributions(offsets, self.places[inside], self.amounts[inside], self.totals[rows])


@dataclass(frozen=True, eq=False)
class Nearest:
    """The known compositions nearest to each of n asked ones.

    Parameters
    ----------
    rows
        (n, k) their rows among the known, nearest first, of equal distances the smaller row; -1 where there is none.
    distances
        (n, k) their distances; NaN where there is none.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float64]


def paired_distances(first: Compositions, second: Compositions) -> NDArray[np.float64]:
    """Return (n,) the distance of each composition of the first to the same row of the second.

    Raises
    ------
    UserInputError
        If the numbers of rows differ, or a row has no atom.
    """
    one, other = Distributions.of(first), Distributions.of(second)
    if len(one) != len(other):
        raise UserInputError(f"{len(one)} compositions cannot be paired with {len(other)}")
    return kernel.paired(*one.arrays, *other.arrays)


def distance_matrix(first: Compositions, second: Compositions) -> NDArray[np.float64]:
    """Return (n, m) the distances of all compositions of the first to all of the second."""
    return kernel.matrix(*Distributions.of(first).arrays, *Distributions.of(second).arrays)


class KnownCompositions:
    """Known compositions, prepared so that the nearest to others are found fast; optionally in groups.

    Parameters
    ----------
    known
        m compositions.
    groups
        (m,) a number for each; a search stays within one group. One group for all if left out.
    """

    def __init__(self, known: Compositions, groups: NDArray[np.int64] | None = None) -> None:
        distributions = Distributions.of(known)
        groups = np.zeros(len(distributions), np.int64) if groups is None else np.asarray(groups, np.int64)
        self._rank = np.lexsort((distributions.bounds[:, 0], groups))
        self._groups = groups[self._rank]
        self._sorted = distributions.take(self._rank)

    def __len__(self) -> int:
        """Return the number of known compositions."""
        return len(self._rank)

    def nearest(self, asked: Compositions, *, k: int = 1, groups: NDArray[np.int64] | None = None) -> Nearest:
        """Return the k known compositions nearest to each one asked about.

        Parameters
        ----------
        asked
            n compositions.
        k
            How many, at least one.
        groups
            (n,) the group to search for each; group 0 if left out.
        """
        if k < 1:
            raise UserInputError(f"{k} nearest compositions cannot be found: ask for one at least")
        rows = Distributions.of(asked)
        groups = np.zeros(len(rows), np.int64) if groups is None else np.asarray(groups, np.int64)
        starts = np.searchsorted(self._groups, groups, side="left")
        ends = np.searchsorted(self._groups, groups, side="right")
        found, distances = kernel.nearest_rows(
            starts, ends, rows.bounds, *rows.arrays, self._rank, self._sorted.bounds, *self._sorted.arrays, k
        )
        return Nearest(found, distances)


def nearest_known(compositions: Compositions, known: Compositions) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (n,) the row of the nearest known composition, -1 where none is known, and (n,) its distance, NaN there.

    That distance is the novelty of a composition: 0 where the formula, or a multiple of it, is known. For one set of
    known compositions and many chunks keep a `KnownCompositions`.
    """
    found = KnownCompositions(known).nearest(compositions)
    return found.rows[:, 0], found.distances[:, 0]
