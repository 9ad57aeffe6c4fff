"""Compositions of whole numbers of atoms as one table of counts, read from formulas and written as formulas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.errors import UserInputError
from matsift.formulae import formulae

#: Elements a table of counts has a column for, H to Lr; column Z - 1.
N_ELEMENT = 103
SYMBOLS = ELEMENT_SYMBOLS[:N_ELEMENT]
LARGEST_COUNT = int(np.iinfo(np.int16).max)

_NUMBER = {symbol: column for column, symbol in enumerate(SYMBOLS)}
_PLAIN = re.compile(r"(?:[A-Z][a-z]?\d*)+")
_TOKEN = re.compile(r"([A-Z][a-z]?|\n)(\d*)")
_INNERMOST = re.compile(r"\(([^()]*)\)(\d*)")
_ROUND_BRACKETS = str.maketrans("[]{}", "()()")


@dataclass(frozen=True, eq=False)
class Compositions:
    """Compositions as `counts` (n, 103) int16: atoms of the element of atomic number column + 1, as they were given.

    Rows may be reduced (``NaCl``) or not (``Na4Cl4``); `reduced` says which is meant. No row is empty if it was read
    from a formula; a generator may make empty rows, whose formula is the empty string.
    """

    counts: NDArray[np.int16]

    def __post_init__(self) -> None:
        if self.counts.ndim != 2 or self.counts.shape[1] != N_ELEMENT:
            raise UserInputError(f"compositions are (n, {N_ELEMENT}) counts, these have the shape {self.counts.shape}")

    @classmethod
    def from_formulas(cls, formulas: Sequence[str]) -> Self:
        """Return the compositions of formulas, one row a formula, amounts as written.

        Raises
        ------
        UserInputError
            Naming the first formulas that cannot be read; `read_formulas` tells of each and goes on.
        """
        read = read_formulas(formulas)
        if read.failures:
            some = "; ".join(list(read.failures.values())[:3])
            raise UserInputError(f"{len(read.failures)} of {len(formulas)} formulas cannot be read: {some}")
        return cls(read.compositions.counts)

    @classmethod
    def of_entries(
        cls, n: int, rows: NDArray[np.integer], columns: NDArray[np.integer], counts: NDArray[np.integer]
    ) -> Self:
        """Return n compositions of entries (row, atomic number - 1, atoms); entries of one element add up."""
        table = np.zeros((n, N_ELEMENT), dtype=np.int64)
        np.add.at(table, (rows, columns), counts)
        return cls(table.astype(np.int16))

    @classmethod
    def concatenated(cls, parts: Iterable[Compositions]) -> Self:
        """Return the rows of all parts, in order."""
        tables = [part.counts for part in parts]
        return cls(np.concatenate(tables) if tables else np.zeros((0, N_ELEMENT), dtype=np.int16))

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def n_atom(self) -> NDArray[np.int64]:
        """(n,) atoms in the formula as given."""
        return np.asarray(self.counts.sum(axis=1), dtype=np.int64)

    @property
    def n_element(self) -> NDArray[np.int64]:
        """(n,) different elements."""
        return np.asarray(np.count_nonzero(self.counts, axis=1), dtype=np.int64)

    @property
    def largest_count(self) -> NDArray[np.int64]:
        """(n,) most atoms of one element in the formula as given."""
        return np.asarray(self.counts.max(axis=1, initial=0), dtype=np.int64)

    def fractions(self) -> NDArray[np.float64]:
        """Return (n, 103) amounts over their sum; zeros for an empty row."""
        total = np.maximum(self.n_atom, 1)
        return self.counts / total[:, None]

    def select(self, rows: NDArray[np.bool_] | NDArray[np.integer] | slice) -> Compositions:
        """Return the rows of a mask, of positions or of a slice."""
        return Compositions(self.counts[rows])

    def reduced(self) -> Compositions:
        """Return the compositions over the greatest common divisor of their counts; ``Na2O2`` becomes NaO here."""
        divisor = np.gcd.reduce(self.counts, axis=1) if len(self) else np.ones(0, dtype=np.int16)
        return Compositions((self.counts // np.maximum(divisor, 1)[:, None]).astype(np.int16))

    def keys(self) -> NDArray[np.uint64]:
        """Return (n,) hashes of the rows, the same in each process; equal rows have equal keys."""
        return np.asarray(self.counts.astype(np.uint64) @ _key_weights(), dtype=np.uint64)

    def first_rows(self) -> NDArray[np.int64]:
        """Return the positions of the first of each group of equal rows, ascending."""
        _, first, group = np.unique(self.keys(), return_index=True, return_inverse=True)
        if not np.array_equal(self.counts[first[group]], self.counts):  # two rows share a key: once in 1e7 millions
            _, first = np.unique(self.counts, axis=0, return_index=True)
        return np.sort(first).astype(np.int64)

    def unique(self) -> Compositions:
        """Return the first of each group of equal rows, in order; `reduced()` first makes multiples equal."""
        return self.select(self.first_rows())

    def position_in(self, others: Compositions) -> NDArray[np.int64]:
        """Return (n,) the position of an equal row among others, -1 where there is none."""
        found = np.full(len(self), -1, dtype=np.int64)
        if not len(self) or not len(others):
            return found
        keys = others.keys()
        order = np.argsort(keys, kind="stable")
        place = order[np.searchsorted(keys, self.keys(), sorter=order).clip(max=len(order) - 1)]
        equal = (others.counts[place] == self.counts).all(axis=1)
        found[equal] = place[equal]
        return found

    def is_in(self, others: Compositions) -> NDArray[np.bool_]:
        """Return (n,) whether an equal row is among others."""
        return self.position_in(others) >= 0

    def amounts(self) -> list[dict[str, int]]:
        """Return by row symbol -> atoms, by ascending atomic number."""
        rows, columns = np.nonzero(self.counts)
        found: list[dict[str, int]] = [{} for _ in range(len(self))]
        values = self.counts[rows, columns].tolist()
        for row, column, value in zip(rows.tolist(), columns.tolist(), values, strict=True):
            found[row][SYMBOLS[column]] = value
        return found

    def formulas(self) -> list[str]:
        """Return the reduced formulas as pymatgen writes them (``Ca3(PO4)2``, ``Na2O2``, ``O2``)."""
        return [formulae(amounts).reduced if amounts else "" for amounts in self.amounts()]


@dataclass(frozen=True, eq=False)
class ReadFormulas:
    """What was read of formulas: the compositions, `rows` (n,) their positions, and why others could not be read."""

    compositions: Compositions
    rows: NDArray[np.int64]
    failures: Mapping[int, str]


def read_formulas(formulas: Sequence[str]) -> ReadFormulas:
    """Return the compositions of those formulas that can be read, and one sentence for each other, by position.

    Whole numbers of atoms of H to Lr, in round, square or curly brackets of any depth; amounts are kept as written.
    """
    failures: dict[int, str] = {}
    plain: list[str] = []
    rows: list[int] = []
    for row, formula in enumerate(formulas):
        try:
            text = formula if _PLAIN.fullmatch(formula) else _without_brackets(formula)
        except UserInputError as error:
            failures[row] = str(error)
        else:
            plain.append(text)
            rows.append(row)
    found = _TOKEN.findall("\n".join(plain))
    columns = np.array([_NUMBER.get(symbol, -2 if symbol != "\n" else -1) for symbol, _ in found], dtype=np.int64)
    counts = np.array([min(int(count), 10 * LARGEST_COUNT) if count else 1 for _, count in found], dtype=np.int64)
    place = np.cumsum(columns == -1)
    for token in np.flatnonzero(columns == -2):
        row = rows[place[token]]
        failures[row] = f"{formulas[row]!r}: {found[token][0]} is none of the elements H to Lr"
    real = columns >= 0
    table = np.zeros((len(plain), N_ELEMENT), dtype=np.int64)
    np.add.at(table, (place[real], columns[real]), counts[real])
    for bad in np.flatnonzero((table > LARGEST_COUNT).any(axis=1) | (table.sum(axis=1) == 0)):
        failures.setdefault(
            rows[bad], f"{formulas[rows[bad]]!r}: it holds no atoms, or more than {LARGEST_COUNT} of one element"
        )
    kept = np.array([row not in failures for row in rows], dtype=bool)
    return ReadFormulas(
        Compositions(table[kept].astype(np.int16)),
        np.array(rows, dtype=np.int64)[kept],
        dict(sorted(failures.items())),
    )


def _without_brackets(formula: str) -> str:
    """Return a formula with its brackets multiplied out: ``Ca3P2O8`` of ``Ca3(PO4)2``."""
    text = "".join(formula.translate(_ROUND_BRACKETS).split())
    while bracket := _INNERMOST.search(text):
        inside, times = bracket.group(1), int(bracket.group(2) or 1)
        if not _PLAIN.fullmatch(inside) or times > LARGEST_COUNT:
            break
        parts = "".join(f"{symbol}{int(count or 1) * times}" for symbol, count in _TOKEN.findall(inside))
        text = text[: bracket.start()] + parts + text[bracket.end() :]
    if not _PLAIN.fullmatch(text):
        raise UserInputError(f"{formula!r} is not a formula of whole numbers of atoms, such as Ca3(PO4)2")
    return text


@cache
def _key_weights() -> NDArray[np.uint64]:
    """Return (103,) odd random numbers, the same in each process."""
    return np.random.default_rng(20210617).integers(0, 2**64, N_ELEMENT, dtype=np.uint64) | np.uint64(1)
