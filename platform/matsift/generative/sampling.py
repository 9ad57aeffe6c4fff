"""Millions of compositions from a generator or by chance, chunk by chunk, with what was refused on the way counted.

Chunks are drawn from their own random numbers, [seed, number of the chunk]: a sampling can be stopped and continued at
any chunk, and chunks can be drawn by several processes, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.generative.formulas import N_ELEMENT, Compositions
from matsift.generative.validity import ValidityRules, validity

#: Compositions a chunk; a matrix of one takes 3 kB until it is read.
CHUNK = 50_000

#: A maker of n compositions from random numbers: `CompositionGan.sample`, `uniform_maker(...)`, `shuffled_maker(...)`.
Maker = Callable[[int, np.random.Generator], Compositions]


@dataclass(frozen=True)
class SizeLimits:
    """Which compositions go on, by size as they are written; 0 sets no limit. Defaults: MatGAN's 2 to 8 elements.

    Parameters
    ----------
    least_elements, most_elements
        Different elements.
    most_atoms
        Atoms in the formula.
    most_count
        Atoms of one element.
    """

    least_elements: int = 2
    most_elements: int = 8
    most_atoms: int = 0
    most_count: int = 0

    def within(self, compositions: Compositions) -> NDArray[np.bool_]:
        """Return (n,) which compositions keep within the limits; an empty row never does."""
        n_element = compositions.n_element
        kept = (n_element >= max(self.least_elements, 1)) & _at_most(n_element, self.most_elements)
        kept &= _at_most(compositions.n_atom, self.most_atoms)
        return kept & _at_most(compositions.largest_count, self.most_count)


#: Of the 2.99 million samples of paper 004 those that its chemical checks were asked of.
PAPER_LIMITS = SizeLimits(2, 5, 20, 7)
#: Which the code of paper 004 alone tells of: fewer than 4 elements and 8 atoms, before candidates are counted.
PAPER_HIDDEN_LIMITS = SizeLimits(2, 3, 7, 7)


@dataclass(frozen=True)
class Counts:
    """How many compositions were drawn, and left after each step; `outside` and `invalid` were refused.

    `repeated` were valid, but another of the sampling had the same reduced formula; `known` were among the known ones.
    """

    drawn: int = 0
    outside: int = 0
    invalid: int = 0
    repeated: int = 0
    known: int = 0
    kept: int = 0


@dataclass(frozen=True, eq=False)
class Sampled:
    """Reduced compositions, each once, in the order in which they were first drawn, and the counts of all steps."""

    compositions: Compositions
    counts: Counts

    @classmethod
    def nothing(cls) -> Self:
        """Return what a sampling begins with."""
        return cls(Compositions.concatenated([]), Counts())


def sample_chunks(maker: Maker, n: int, seed: int, *, first: int = 0, chunk: int = CHUNK) -> Iterator[Compositions]:
    """Yield n compositions in chunks, as they come from the maker, beginning with the chunk of number `first`."""
    for number in range(first, -(-n // chunk)):
        yield maker(min(chunk, n - number * chunk), np.random.default_rng([seed, number]))


def admitted(
    drawn: Compositions,
    before: Sampled,
    known: Compositions,
    limits: SizeLimits = PAPER_LIMITS,
    rules: ValidityRules | None = None,
) -> Sampled:
    """Return what was sampled before together with those of a chunk that are within limits, valid, not there and new.

    `known` must be reduced. Fold it over `sample_chunks`; the state between two chunks is `before`.
    """
    within = drawn.select(limits.within(drawn)).reduced()
    fresh = within.unique()
    passes = validity(fresh, rules).valid
    n_valid = int(passes[within.position_in(fresh)].sum())
    fresh = fresh.select(passes)
    repeated = fresh.is_in(before.compositions)
    among_known = fresh.is_in(known) & ~repeated
    kept = fresh.select(~repeated & ~among_known)
    counts = before.counts
    return Sampled(
        Compositions.concatenated([before.compositions, kept]),
        replace(
            counts,
            drawn=counts.drawn + len(drawn),
            outside=counts.outside + len(drawn) - len(within),
            invalid=counts.invalid + len(within) - n_valid,
            repeated=counts.repeated + n_valid - len(kept) - int(among_known.sum()),
            known=counts.known + int(among_known.sum()),
            kept=counts.kept + len(kept),
        ),
    )


def uniform_maker(elements: NDArray[np.integer], limits: SizeLimits = PAPER_LIMITS) -> Maker:
    """Return a maker of compositions without any knowledge: every number of elements, element and count alike likely.

    `elements` are the atomic numbers to draw from; compositions of more atoms than the limits allow are drawn again.

    Raises
    ------
    UserInputError
        If the limits leave the number of elements or the counts open.
    """
    if not limits.most_elements or not limits.most_count:
        raise UserInputError("to draw at random, give the most elements and the most atoms of one element")
    columns = np.asarray(elements) - 1

    def once(n: int, random: np.random.Generator) -> Compositions:
        n_element = random.integers(limits.least_elements, limits.most_elements + 1, n)
        chosen = np.argsort(random.random((n, len(columns))), axis=1)[:, : limits.most_elements]
        counts = random.integers(1, limits.most_count + 1, chosen.shape).astype(np.int16)
        counts[np.arange(limits.most_elements) >= n_element[:, None]] = 0
        table = np.zeros((n, N_ELEMENT), dtype=np.int16)
        np.put_along_axis(table, columns[chosen], counts, axis=1)
        return Compositions(table)

    return _until_within(once, limits)


def shuffled_maker(known: Compositions, limits: SizeLimits = PAPER_LIMITS) -> Maker:
    """Return a maker that knows how often elements, counts and numbers of elements occur, but not what goes together.

    Each composition takes the number of elements of one known formula within the limits, elements by their frequency
    without repetition, and counts by theirs.

    Raises
    ------
    UserInputError
        If no known formula is within the limits.
    """
    usable = known.select(limits.within(known)).counts
    if not len(usable):
        raise UserInputError("none of the known formulas is within the limits")
    frequency = (usable > 0).sum(axis=0).astype(float)
    columns = np.flatnonzero(frequency)
    sizes, counts_seen = np.count_nonzero(usable, axis=1), usable[usable > 0]

    def once(n: int, random: np.random.Generator) -> Compositions:
        n_element = random.choice(sizes, n)
        most = int(sizes.max())
        # the smallest of exponential waiting times are a weighted draw without repetition
        waiting = random.exponential(size=(n, len(columns))) / frequency[columns]
        chosen = np.argsort(waiting, axis=1)[:, :most]
        counts = random.choice(counts_seen, chosen.shape)
        counts[np.arange(chosen.shape[1]) >= n_element[:, None]] = 0
        table = np.zeros((n, N_ELEMENT), dtype=np.int16)
        np.put_along_axis(table, columns[chosen], counts, axis=1)
        return Compositions(table)

    return _until_within(once, limits)


def _until_within(once: Maker, limits: SizeLimits) -> Maker:
    """Return a maker that draws again, up to a thousand times, what is outside of the limits."""

    def make(n: int, random: np.random.Generator) -> Compositions:
        table = np.zeros((n, N_ELEMENT), dtype=np.int16)
        missing = np.arange(n)
        for _ in range(1000):
            drawn = once(len(missing), random)
            within = limits.within(drawn)
            table[missing[within]] = drawn.counts[within]
            missing = missing[~within]
            if not len(missing):
                break
        return Compositions(table)

    return make


def _at_most(values: NDArray[np.int64], limit: int) -> NDArray[np.bool_]:
    return values <= limit if limit else np.ones(len(values), dtype=bool)
