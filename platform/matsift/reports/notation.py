"""How formulae, property symbols and numbers are written: as plain text, and as markup that is safe to show.

The markup knows only ``<sub>``, which browsers and plotly both understand; everything else is escaped.
"""

from __future__ import annotations

import math
import re
from datetime import datetime

from markupsafe import Markup, escape

_SYMBOLS = {
    "k_vrh": "K_VRH",
    "g_vrh": "G_VRH",
    "k_voigt": "K_V",
    "k_reuss": "K_R",
    "g_voigt": "G_V",
    "g_reuss": "G_R",
}
_DECIMALS = {"GPa": 1, "eV": 2, "eV/atom": 3}
_OTHER_DECIMALS = 3
_SHOWN_UNITS = {"angstrom": "Å", "1": ""}  # a pure number has no unit to show
_WORTHLESS = -100.0  # below it decimals of R2 say nothing
_COUNT = re.compile(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)")
_SCREW, _INVERSION = re.compile(r"_(\d)"), re.compile(r"-(\d)")
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SHOWN_SYMBOL = re.compile("|".join(sorted(_SYMBOLS.values(), key=len, reverse=True)))


def symbol(property_name: str) -> str:
    """Return the symbol of a property as plain text: ``K_VRH`` for ``k_vrh``, otherwise the name in words."""
    return _SYMBOLS.get(property_name, property_name.replace("_", " "))


def symbol_markup(property_name: str) -> Markup:
    """Return the symbol of a property with its index below the line."""
    return text_markup(symbol(property_name))


def text_markup(text: str) -> Markup:
    """Return a sentence as safe markup, with the property symbols in it set with their index below the line."""
    safe = str(escape(text))
    return Markup(_SHOWN_SYMBOL.sub(lambda m: "{}<sub>{}</sub>".format(*m.group().split("_")), safe))  # noqa: S704  escaped above


def formula_markup(formula: str) -> Markup:
    """Return a formula as safe markup with its counts below the line: ``Na<sub>3</sub>OCl``."""
    parts = _COUNT.split(formula)  # text and counts alternate
    return Markup("").join(
        Markup("<sub>{}</sub>").format(part) if position % 2 else escape(part) for position, part in enumerate(parts)
    )


def space_group_markup(space_group: str) -> Markup:
    """Return a space group symbol as safe markup: screw axes below the line, inversion axes under a bar."""
    safe = _SCREW.sub(r"<sub>\1</sub>", str(escape(space_group)))
    return Markup(_INVERSION.sub(r'<span class="bar">\1</span>', safe))  # noqa: S704  escaped above


def space_group_text(space_group: str) -> str:
    """Return a space group symbol as plain text, screw axes below the line: ``I4₁/amd``."""
    return _SCREW.sub(lambda match: match[1].translate(_BELOW), space_group)


def number(value: float | None, digits: int = 1) -> str:
    """Return a number with thin grouping of thousands and a true minus sign, or an en dash where it is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    rounded = f"{value:,.{digits}f}".replace(",", "\u202f")
    return rounded.replace("-", "−") if float(f"{value:.{digits}f}") else rounded.lstrip("-")


def significant(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits, or an en dash where it is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}g}".replace("-", "−")


def quantity(value: float | None, unit: str, *, more: int = 0) -> str:
    """Return a value of a property with as many decimals as its unit deserves, and `more` of them for a mean error."""
    return number(value, decimals(unit) + more)


def decimals(unit: str) -> int:
    """Return how many decimals a value in a unit deserves."""
    return _DECIMALS.get(unit, _OTHER_DECIMALS)


def shown_unit(unit: str) -> str:
    """Return a unit as it is printed, ``Å`` for angstrom; nothing for a pure number."""
    return _SHOWN_UNITS.get(unit, unit)


def shown_symbols() -> list[str]:
    """Return the symbols of properties whose index stands below the line, the longest first."""
    return sorted(_SYMBOLS.values(), key=len, reverse=True)


def in_unit(text: str, unit: str) -> str:
    """Return a number with its unit, ``12.0 GPa``; a pure number stands alone."""
    shown = shown_unit(unit)
    return f"{text} {shown}" if shown else text


def headed(text: str, unit: str) -> str:
    """Return the head of a column or an axis, ``MAE / GPa``; without a unit where numbers are pure."""
    shown = shown_unit(unit)
    return text + f" / {shown}" if shown else text  # of markup the sum is markup again


def score(value: float | None) -> str:
    """Return a score of which 1 is the best, such as R2, with three decimals; far below zero only its magnitude."""
    if value is None or not math.isfinite(value) or value > _WORTHLESS:
        return number(value, 3)
    mantissa, exponent = f"{value:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} · 10{raised}".replace("-", "−")


def percent(fraction: float | None, digits: int = 0) -> str:
    """Return a fraction of 1 as a percentage, or an en dash where it is not known."""
    if fraction is None or not math.isfinite(fraction):
        return "–"
    return f"{100 * fraction:.{digits}f} %"


def moment(when: datetime | None) -> str:
    """Return a time to the minute with its zone, or an en dash."""
    return "–" if when is None else f"{when:%Y-%m-%d %H:%M %Z}".strip()
