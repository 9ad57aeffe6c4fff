"""Oxides that a prototype may hold: pairs of cations that balance O2- and fit its sites, with a cell to start from.

A perovskite ABO3 takes A and B of charges that add up to 6, the larger ion on A; a normal spinel AB2O4 takes charges
A + 2 B = 8. What fits is judged by Shannon's radii for six neighbours, which the parameter table holds for both ions:
the tolerance factor of Goldschmidt (Naturwissenschaften 14, 477 (1926)) therefore comes out a few per cent below the
one of radii for twelve neighbours on A.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matsift.bond_valence.parameters import Ion, ion_name
from matsift.bond_valence.prototype_match import NoPrototypeError, build
from matsift.crystal import Crystal

#: Shannon's radius of O2- with six neighbours, angstrom.
OXYGEN_RADIUS_ANGSTROM = 1.40
#: Cations in a formula unit, (A, B), and what their charges add up to.
COUNTS = {"perovskite": (1, 1), "spinel": (1, 2)}
CHARGE = {"perovskite": 6, "spinel": 8}
#: Oxygens in a formula unit.
OXYGENS = {"perovskite": 3, "spinel": 4}
#: Oxygen parameter of a spinel at which both kinds of bonds are equally long, 0.2382 times the lattice constant.
EVEN_OXYGEN_PARAMETER = 0.2625
_EVEN_BOND = 0.2382


@dataclass(frozen=True)
class Decoration:
    """A prototype with its two cations."""

    prototype: str
    a: Ion
    b: Ion

    @property
    def formula(self) -> str:
        """Formula with A first, such as ``SrTiO3`` or ``MgAl2O4``; one element on both sites is written once."""
        n_a, n_b = COUNTS[self.prototype]
        oxygens = f"O{OXYGENS[self.prototype]}"
        if self.a.symbol == self.b.symbol:
            return f"{self.a.symbol}{n_a + n_b}{oxygens}"
        return f"{self.a.symbol}{self.b.symbol}{n_b if n_b > 1 else ''}{oxygens}"

    @property
    def ion_names(self) -> tuple[str, str]:
        """The two ions as they are written, such as ``("Sr2+", "Ti4+")``."""
        return ion_name(self.a.symbol, self.a.oxidation), ion_name(self.b.symbol, self.b.oxidation)

    @property
    def is_balanced(self) -> bool:
        """Whether the charges add up to those of the oxygens."""
        n_a, n_b = COUNTS[self.prototype]
        return n_a * self.a.oxidation + n_b * self.b.oxidation == CHARGE[self.prototype]

    @property
    def tolerance_factor(self) -> float:
        """Goldschmidt's (rA + rO) / (sqrt(2) (rB + rO)) with radii for six neighbours; NaN without a radius."""
        return _bond(self.a) / (math.sqrt(2.0) * _bond(self.b))


def starting_lattice_constant(decoration: Decoration) -> float:
    """Return a conventional lattice constant to start from, angstrom: both ends of the B-O bond touch.

    2 (rB + rO) of a perovskite, (rB + rO) / 0.2382 of a spinel. It is good to about a tenth, which is all that a
    relaxation asks of it.
    """
    if decoration.prototype not in COUNTS:
        raise NoPrototypeError(decoration.prototype)
    bond = _bond(decoration.b)
    return 2.0 * bond if decoration.prototype == "perovskite" else bond / _EVEN_BOND


def starting_crystal(decoration: Decoration) -> Crystal:
    """Return the primitive cell with the lattice constant to start from."""
    u = EVEN_OXYGEN_PARAMETER if decoration.prototype == "spinel" else None
    edge = round(starting_lattice_constant(decoration), 4)
    return build(decoration.prototype, decoration.a.symbol, decoration.b.symbol, edge, u)


def decorations(
    prototype: str,
    ions: Sequence[Ion],
    *,
    tolerance_factor: tuple[float, float] | None = None,
    radius_angstrom: tuple[float, float] | None = None,
) -> Iterator[Decoration]:
    """Yield the balanced decorations of a prototype, by formula; of several charge states of one formula the first.

    The first is the one whose B ion has the lowest charge. A crystal holds no charges, so it stands for all of them.

    Parameters
    ----------
    prototype
        ``perovskite`` or ``spinel``.
    ions
        The cations to choose from; those without a Shannon radius fit nowhere.
    tolerance_factor
        Least and largest tolerance factor of a perovskite.
    radius_angstrom
        Least and largest radius of both cations.

    Raises
    ------
    NoPrototypeError
        If there is no such prototype.
    """
    if prototype not in COUNTS:
        raise NoPrototypeError(prototype)
    low, high = radius_angstrom or (0.0, math.inf)
    fitting = [x for x in ions if low <= x.r_shannon <= high]
    found: dict[str, Decoration] = {}
    for a, b in itertools.product(fitting, fitting):
        candidate = Decoration(prototype, a, b)
        if candidate.is_balanced and _fits(candidate, tolerance_factor):
            known = found.get(candidate.formula)
            if known is None or (b.oxidation, a.oxidation) < (known.b.oxidation, known.a.oxidation):
                found[candidate.formula] = candidate
    yield from (found[name] for name in sorted(found))


def _fits(candidate: Decoration, tolerance_factor: tuple[float, float] | None) -> bool:
    if candidate.prototype == "spinel":
        return candidate.a != candidate.b
    if candidate.a.symbol == candidate.b.symbol or candidate.a.r_shannon <= candidate.b.r_shannon:
        return False
    low, high = tolerance_factor or (0.0, math.inf)
    return low <= candidate.tolerance_factor <= high


def _bond(cation: Ion) -> float:
    return cation.r_shannon + OXYGEN_RADIUS_ANGSTROM
