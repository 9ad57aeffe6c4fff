"""Formulae of what a cell holds, letter for letter as pymatgen writes them, without its objects for whole numbers."""

from __future__ import annotations

import math
import string
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from matsift.crystal import ELEMENT_SYMBOLS

#: Smallest difference of electronegativity, Pauling scale, at which the last two elements are no polyanion.
_POLYANION_LIMIT = 1.65


@dataclass(frozen=True)
class Formulae:
    """The formula of a cell (``Na4 Cl4``), the reduced (``NaCl``) and the anonymous one (``AB``), and the mass in u."""

    formula: str
    reduced: str
    anonymous: str
    mass_u: float


def formulae(amounts: Mapping[str, float]) -> Formulae:
    """Return the formulae and the mass of amounts of elements, of which each is more than 0.

    Amounts that are not whole, of shared or vacant sites, are left to `pymatgen.core.Composition`, which takes twenty
    times as long.
    """
    if not all(amount == int(amount) for amount in amounts.values()):
        return _of_shared_sites(amounts)
    masses = _masses()
    whole = {symbol: int(amount) for symbol, amount in amounts.items()}
    return Formulae(
        " ".join(f"{symbol}{whole[symbol]}" for symbol in _sorted(whole)),
        _special_formulae().get(reduced := _reduced(whole)[0], reduced),
        _anonymous(whole),
        sum(amount * masses[symbol] for symbol, amount in amounts.items()),
    )


def _of_shared_sites(amounts: Mapping[str, float]) -> Formulae:
    from pymatgen.core import Composition  # noqa: PLC0415  pymatgen takes a second to import

    composition = Composition(dict(amounts))
    with warnings.catch_warnings():  # noble gases and the heaviest elements have no electronegativity to sort by
        warnings.simplefilter("ignore", UserWarning)
        formula, reduced = composition.formula, composition.reduced_formula
    return Formulae(formula, reduced, composition.anonymized_formula, float(composition.weight))


def _reduced(amounts: Mapping[str, int]) -> tuple[str, int]:
    """Return the formula over the greatest common divisor of its amounts, and that divisor.

    The two most electronegative of three elements or more stand in brackets if they have a divisor of their own and are
    alike enough to be one anion, as in ``Ca3(PO4)2``.
    """
    symbols, divisor = _sorted(amounts), math.gcd(*amounts.values())
    end = ""
    if len(symbols) > 2 and _negativity(symbols[-1]) - _negativity(symbols[-2]) < _POLYANION_LIMIT:  # NaN: none
        anion, times = _reduced({symbol: amounts[symbol] // divisor for symbol in symbols[-2:]})
        if times != 1:
            symbols, end = symbols[:-2], f"({anion}){times}"
    counts = ((symbol, amounts[symbol] // divisor) for symbol in symbols)
    return "".join(symbol if count == 1 else f"{symbol}{count}" for symbol, count in counts) + end, divisor


def _anonymous(amounts: Mapping[str, int]) -> str:
    divisor = math.gcd(*amounts.values())
    counts = sorted(amount // divisor for amount in amounts.values())
    letters = zip(string.ascii_uppercase, counts, strict=False)  # past 26 elements pymatgen has no letter either
    return "".join(letter if count == 1 else f"{letter}{count}" for letter, count in letters)


def _sorted(amounts: Mapping[str, int]) -> list[str]:
    order = element_order()
    return sorted(amounts, key=order.__getitem__)


def _negativity(symbol: str) -> float:
    return _order_and_negativity()[1][symbol]


def element_order() -> dict[str, tuple[float, str]]:
    """Return by symbol what pymatgen sorts elements by: electronegativity, infinite where there is none, then name."""
    return _order_and_negativity()[0]


@cache
def _order_and_negativity() -> tuple[dict[str, tuple[float, str]], dict[str, float]]:
    """Return by symbol what elements are sorted by, and the electronegativity, NaN where there is none."""
    from pymatgen.core import Element  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        negativity = {symbol: float(Element(symbol).X) for symbol in ELEMENT_SYMBOLS}
    order = {symbol: (math.inf if math.isnan(x) else x, symbol) for symbol, x in negativity.items()}
    return order, negativity


@cache
def _masses() -> dict[str, float]:
    from pymatgen.core import Element  # noqa: PLC0415

    return {symbol: float(Element(symbol).atomic_mass) for symbol in ELEMENT_SYMBOLS}


@cache
def _special_formulae() -> dict[str, str]:
    """Return the reduced formulae that chemists do not reduce so far: ``O2``, ``Na2O2``."""
    from pymatgen.core import Composition  # noqa: PLC0415

    return dict(Composition.special_formulas)
