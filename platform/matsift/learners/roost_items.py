"""Compositions as Roost reads them: the elements of each, and batches in which equally many stand together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matsift.errors import UserInputError
from matsift.learners.roost_network import Block

#: Shares add up to 1 as far as rounding lets them.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Batch:
    """Compositions sorted by their number of elements: what the network takes, and (n,) which rows they are."""

    rows: NDArray[np.int64]
    elements: Tensor
    fractions: Tensor
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Items:
    """The elements of n compositions: `count` (n,) and, first to last, `elements` and `fractions` (n, most)."""

    count: NDArray[np.int64]
    elements: NDArray[np.int64]
    fractions: NDArray[np.float32]

    @classmethod
    def of(cls, fractions: NDArray[np.float64]) -> Self:
        """Return the elements of compositions (n, 103), in the order of atomic numbers.

        Raises
        ------
        UserInputError
            If a row is no set of shares: below 0, unknown, or of another sum than 1.
        """
        bad = ~(fractions >= 0).all(axis=1) | (np.abs(fractions.sum(axis=1) - 1) > _ROUNDING)  # NaN is bad too
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise UserInputError(
                f"the element fractions of row {row} add up to {fractions[row].sum():g}, not to 1; leave out what has "
                "no composition"
            )
        count = (fractions > 0).sum(axis=1).astype(np.int64)
        most = int(count.max(initial=0))
        order = np.argsort(fractions == 0, axis=1, kind="stable")[:, :most]
        return cls(count, order, np.take_along_axis(fractions, order, axis=1).astype(np.float32))

    def __len__(self) -> int:
        return len(self.count)

    def batch(self, rows: NDArray[np.int64], device: torch.device) -> Batch:
        """Return some rows as one batch."""
        rows = rows[np.argsort(self.count[rows], kind="stable")]
        count = self.count[rows]
        there = np.arange(self.elements.shape[1]) < count[:, None]
        sizes, numbers = np.unique(count, return_counts=True)
        return Batch(
            rows,
            torch.from_numpy(self.elements[rows][there]).to(device),
            torch.from_numpy(self.fractions[rows][there]).to(device),
            tuple(zip(numbers.tolist(), sizes.tolist(), strict=True)),
        )
