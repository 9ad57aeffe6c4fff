"""Profiles of many crystals as lists of occupied bins: a hundredth of the memory of the dense ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.diffraction.grid import N_BIN

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class SparseProfiles:
    """n profiles; row i has the entries ``offsets[i]`` to ``offsets[i + 1]`` of the two flat arrays.

    Parameters
    ----------
    offsets
        (n + 1,) int64, from 0 to the number of entries.
    bins
        (n_entry,) int16, 0 to `N_BIN` - 1, ascending in a row.
    intensities
        (n_entry,) float32, above 0; the largest of a row is 1.
    """

    offsets: NDArray[np.int64]
    bins: NDArray[np.int16]
    intensities: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of profiles."""
        return len(self.offsets) - 1

    @classmethod
    def from_lists(cls, bins: Sequence[ArrayLike], intensities: Sequence[ArrayLike]) -> SparseProfiles:
        """Return the profiles whose rows are given one by one: bins ascending, intensities beside them."""
        lengths = [len(np.atleast_1d(np.asarray(row))) for row in bins]
        return cls(
            np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
            _flat([np.asarray(row, dtype=np.int16) for row in bins], np.int16),
            _flat([np.asarray(row, dtype=np.float32) for row in intensities], np.float32),
        )

    @classmethod
    def from_dense(cls, dense: ArrayLike) -> SparseProfiles:
        """Return the profiles of the rows of (n, `N_BIN`) intensities; bins at 0 are left out."""
        table = np.atleast_2d(np.asarray(dense, dtype=np.float32))
        rows, bins = np.nonzero(table)
        counts = np.bincount(rows, minlength=len(table))
        return cls(np.concatenate([[0], np.cumsum(counts)]), bins.astype(np.int16), table[rows, bins])

    @classmethod
    def concatenate(cls, parts: Iterable[SparseProfiles]) -> SparseProfiles:
        """Return the profiles of several collections, one after the other."""
        listed = list(parts)
        lengths = [np.diff(part.offsets) for part in listed]
        counts = np.concatenate(lengths) if listed else np.zeros(0, dtype=np.int64)
        return cls(
            np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64),
            _flat([part.bins for part in listed], np.int16),
            _flat([part.intensities for part in listed], np.float32),
        )

    def row(self, i: int) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
        """Return the bins and intensities of one profile."""
        start, end = self.offsets[i], self.offsets[i + 1]
        return self.bins[start:end], self.intensities[start:end]

    def take(self, rows: ArrayLike) -> SparseProfiles:
        """Return some profiles, in the order given by row numbers or a mask."""
        chosen = _numbers(rows, len(self))
        lengths = self.offsets[chosen + 1] - self.offsets[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
        entries = self._entries(chosen, lengths, offsets)
        return SparseProfiles(offsets, self.bins[entries], self.intensities[entries])

    def dense(self, rows: ArrayLike | None = None) -> NDArray[np.float32]:
        """Return the intensities (k, `N_BIN`) of k profiles, in the order given by row numbers or a mask."""
        chosen = np.arange(len(self)) if rows is None else _numbers(rows, len(self))
        lengths = self.offsets[chosen + 1] - self.offsets[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        entries = self._entries(chosen, lengths, offsets)
        table = np.zeros((len(chosen), N_BIN), dtype=np.float32)
        table[np.repeat(np.arange(len(chosen)), lengths), self.bins[entries]] = self.intensities[entries]
        return table

    def _entries(
        self, chosen: NDArray[np.int64], lengths: NDArray[np.int64], offsets: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return where the entries of the chosen rows stand in the flat arrays."""
        return np.arange(offsets[-1]) + np.repeat(self.offsets[chosen] - offsets[:-1], lengths)


def _numbers(rows: ArrayLike, n: int) -> NDArray[np.int64]:
    chosen = np.atleast_1d(np.asarray(rows))
    if chosen.dtype == np.bool_:
        return np.flatnonzero(chosen)
    numbers = chosen.astype(np.int64)
    return np.where(numbers < 0, numbers + n, numbers)


def _flat(parts: list[NDArray[_T]], dtype: type[_T]) -> NDArray[_T]:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.zeros(0, dtype=dtype)
