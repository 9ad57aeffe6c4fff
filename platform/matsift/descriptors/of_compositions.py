"""Descriptors of compositions that have no crystal: the sets that look at nothing but amounts of elements."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.descriptors.composition import MAGPIE, Compositions, magpie_descriptors
from matsift.descriptors.element_fractions import ELEMENT_FRACTIONS, element_fractions
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.errors import UserInputError
from matsift.generative.formulas import read_formulas

_SETS: Mapping[str, tuple[DescriptorSet, Callable[[Compositions], NDArray[np.float64]]]] = {
    MAGPIE.name: (MAGPIE, magpie_descriptors),
    ELEMENT_FRACTIONS.name: (ELEMENT_FRACTIONS, element_fractions),
}
#: Rows described at a time, which bounds the memory of a million compositions.
_CHUNK = 4096


def composition_sets() -> tuple[str, ...]:
    """Return the names of the descriptor sets that a composition alone has."""
    return tuple(_SETS)


def described_amounts(names: Sequence[str], amounts: ArrayLike) -> NDArray[np.float64]:
    """Return the descriptors (n, n_column) of compositions in some sets, one set after the other.

    Parameters
    ----------
    names
        Descriptor sets, of `composition_sets`.
    amounts
        (n, m <= 118) amounts, or fractions, by atomic number - 1, each row with at least one above 0:
        `matsift.generative.formulas.Compositions.counts`, for example.

    Raises
    ------
    UserInputError
        If a set needs a crystal, or a row holds no element or a number that is no amount.
    """
    strange = [name for name in names if name not in _SETS]
    if strange:
        raise UserInputError(
            f"the descriptor set {strange[0]!r} needs a crystal; of a formula alone there are {', '.join(_SETS)}"
        )
    dense = np.asarray(amounts)
    values = np.empty((len(dense), sum(len(_SETS[name][0].columns) for name in names)))
    for start in range(0, len(dense), _CHUNK):
        compositions = _compositions(dense[start : start + _CHUNK].astype(np.float64), start)
        values[start : start + _CHUNK] = np.concatenate([_SETS[name][1](compositions) for name in names], axis=1)
    return values


def compute_compositions(names: Sequence[str], formulas: Sequence[str]) -> DescriptorChunk:
    """Return the descriptors (n, n_column) of formulas in some sets, one set after the other.

    A formula that cannot be read, or holds no whole numbers of the elements from H to Lr, is a failure of the chunk and
    does not stop the others. Sets and errors are those of `described_amounts`.
    """
    started = time.perf_counter()
    read = read_formulas(formulas)
    values = described_amounts(names, read.compositions.counts)
    failures = {row: ("DescriptorError", problem) for row, problem in read.failures.items()}
    rows = np.asarray(read.rows, dtype=np.int64)
    return DescriptorChunk.scatter(rows, values, failures, seconds=time.perf_counter() - started)


def columns_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns that `described_amounts` gives for some sets."""
    return tuple(column for name in names for column in _SETS[name][0].columns)


def _compositions(amounts: NDArray[np.float64], first: int) -> Compositions:
    wrong = ~(np.isfinite(amounts) & (amounts >= 0)).all(axis=1) | ~(amounts > 0).any(axis=1)
    if wrong.any():
        raise UserInputError(
            f"row {first + int(np.flatnonzero(wrong)[0])} is no composition: amounts are numbers from 0 on, and one "
            "at least is above 0"
        )
    row, place = np.nonzero(amounts)
    amount = amounts[row, place]
    start = np.searchsorted(row, np.arange(len(amounts))).astype(np.int64)
    return Compositions(row, place + 1, amount, start, amount / amounts.sum(axis=1)[row])
