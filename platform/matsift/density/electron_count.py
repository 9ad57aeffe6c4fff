"""How many electrons a cell can hold: all of them, or those outside closed cores, which a valence density counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from matsift.crystal import ELEMENT_SYMBOLS

#: Electrons that pseudopotentials keep in the core: filled shells in the order in which tables of them cut.
CLOSED_CORES = (0, 2, 4, 10, 12, 18, 28, 30, 36, 46, 48, 54, 60, 62, 68, 78, 80, 86)

_LANTHANIDES = range(58, 72)  # their potentials may keep any number of 4f electrons in the core
_FEWEST_OF_A_LANTHANIDE = 8
_XENON_CORE = 46


def all_electrons(symbols: Iterable[str]) -> int:
    """Return the electrons of neutral atoms."""
    return sum(ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in symbols)


def valences(symbol: str) -> tuple[int, ...]:
    """Return the numbers of electrons that a neutral atom can have outside a core, ascending.

    A core is one of `CLOSED_CORES`; that of a lanthanide may hold 4f electrons.
    """
    z = ELEMENT_SYMBOLS.index(symbol) + 1
    found = {z - core for core in CLOSED_CORES if core < z}
    if z in _LANTHANIDES:
        found |= set(range(_FEWEST_OF_A_LANTHANIDE, z - _XENON_CORE + 1))
    return tuple(sorted(found))


def nearest_valence_count(symbols: Iterable[str], integral: float) -> int:
    """Return the number of electrons nearest to an integral that a cell of these atoms can have outside closed cores.

    All atoms of an element have the same core. Of two that are equally near it is the smaller.
    """
    reachable = {0}
    for symbol, count in sorted(Counter(symbols).items()):
        reachable = {before + count * valence for before in reachable for valence in valences(symbol)}
    return min(reachable, key=lambda count: (abs(count - integral), count))
