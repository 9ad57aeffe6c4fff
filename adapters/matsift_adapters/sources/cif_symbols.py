"""Elements and formulae as CIFs write them: what a label or a type symbol means beyond doubt, whether sums agree."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

from matsift.crystal import ELEMENT_SYMBOLS
from matsift_adapters.sources.pymatgen_json import ISOTOPES

_KNOWN = frozenset(ELEMENT_SYMBOLS)
_TYPE = re.compile(r"([A-Z][a-z]?)(?:\d*\.?\d*[+-]|[+-]\d*\.?\d*|\d+)?")
_LABEL = re.compile(r"([A-Z][a-z]?)(?![a-z])")
#: Beginnings that pymatgen's parser takes for water, hydroxide and nitrate.
_GROUPS = ("Hw", "Ow", "Wat", "OH", "NO3", "O-H")
_FORMULA_PART = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")

#: How far the ratios of found to stated amounts may lie apart; pymatgen's choice.
_RATIO_TOLERANCE = 0.01


@lru_cache(maxsize=8192)
def element_of_type(text: str) -> str | None:
    """Return the element, D or T of a type symbol (``Fe3+``); None where it is open to guessing."""
    match = _TYPE.fullmatch(text)
    if match is None or text.startswith(_GROUPS):
        return None
    return match[1] if match[1] in _KNOWN or match[1] in ISOTOPES else None


@lru_cache(maxsize=8192)
def element_of_label(text: str) -> str | None:
    """Return the element of a label (``Fe1A``); None where it is open to guessing (``CO1``, ``D1``, ``Wat2``)."""
    match = _LABEL.match(text)
    if match is None or match[1] not in _KNOWN or text.startswith(_GROUPS) or " + " in text:
        return None
    return None if len(match[1]) == 1 and text[:2].title() in _KNOWN and len(text) > 1 else match[1]


def formula_amounts(stated: str) -> dict[str, float] | None:
    """Return the amounts of a formula (``'Fe2 O3'``); None where it cannot be made out."""
    parts = [_FORMULA_PART.fullmatch(part) for part in stated.split()]
    if not parts:
        return None
    if None in parts:
        return _by_pymatgen(stated)
    amounts = {part[1]: float(part[2] or 1) if part[2] != "." else 0.0 for part in parts if part is not None}
    is_plain = len(amounts) == len(parts) and all(amounts.values()) and all(map(math.isfinite, amounts.values()))
    return amounts if is_plain else None


@lru_cache(maxsize=1024)
def _by_pymatgen(stated: str) -> dict[str, float] | None:
    """Return the amounts of a formula with brackets or charges; None where pymatgen cannot make it out either."""
    from pymatgen.core import Composition  # noqa: PLC0415  pymatgen takes a second to import

    try:
        composition = Composition(stated).remove_charges()
    except Exception:  # noqa: BLE001  it raises anything from ValueError to IndexError
        return None
    amounts = {str(element): float(amount) for element, amount in composition.items()}
    return amounts if all(map(math.isfinite, amounts.values())) else None


def formula_ratio(stated: Mapping[str, float], found: Mapping[str, float]) -> float | None:
    """Return how many times a formula is found; None where the elements or their ratios differ."""
    if stated.keys() != found.keys():
        return None
    ratios = [found[symbol] / amount for symbol, amount in stated.items()]
    return None if max(ratios) - min(ratios) >= _RATIO_TOLERANCE else ratios[0]
