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

from matsift.bond_valence.ion_pairs import STOICHIOMETRY, IonPair
from matsift.bond_valence.parameters import OXYGEN_VALENCE, Ion, shannon_radius
from matsift.bond_valence.prototype_match import NoPrototypeError, build
from matsift.crystal import Crystal

#: Hold of a crystal that is no reference: its cell is a guess by radii.
STARTING_LATTICE = "starting_lattice"
#: Shannon's radius of O2- with six neighbours, angstrom.
OXYGEN_RADIUS_ANGSTROM = 1.40
#: Oxygen parameter of a spinel at which both kinds of bonds are equally long, 0.2382 times the lattice constant.
EVEN_OXYGEN_PARAMETER = 0.2625
_EVEN_BOND = 0.2382


def formula(pair: IonPair) -> str:
    """Return the formula with A first, such as ``SrTiO3`` or ``MgAl2O4``; one element on both sites is written once."""
    n_a, n_b, n_oxygen = STOICHIOMETRY[pair.prototype]
    counts = {pair.a.symbol: n_a} | {pair.b.symbol: n_b + (n_a if pair.a.symbol == pair.b.symbol else 0)}
    return "".join(f"{symbol}{n if n > 1 else ''}" for symbol, n in counts.items()) + f"O{n_oxygen}"


def is_balanced(pair: IonPair) -> bool:
    """Return whether the charges of the cations add up to those of the oxygens."""
    n_a, n_b, n_oxygen = STOICHIOMETRY[pair.prototype]
    return n_a * pair.a.oxidation + n_b * pair.b.oxidation + n_oxygen * OXYGEN_VALENCE == 0


def tolerance_factor(pair: IonPair) -> float:
    """Return Goldschmidt's (rA + rO) / (sqrt(2) (rB + rO)) with radii for six neighbours.

    Raises
    ------
    NoIonParametersError
        If an ion has no Shannon radius.
    """
    return _bond(pair.a) / (math.sqrt(2.0) * _bond(pair.b))


def starting_lattice_constant(pair: IonPair) -> float:
    """Return a conventional lattice constant to start from, angstrom: the ions of the B-O bond touch.

    2 (rB + rO) of a perovskite, (rB + rO) / 0.2382 of a spinel. It is good to about a tenth, which is all that a
    relaxation asks of it.

    Raises
    ------
    NoIonParametersError
        If B has no Shannon radius.
    """
    return 2.0 * _bond(pair.b) if pair.prototype == "perovskite" else _bond(pair.b) / _EVEN_BOND


def starting_crystal(pair: IonPair) -> Crystal:
    """Return the primitive cell with the lattice constant to start from."""
    u = EVEN_OXYGEN_PARAMETER if pair.prototype == "spinel" else None
    return build(pair.prototype, pair.a.symbol, pair.b.symbol, round(starting_lattice_constant(pair), 4), u)


def decorations(
    prototype: str,
    ions: Sequence[Ion],
    *,
    tolerance_factors: tuple[float, float] = (0.0, math.inf),
    radii_angstrom: tuple[float, float] = (0.0, math.inf),
) -> Iterator[IonPair]:
    """Yield the balanced decorations of a prototype, by formula; of several charge states of one formula the first.

    The first is the one whose B ion has the lowest charge. A crystal holds no charges, so it stands for all of them.

    Parameters
    ----------
    prototype
        ``perovskite`` or ``spinel``.
    ions
        The cations to choose from; those without a Shannon radius fit nowhere.
    tolerance_factors
        Least and largest tolerance factor of a perovskite.
    radii_angstrom
        Least and largest radius of both cations.

    Raises
    ------
    NoPrototypeError
        If there is no such prototype.
    """
    if prototype not in STOICHIOMETRY:
        raise NoPrototypeError(prototype)
    fitting = [ion for ion in ions if radii_angstrom[0] <= ion.r_shannon <= radii_angstrom[1]]
    found: dict[str, IonPair] = {}
    for a, b in itertools.product(fitting, fitting):
        pair = IonPair(prototype, a, b)
        if is_balanced(pair) and _fits(pair, tolerance_factors):
            known = found.get(formula(pair))
            if known is None or b.oxidation < known.b.oxidation:
                found[formula(pair)] = pair
    yield from (found[name] for name in sorted(found))


def larger_first(pair: IonPair) -> IonPair:
    """Return the pair with the larger ion on A, as a perovskite has it: by radius, or by bond length without one."""
    sizes = [pair.a.r_shannon, pair.b.r_shannon]
    if not all(map(math.isfinite, sizes)):
        sizes = [pair.a.r_min, pair.b.r_min]
    return pair if sizes[0] >= sizes[1] else IonPair(pair.prototype, pair.b, pair.a)


def _fits(pair: IonPair, tolerance_factors: tuple[float, float]) -> bool:
    if pair.prototype == "spinel":
        return pair.a != pair.b
    if pair.a.symbol == pair.b.symbol or pair.a.r_shannon <= pair.b.r_shannon:
        return False
    return tolerance_factors[0] <= tolerance_factor(pair) <= tolerance_factors[1]


def _bond(cation: Ion) -> float:
    return shannon_radius(cation.symbol, cation.oxidation) + OXYGEN_RADIUS_ANGSTROM
