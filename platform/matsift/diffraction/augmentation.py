"""Crystals made from crystals: isotypic ones of another size or of kindred elements, for training sets alone."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.random import Generator

from matsift.candidates.substitution import metallic_radius
from matsift.crystal import Crystal

#: Elements that take each other's places: groups of the periodic table, and neighbours that behave alike.
_KINDRED = (
    "Li Na K Rb Cs",
    "Be Mg Ca Sr Ba",
    "Sc Y La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
    "Th U Np Pu",
    "Ti Zr Hf",
    "V Nb Ta",
    "Cr Mo W",
    "Mn Tc Re",
    "Fe Ru Os",
    "Co Rh Ir",
    "Ni Pd Pt",
    "Cu Ag Au",
    "Zn Cd Hg",
    "B Al Ga In Tl",
    "C Si Ge Sn Pb",
    "N P As Sb Bi",
    "O S Se Te",
    "F Cl Br I",
)


def scaled_by_volume(crystal: Crystal, rng: Generator, sigma: float = 0.1) -> Crystal:
    """Return an isotypic crystal whose volume is exp(N(0, sigma)) times that of the crystal."""
    return replace(crystal, lattice=crystal.lattice * np.exp(sigma * rng.standard_normal() / 3))


def with_swapped_elements(crystal: Crystal, rng: Generator, share: float = 0.5) -> Crystal:
    """Return an isotypic crystal, some elements of which are others of their group of the periodic table.

    Elements that differ stay different. The cell is scaled by the change of the mean atomic radius; that ignores what
    charges do to radii, so scale by a random volume as well.

    Parameters
    ----------
    crystal
        Any, ordered or disordered.
    rng
        What is drawn from.
    share
        Chance of each element to be swapped; one without kin stays.
    """
    taken = set(crystal.elements)
    swapped: dict[str, str] = {}
    for symbol in crystal.elements:
        free = [kin for kin in kindred(symbol) if kin not in taken]
        if free and rng.random() < share:
            swapped[symbol] = free[int(rng.integers(len(free)))]
            taken.add(swapped[symbol])
    if not swapped:
        return crystal
    species = tuple(swapped.get(symbol, symbol) for symbol in crystal.species)
    before = sum(w * metallic_radius(s) for s, w in zip(crystal.species, crystal.occupancies, strict=True))
    after = sum(w * metallic_radius(s) for s, w in zip(species, crystal.occupancies, strict=True))
    return replace(crystal, species=species, lattice=crystal.lattice * (after / before))


@cache
def kindred(symbol: str) -> tuple[str, ...]:
    """Return the elements that may take the place of an element, itself left out; none for H and the noble gases."""
    for row in _KINDRED:
        symbols = row.split()
        if symbol in symbols:
            return tuple(other for other in symbols if other != symbol)
    return ()
