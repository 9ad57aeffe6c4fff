"""Compositions as one-hot matrices, elements x counts, and the exact rules by which a matrix is a composition again.

Entry (e, n - 1) is 1 if element e occurs n times, the row of an absent element is 0 (Xin 2021, J. Phys. Chem. C 125,
16118). The paper's table has 87 elements and counts up to 20, its generator of compositions 85 and 8.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.generative.formulas import N_ELEMENT, SYMBOLS, Compositions

#: H to Pu but for seven; the elements of the 123,805 formulas of the Materials Project that the paper starts from.
PAPER_ELEMENTS = tuple(s for s in SYMBOLS[:94] if s not in {"Ne", "Ar", "Po", "At", "Rn", "Fr", "Ra"})
PAPER_COUNTS = 20

#: Why a row is no composition of the table, by code; 0 is no refusal.
REASONS = (
    "",
    "an element is not in the table",
    "a count is above the largest of the table",
    "no element has a count",
    "one element has two counts",
    "an entry is not a number",
)
_FOREIGN, _COUNT, _EMPTY, _TWICE, _NUMBER = range(1, len(REASONS))


@dataclass(frozen=True, eq=False)
class Decoded:
    """What (n, E, L) matrices are: compositions, of which a refused row is empty, and the reason, 0 where it is none.

    `refusal` (n,) is a position in `REASONS`, `column` (n,) the first element (atomic number - 1) it is about, or -1.
    """

    compositions: Compositions
    refusal: NDArray[np.int8]
    column: NDArray[np.int16]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(n,) whether the matrix is a composition."""
        return np.asarray(self.refusal == 0)

    def sentence(self, row: int) -> str:
        """Return why a row was refused, naming the element; the empty string where it was not."""
        reason, column = REASONS[self.refusal[row]], self.column[row]
        return f"{reason}: {SYMBOLS[column]}" if column >= 0 else reason

    def formulas(self) -> list[str]:
        """Return the reduced formulas as pymatgen writes them, the empty string for a refused row."""
        return self.compositions.formulas()

    @classmethod
    def concatenated(cls, parts: Iterable[Decoded]) -> Self:
        """Return the rows of all parts, in order."""
        found = list(parts)
        return cls(
            Compositions.concatenated(part.compositions for part in found),
            np.concatenate([np.zeros(0, dtype=np.int8), *(part.refusal for part in found)]),
            np.concatenate([np.zeros(0, dtype=np.int16), *(part.column for part in found)]),
        )


