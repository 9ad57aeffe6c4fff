"""Which entries of COD are wanted, by the elements of their formula."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.study.cod import CodChoice

#: Oxygen atoms for each carbon from which a carbon counts as carbonate.
CARBONATE_OXYGEN = 3.0

_NONMETALS = frozenset(["H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "As", "Se", "Br", "Te", "I", "At"]) | {
    *("He", "Ne", "Ar", "Kr", "Xe", "Rn", "Og")
}
_PART = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*|\.\d+)?")
_ISOTOPES = {"D": "H", "T": "H"}
# A value on the tag's line or the next, bare, in quotes or in a text field.
_FORMULA = re.compile(
    rb"^_chemical_formula_sum[ \t]*\r?\n?[ \t]*(?:'([^'\r\n]*)'|\"([^\"\r\n]*)\"|;([^;]*);|([^\s'\";]\S*))",
    re.MULTILINE | re.IGNORECASE,
)


def formula_in(head: bytes) -> str | None:
    """Return the formula that the beginning of a CIF states, None where it states none."""
    match = _FORMULA.search(head)
    if match is None:
        return None
    formula = next(part for part in match.groups() if part is not None).decode("ascii", errors="replace")
    return None if formula.strip() in {"", "?", "."} else formula


def amounts(formula: str) -> dict[str, float] | None:
    """Return element -> number of atoms of a formula such as ``C2 H2 Cu O5``, None where it is none.

    D and T count as H; the hyphens around a formula in COD's search results are passed over.
    """
    found: dict[str, float] = {}
    for part in formula.replace("-", " ").replace(",", " ").split():
        match = _PART.fullmatch(part)
        if match is None:
            return None
        symbol = _ISOTOPES.get(match[1], match[1])
        if symbol not in ELEMENT_SYMBOLS:
            return None
        found[symbol] = found.get(symbol, 0.0) + float(match[2] or 1)
    return found if found and all(map(math.isfinite, found.values())) else None


def is_organic(composition: Mapping[str, float]) -> bool:
    """Return whether a composition counts as organic.

    It does when it holds both carbon and hydrogen, unless it may be a carbonate: a metal is there and at least
    `CARBONATE_OXYGEN` oxygen atoms for each carbon (malachite, baking soda). Compounds of carbon without hydrogen
    (carbides, graphite, cyanides, carbon dioxide) do not; organometallic compounds and metal-organic frameworks do.
    """
    if not (composition.get("C") and composition.get("H")):
        return False
    has_metal = any(symbol not in _NONMETALS for symbol in composition)
    return not (has_metal and composition.get("O", 0.0) >= CARBONATE_OXYGEN * composition["C"])


def is_excluded(choice: CodChoice, composition: Mapping[str, float]) -> bool:
    """Return whether the study leaves out entries of this composition."""
    if not set(choice.elements) <= composition.keys() or composition.keys() & set(choice.exclude_elements):
        return True
    return choice.exclude_organic and is_organic(composition)
