"""Which descriptor set a column belongs to: groups for the ablation, importances a set, the columns of a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError

#: The combinations of paper 001, figure 3: Materials Project properties, chemical (C) and structural (S) descriptors.
PAPER_ABLATION: dict[str, tuple[str, ...]] = {
    "All": ("mp", "mp_energy", "magpie", "voronoi"),
    "C+S": ("magpie", "voronoi"),
    "C": ("magpie",),
    "S": ("voronoi",),
}

_ELEMENT_STATISTICS = "MagpieData "
N_ELEMENT_STATISTICS = 132


def ablation_masks(
    set_of_column: Sequence[str], ablation: Mapping[str, Sequence[str]] = PAPER_ABLATION
) -> dict[str, NDArray[np.bool_]]:
    """Return, for each group of descriptor sets, which of the n_column columns stay.

    Parameters
    ----------
    set_of_column
        (n_column,) name of the descriptor set of each column.
    ablation
        Group name -> names of its sets; a set without a column here is passed over.

    Raises
    ------
    UserInputError
        If a group has no column at all.
    """
    masks = {name: np.array([s in sets for s in set_of_column], dtype=bool) for name, sets in ablation.items()}
    for name, mask in masks.items():
        if not mask.any():
            raise UserInputError(f"the ablation group {name!r} has no column; it names {', '.join(ablation[name])}")
    return masks


def importance_by_set(fractions: NDArray[np.float64], set_of_column: Sequence[str]) -> dict[str, float]:
    """Return the summed importance of each descriptor set, in order of first appearance."""
    totals: dict[str, float] = {}
    for fraction, name in zip(fractions, set_of_column, strict=True):
        totals[name] = totals.get(name, 0.0) + float(fraction)
    return totals


def leading_columns(fractions: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return the positions of the n most important columns, the first one first, ties by position."""
    return np.argsort(-fractions, kind="stable")[:n]


def is_element_statistic(name: str) -> bool:
    """Return whether a column is a statistic of one elemental property over a composition."""
    return name.startswith(_ELEMENT_STATISTICS)


def element_statistics(names: Sequence[str]) -> NDArray[np.int64]:
    """Return the positions of the 132 elemental statistics of the set "magpie" among column names, in its order.

    Raises
    ------
    UserInputError
        If not all are there.
    """
    found = np.array([place for place, name in enumerate(names) if is_element_statistic(name)], dtype=np.int64)
    if len(found) != N_ELEMENT_STATISTICS:
        raise UserInputError(
            f"of {len(names)} columns {len(found)} are elemental statistics, not {N_ELEMENT_STATISTICS}; "
            'give the columns of the descriptor set "magpie"'
        )
    return found