@dataclass(frozen=True, eq=False)
class Cells:
    """The ones of n matrices: `row` (m,) ascending, `element` (m,) and `count` (m,) their place, count - 1."""

    n: int
    row: NDArray[np.int64]
    element: NDArray[np.int64]
    count: NDArray[np.int64]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(n + 1,) first entry of a row, and the end."""
        return np.searchsorted(self.row, np.arange(self.n + 1))

    def take(self, rows: NDArray[np.int64]) -> Cells:
        """Return the matrices of rows, in their order."""
        length = np.diff(self.starts)[rows]
        row = np.repeat(np.arange(len(rows)), length)
        within = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
        place = self.starts[rows][row] + within
        return Cells(len(rows), row, self.element[place], self.count[place])


@dataclass(frozen=True)
class Encoding:
    """A table of elements x counts: `symbols` by atomic number, and the largest count `n_count`."""

    symbols: tuple[str, ...] = PAPER_ELEMENTS
    n_count: int = PAPER_COUNTS

    def __post_init__(self) -> None:
        order = [SYMBOLS.index(symbol) for symbol in self.symbols if symbol in SYMBOLS]
        if len(order) != len(self.symbols) or order != sorted(set(order)) or not order:
            raise UserInputError("the elements of an encoding are of H to Lr, each once, by atomic number")
        if self.n_count < 1:
            raise UserInputError(f"an encoding has counts up to at least 1, not {self.n_count}")

    @classmethod
    def of(cls, compositions: Compositions, n_count: int = PAPER_COUNTS) -> Self:
        """Return the table of the elements that occur in compositions."""
        present = np.flatnonzero(compositions.counts.any(axis=0))
        return cls(tuple(SYMBOLS[column] for column in present), n_count)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """(E,) atomic number - 1 of the elements."""
        return np.array([SYMBOLS.index(symbol) for symbol in self.symbols], dtype=np.int64)

    @property
    def shape(self) -> tuple[int, int]:
        """(E, L), elements and counts."""
        return len(self.symbols), self.n_count

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `Encoding.from_json` reads."""
        return {"symbols": list(self.symbols), "n_count": self.n_count}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Return the table of what `to_json` gave."""
        return cls(tuple(values["symbols"]), int(values["n_count"]))

    def refusals(self, compositions: Compositions) -> NDArray[np.int8]:
        """Return (n,) why a composition has no matrix, as positions in `REASONS`; 0 where it has one."""
        foreign = np.ones(N_ELEMENT, dtype=bool)
        foreign[self.columns] = False
        refusal = np.zeros(len(compositions), dtype=np.int8)
        refusal[compositions.largest_count > self.n_count] = _COUNT
        refusal[compositions.counts[:, foreign].any(axis=1)] = _FOREIGN
        refusal[compositions.n_element == 0] = _EMPTY
        return refusal

    def cells(self, compositions: Compositions) -> Cells:
        """Return the ones of the matrices of compositions, amounts as they stand.

        Raises
        ------
        UserInputError
            If one has no matrix; `refusals` says beforehand which.
        """
        refusal = self.refusals(compositions)
        if refusal.any():
            first = int(np.argmax(refusal > 0))
            formula = compositions.select(np.array([first])).formulas()[0]
            raise UserInputError(f"composition {first}, {formula!r}, has no matrix: {REASONS[refusal[first]]}")
        amounts = compositions.counts[:, self.columns]
        row, element = np.nonzero(amounts)
        return Cells(len(compositions), row, element, amounts[row, element].astype(np.int64) - 1)

    def matrices(self, compositions: Compositions) -> NDArray[np.float32]:
        """Return (n, E, L) one-hot matrices; raises as `cells`."""
        return self.spread(self.cells(compositions))

    def spread(self, cells: Cells) -> NDArray[np.float32]:
        """Return the (n, E, L) matrices of their ones."""
        made = np.zeros((cells.n, *self.shape), dtype=np.float32)
        made[cells.row, cells.element, cells.count] = 1
        return made

    def decode(self, matrices: NDArray[np.floating], *, above: float = 0.5) -> Decoded:
        """Return the compositions of (n, E, L) matrices after rounding: an entry above 0.5 is 1, half itself is 0.

        A row of two ones or more, a matrix of no ones, or one with an entry that is not a number is no composition.

        Parameters
        ----------
        matrices
            Values from 0 to 1, or logits if `above` is 0.
        above
            What an entry must exceed to be 1; the generator of Dan 2020 counts 0.2 and more as 1.
        """
        ones = np.asarray(matrices) > above
        number = ~np.isnan(matrices).any(axis=(1, 2))
        n_one = ones.sum(axis=2)
        twice = n_one > 1
        refusal = np.zeros(len(ones), dtype=np.int8)
        refusal[~(n_one > 0).any(axis=1)] = _EMPTY
        refusal[twice.any(axis=1)] = _TWICE
        refusal[~number] = _NUMBER
        column = np.where(refusal == _TWICE, self.columns[np.argmax(twice, axis=1)], -1).astype(np.int16)
        kept = ones & (refusal == 0)[:, None, None]
        row, element, count = np.nonzero(kept)
        return Decoded(Compositions.of_entries(len(ones), row, self.columns[element], count + 1), refusal, column)
