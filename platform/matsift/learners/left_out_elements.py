"""Leave one element out: every compound with an element tests, and a learner is trained on compounds without it.

The sets of Zhao et al. 2020 (J. Phys. Chem. C 124, 17262), table 1: one for each element that more than a
threshold of the compounds contain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.learners.evaluation import regression_metrics
from matsift.learners.held_out import Learning

#: The threshold of the paper, as a count and as a share of its 2,170 compounds.
PAPER_THRESHOLD = 200
PAPER_SHARE = 200 / 2170


@dataclass(frozen=True, eq=False)
class ElementSet:
    """An element and the (n,) mask of the rows that contain it: they test, all others train."""

    element: str
    test: NDArray[np.bool_]

    @property
    def n_test(self) -> int:
        """How many rows contain the element."""
        return int(self.test.sum())

    @property
    def n_train(self) -> int:
        """How many rows do not."""
        return len(self.test) - self.n_test


@dataclass(frozen=True, eq=False)
class LeftOutElements:
    """What models say of the compounds of each element that they were trained without.

    Parameters
    ----------
    y
        (n,) labels.
    sets
        The n_set elements.
    mean, spread
        (n_set, n), NaN where a row does not contain the element of the set.
    """

    y: NDArray[np.float64]
    sets: tuple[ElementSet, ...]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements of the sets, in their order."""
        return tuple(found.element for found in self.sets)

    def scores(self) -> dict[str, dict[str, float]]:
        """Return element -> metric -> value, by `regression_metrics`."""
        return {
            found.element: regression_metrics(self.y[found.test], said[found.test], spread=spread[found.test])
            for found, said, spread in zip(self.sets, self.mean, self.spread, strict=True)
        }


def contains(elements: Iterable[Collection[str]], element: str) -> NDArray[np.bool_]:
    """Return which of n compounds contain an element; `elements` are those of each compound."""
    return np.array([element in own for own in elements], dtype=bool)


def elements_to_leave_out(elements: Sequence[Collection[str]], threshold: float = PAPER_SHARE) -> tuple[str, ...]:
    """Return the elements that more than a threshold of n compounds contain, the most frequent first, ties by symbol.

    Parameters
    ----------
    elements
        (n,) the elements of each compound; one that is named twice counts once.
    threshold
        1 and above: a number of compounds (the paper's is 200); below 1: a share of the n.

    Raises
    ------
    UserInputError
        If the threshold is negative, or not a whole number where it is a number of compounds.
    """
    if threshold < 0 or (threshold >= 1 and threshold != int(threshold)):
        raise UserInputError(
            f"the threshold {threshold:g} of elements to leave out must be a number of compounds, or a share below 1"
        )
    fewest = threshold if threshold >= 1 else threshold * len(elements)
    counts = Counter(symbol for own in elements for symbol in set(own))
    often = (symbol for symbol, n in counts.items() if n > fewest)
    return tuple(sorted(often, key=lambda symbol: (-counts[symbol], symbol)))


def element_sets(
    elements: Sequence[Collection[str]], *, threshold: float = PAPER_SHARE, only: Sequence[str] | None = None
) -> tuple[ElementSet, ...]:
    """Return a set for each element that more than a threshold of the compounds contain.

    Parameters
    ----------
    elements
        (n,) the elements of each compound.
    threshold
        As `elements_to_leave_out`; not looked at where `only` is given.
    only
        These elements, in this order, instead of those above the threshold.

    Raises
    ------
    UserInputError
        If no compound contains an element of `only`, or all do; the same for elements above the threshold.
    """
    chosen = elements_to_leave_out(elements, threshold) if only is None else tuple(only)
    sets = tuple(ElementSet(symbol, contains(elements, symbol)) for symbol in chosen)
    for found in sets:
        if not 0 < found.n_test < len(elements):
            how_many = "none" if not found.n_test else "all"
            raise UserInputError(
                f"{how_many} of {len(elements)} compounds contain {found.element}, so it cannot be left out"
            )
    return sets


def leave_elements_out(learning: Learning, sets: Sequence[ElementSet]) -> LeftOutElements:
    """Return what a learner of the registry says of the compounds of each element when trained on all others.

    Parameters
    ----------
    learning
        The learner and its n rows.
    sets
        The elements.

    Raises
    ------
    UserInputError
        If the settings are wrong or the rows cannot be learned from.
    """
    labels, tests = learning.labels, [found.test for found in sets]
    said = learning.said_of(tests)
    mean, spread = np.full((2, len(tests), len(labels)), np.nan)
    for place, test in enumerate(tests):
        mean[place, test], spread[place, test] = said[place]
    return LeftOutElements(labels, tuple(sets), mean, spread)
