"""Whole charges on paper, one state an element, that balance: what ionic radii of a composition are chosen by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from functools import cache

from matsift.candidates.ions import IONS

#: More combinations of states than these are not tried; the composition then counts as one without charges.
_MOST_COMBINATIONS = 200_000


def balanced_charges(
    amounts: Mapping[str, int], *, like: Mapping[str, int] | None = None
) -> tuple[dict[str, int], ...]:
    """Return the assignments of one oxidation state an element that sum to 0, likeliest first; none for an alloy.

    Likelier are those in which every anion is more electronegative than every cation, then those with fewer states that
    are not common ones (pymatgen's cations, and the ions of `matsift.candidates.ions`), then those that are like other
    charges, then those with smaller charges.

    Parameters
    ----------
    amounts
        Element symbol -> whole number of atoms.
    like
        Element symbol -> a charge, for example of the element whose place it takes.
    """
    if len(amounts) < 2:
        return ()
    symbols, counts = list(amounts), list(amounts.values())
    states = [_states(symbol) for symbol in symbols]
    if math.prod(len(s) for s in states) > _MOST_COMBINATIONS:
        return ()
    found = [
        charges
        for charges in itertools.product(*states)
        if sum(n * q for n, q in zip(counts, charges, strict=True)) == 0
    ]

    def unlikely(charges: tuple[int, ...]) -> tuple[bool, int, int, int, tuple[int, ...]]:
        return (
            not _is_ordered(tuple(symbols), charges),
            sum(q not in _common(s) for s, q in zip(symbols, charges, strict=True)),
            sum(q != like.get(s, q) for s, q in zip(symbols, charges, strict=True)) if like else 0,
            sum(n * abs(q) for n, q in zip(counts, charges, strict=True)),
            charges,
        )

    return tuple(dict(zip(symbols, charges, strict=True)) for charges in sorted(found, key=unlikely))


def _is_ordered(symbols: tuple[str, ...], charges: tuple[int, ...]) -> bool:
    cations = [_negativity(s) for s, q in zip(symbols, charges, strict=True) if q > 0]
    anions = [_negativity(s) for s, q in zip(symbols, charges, strict=True) if q < 0]
    return max(cations) < min(anions)


@cache
def _states(symbol: str) -> tuple[int, ...]:
    """Cationic states that pymatgen knows, anionic ones only where an anion's radius is known."""
    from pymatgen.core import Element  # noqa: PLC0415  slow to import

    return tuple(sorted({*_common(symbol), *(q for q in Element(symbol).icsd_oxidation_states if q > 0)}))


@cache
def _common(symbol: str) -> frozenset[int]:
    from pymatgen.core import Element  # noqa: PLC0415  slow to import

    cations = {q for q in Element(symbol).common_oxidation_states if q > 0}
    return frozenset(cations | {q for q, ions in IONS.items() if symbol in ions})


def _negativity(symbol: str) -> float:
    from matsift.formulae import element_order  # noqa: PLC0415  it loads pymatgen

    return element_order()[symbol][0]
