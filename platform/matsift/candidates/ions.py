"""Ions that may stand in for one another: their charges, their radii, how likely the exchange is.

Likelihood: the data-mined substitution probabilities of Hautier et al., Inorg. Chem. 50, 656 (2011), as pymatgen ships
them, joined with the fit of the radii (Shannon's, where pymatgen has them).
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from typing import Any

CATIONS: dict[int, tuple[str, ...]] = {
    1: ("Li", "Na", "K", "Rb", "Cs", "Ag", "Cu", "Tl"),
    2: ("Be", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd", "Hg", "Mn", "Fe", "Co", "Ni", "Cu", "Pd", "Pt", "Sn", "Pb", "Eu"),
    3: ("B", "Al", "Ga", "In", "Sc", "Y", "La", "Nd", "Sm", "Gd", "Er", "Lu", "As", "Sb", "Bi", "V", "Cr", "Fe", "Ti"),
    4: ("C", "Si", "Ge", "Sn", "Pb", "Ti", "Zr", "Hf", "V", "Mn", "Mo", "Ce", "Th"),
    5: ("P", "As", "Sb", "V", "Nb", "Ta"),
    6: ("Mo", "W", "Te"),
}
ANIONS: dict[int, tuple[str, ...]] = {
    -1: ("F", "Cl", "Br", "I", "H"),
    -2: ("O", "S", "Se", "Te"),
    -3: ("N", "P", "As", "Sb", "Bi"),
    -4: ("C", "Si", "Ge"),
}
IONS: dict[int, tuple[str, ...]] = {**CATIONS, **ANIONS}

#: Elements that change their valence too easily inside a solid electrolyte.
ELECTROCHEMICALLY_ACTIVE = frozenset("Ti V Cr Mn Fe Co Ni Cu Nb Mo Ru Rh Pd Ag W Re Os Ir Pt Au".split())

_RADII_WITHOUT_SHANNON = {
    ("N", -3): 1.46, ("P", -3): 2.12, ("As", -3): 2.22, ("Sb", -3): 2.45, ("Bi", -3): 2.50, ("H", -1): 1.40,
    ("C", -4): 1.80, ("Si", -4): 2.30, ("Ge", -4): 2.35, ("Sn", 2): 1.18, ("H", 1): 0.30, ("C", 4): 0.30,
}  # fmt: skip
_UNKNOWN_RADIUS = 1.2
_SMALLEST_RADIUS = 0.25
_UNSEEN = 1e-4


@cache
def ionic_radius(symbol: str, charge: int) -> float:
    """Return the radius of an ion in angstrom: Shannon's, else a tabulated or the average ionic radius."""
    from pymatgen.core import Element, Species  # noqa: PLC0415  slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ions without a radius of their own are expected
        known = _RADII_WITHOUT_SHANNON.get((symbol, charge)) or Species(symbol, charge).ionic_radius
        radius = known or Element(symbol).average_ionic_radius or _UNKNOWN_RADIUS
    return max(float(radius), _SMALLEST_RADIUS)


@cache
def exchange_likelihood(new: str, new_charge: int, old: str, old_charge: int) -> float:
    """Return how likely an ion takes the place of another, 0 to 1: the data-mined conditional probability.

    An exchange that the data never saw has a small constant likelihood.
    """
    table = _substitution_probability()
    try:
        likelihood = float(table.cond_prob(f"{new}{_signed(new_charge)}", f"{old}{_signed(old_charge)}"))
    except ZeroDivisionError:  # the old ion is not in the data
        return _UNSEEN
    return likelihood if math.isfinite(likelihood) and likelihood > _UNSEEN else _UNSEEN


@cache
def _substitution_probability() -> Any:
    from pymatgen.analysis.structure_prediction.substitution_probability import (  # noqa: PLC0415  slow to import
        SubstitutionProbability,
    )

    return SubstitutionProbability()  # type: ignore[no-untyped-call]  # pymatgen leaves it so


def _signed(charge: int) -> str:
    return f"{abs(charge)}{'+' if charge > 0 else '-'}" if abs(charge) > 1 else ("+" if charge > 0 else "-")
