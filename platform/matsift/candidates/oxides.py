"""The cubic perovskites ABO3 and normal spinels AB2O4 of a computed data set: which ions, on which sites.

The rule knows charges and radii only, nothing computed: lists of common ions with bond-valence parameters, every
balanced pair of two elements, windows on the tolerance factors. Radii are Shannon's for six neighbours on every site.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import numpy as np

from matsift.bond_valence.decorations import (
    OXYGEN_RADIUS_ANGSTROM,
    formula,
    starting_crystal,
    tolerance_factor,
)
from matsift.bond_valence.ion_pairs import IonPair
from matsift.bond_valence.parameters import ion, ion_name
from matsift.candidates.plan import Candidate

#: Elements by charge, without actinides and rare valences.
PEROVSKITE_A = {1: "Na K Rb Ag Tl", 2: "Ca Sr Ba Cd Pb", 3: "La Ce Pr Nd Sm Gd Y"}
PEROVSKITE_B = {
    5: "Nb Ta Sb W Re",
    4: "Ti Zr Hf Ge Sn Pb V Cr Mn Fe Nb Mo Ru Rh Ir Pt Ce",
    3: "Al Ga In Sc Ti V Cr Mn Fe Co Rh",
}
SPINEL_A = {2: "Mg Mn Fe Co Ni Cu Zn Cd", 4: "Si Ge Sn Ti V", 6: "Mo W"}
SPINEL_B = {3: "Al Ga In Sc Ti V Cr Mn Fe Co Rh", 2: "Mg Mn Fe Co Ni Cu Zn Cd", 1: "Li Na Ag"}

PEROVSKITE_WINDOW = (0.825, 1.01)
OCTAHEDRAL_WINDOW = (0.36, 0.65)  # radius of B over that of oxygen, in a perovskite
SPINEL_WINDOW = (0.70, 1.12)

#: Oxides of these are computed, but marked as unseen: what a model is tried on after it has been made.
UNSEEN_ELEMENTS = frozenset({"Hf"})

_AFLOW = {"perovskite": "AB3C_cP5_221_a_c_b", "spinel": "A2BC4_cF56_227_d_a_e"}


@cache
def oxide_pairs() -> tuple[IonPair, ...]:
    """Return the pairs of ions that the rule admits, perovskites first.

    Raises
    ------
    NoIonParametersError
        If the lists name an ion without bond-valence parameters.
    """
    return (*_perovskites(), *_spinels())


def external_id(pair: IonPair) -> str:
    """Return what the data set calls an oxide, such as ``spinel-MgAl2O4``."""
    return f"{pair.prototype}-{formula(pair)}"


def spinel_factor(pair: IonPair) -> float:
    """Return sqrt(3) (r_B + r_O) / (2 (r_A + r_O)): 1 where a spinel's bonds are those of close-packed oxygen."""
    to_a, to_b = (cation.r_shannon + OXYGEN_RADIUS_ANGSTROM for cation in (pair.a, pair.b))
    return math.sqrt(3) / 2 * to_b / to_a


def plan_oxides(seed: int) -> tuple[Candidate, ...]:
    """Return the oxides to relax, the two prototypes taking turns, each in an order drawn by the seed."""
    rng = np.random.default_rng(seed)
    kinds = [[pair for pair in oxide_pairs() if pair.prototype == name] for name in _AFLOW]
    placed = [
        ((rank + 0.5) / len(kind), number, kind[i])
        for number, kind in enumerate(kinds)
        for rank, i in enumerate(rng.permutation(len(kind)))
    ]
    return tuple(_candidate(pair) for _, _, pair in sorted(placed, key=lambda item: item[:2]))


def _perovskites() -> Iterator[IonPair]:
    for pair in _pairs("perovskite", PEROVSKITE_A, PEROVSKITE_B, lambda charge: 6 - charge):
        octahedral = pair.b.r_shannon / OXYGEN_RADIUS_ANGSTROM
        if _within(tolerance_factor(pair), PEROVSKITE_WINDOW) and _within(octahedral, OCTAHEDRAL_WINDOW):
            yield pair


def _spinels() -> Iterator[IonPair]:
    for pair in _pairs("spinel", SPINEL_A, SPINEL_B, lambda charge: (8 - charge) // 2):
        if _within(spinel_factor(pair), SPINEL_WINDOW):
            yield pair


def _pairs(
    prototype: str, a_ions: Mapping[int, str], b_ions: Mapping[int, str], balancing: Callable[[int], int]
) -> Iterator[IonPair]:
    """Every balanced pair of two elements; one element in two valences is left out, as its charges would be a guess."""
    for a_charge in sorted(a_ions):
        b_charge = balancing(a_charge)
        for a, b in itertools.product(a_ions[a_charge].split(), b_ions[b_charge].split()):
            if a != b:
                yield IonPair(prototype, ion(a, a_charge), ion(b, b_charge))


def _within(value: float, window: tuple[float, float]) -> bool:
    return window[0] <= value <= window[1]


def _candidate(pair: IonPair) -> Candidate:
    wanted = "labelled" if UNSEEN_ELEMENTS.isdisjoint((pair.a.symbol, pair.b.symbol)) else "unseen"
    ions = " ".join(ion_name(cation.symbol, cation.oxidation) for cation in (pair.a, pair.b))
    return Candidate(
        external_id(pair), wanted, _AFLOW[pair.prototype], ions, starting_crystal(pair), "energy_in_symmetry"
    )
