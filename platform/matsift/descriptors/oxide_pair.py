"""Descriptors of the two cations of a perovskite or spinel oxide: what a screening factor is learned from.

Ten of the eleven inputs of Kameda et al. (Digital Discovery 3, 1967 (2024)), in their order; the eleventh, the lattice
error of a sample, belongs to a sample and not to an oxide.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from matsift.bond_valence.ion_pairs import IonPair, assign_ions
from matsift.bond_valence.parameters import shannon_radius
from matsift.bond_valence.prototype_match import match
from matsift.crystal import Crystal
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.errors import DescriptorError, UserInputError

OXIDE_PAIR = DescriptorSet(
    name="oxide_pair",
    version="1",
    columns=tuple(f"{quantity}_{site}" for site in "AB" for quantity in ("R0", "b", "NC", "Rcut", "r")),
    description="of the cations A and B of a cubic perovskite ABO3 or a normal spinel AB2O4: bond valence parameters "
    "R0 and b beside O2-, coordination number NC and cutoff Rcut of the parameter set, Shannon radius r for six "
    "neighbours; lengths in angstrom",
)


def compute_oxide_pair(crystals: Sequence[Crystal]) -> DescriptorChunk:
    """Return the `OXIDE_PAIR` descriptors; what is no perovskite or spinel, or has an unknown ion, is a failure."""
    started = time.perf_counter()
    values = np.full((len(crystals), len(OXIDE_PAIR.columns)), np.nan)
    failures: dict[int, tuple[str, str]] = {}
    for i, crystal in enumerate(crystals):
        try:
            values[i] = pair_values(pair_of(crystal))
        except (UserInputError, DescriptorError) as error:
            failures[i] = type(error).__name__, str(error)
    seconds = (time.perf_counter() - started) / max(len(crystals), 1)
    return DescriptorChunk(values, failures, np.full(len(crystals), seconds))


def pair_values(pair: IonPair) -> list[float]:
    """Return the descriptors of a pair of cations, in the order of `OXIDE_PAIR`.

    Raises
    ------
    NoIonParametersError
        If a cation has no Shannon radius.
    """
    return [
        value
        for ion in (pair.a, pair.b)
        for value in (ion.r0, ion.b, ion.coordination, ion.r_cut, shannon_radius(ion.symbol, ion.oxidation))
    ]


def pair_of(crystal: Crystal) -> IonPair:
    """Return prototype and cations of a crystal.

    Raises
    ------
    DescriptorError
        If it is neither a perovskite nor a spinel.
    NoIonPairError
        If no ions with parameters balance.
    """
    found = match(crystal)
    if found is None:
        raise DescriptorError("it is neither a cubic perovskite nor a normal spinel of oxygen")
    return assign_ions(found)
