"""Fractional charges of the ions of an oxide, and the oxidation states that they come from."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.neighbours import Neighbours, neighbours
from matsift.bond_valence.parameters import OXYGEN_VALENCE, NoIonParametersError, ion_name, oxidation_states
from matsift.bond_valence.stability import bond_valence_sums, global_instability_index, oxygen_bonds
from matsift.crystal import Crystal
from matsift.errors import MatsiftError

#: Oxygen atoms closer than this (angstrom) share electrons: a peroxide or superoxide, not O2-.
PEROXIDE = 1.7

#: Sites of one element whose valence sums differ by less (valence units) cannot be told apart as two valences.
SITE_CONTRAST = 0.1

#: Elements that may also be anions or bonded to others; as cations beside O2- they need at least this share of their
#: oxidation state as bond valence sum.
DOUBTFUL = frozenset("H C Si Ge N P As Sb S Se Te Cl Br I".split())
LEAST_BONDED = 0.25


class NoValencesError(MatsiftError):
    """The oxidation states of a crystal cannot be told, or it is no ordered oxide of O2-."""


def fractional_charges(
    valences: NDArray[np.float64], n: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the charges of ions in units of e, such that their sum over a formula is zero.

    A valence over the root of the principal quantum number, scaled by one factor for cations and its inverse for
    anions (Kameda et al., Digital Discovery 3, 1967 (2024), Eq. 5).

    Parameters
    ----------
    valences, n, counts
        (..., n_kind): signed oxidation state, principal quantum number and number in the formula of each ion.
    """
    reduced = np.asarray(valences, dtype=np.float64) / np.sqrt(n)
    amount = reduced * counts
    cations = np.sum(np.maximum(amount, 0.0), axis=-1, keepdims=True)
    anions = np.sum(np.maximum(-amount, 0.0), axis=-1, keepdims=True)
    charges: NDArray[np.float64] = reduced * np.where(reduced > 0, np.sqrt(anions / cations), np.sqrt(cations / anions))
    return charges


def assign_valences(crystal: Crystal) -> NDArray[np.int64]:
    """Return the oxidation state of each atom of an oxide (n_atom,): integers with parameters that balance O2-.

    Each element has one state if the charges balance so; if several combinations do, the one of the lowest global
    instability index (over cations) is taken. If none does, one element may have two neighbouring states, the higher
    one on its sites of the largest bond valence sums; equivalent sites are not told apart. An atom that the oxygen
    hardly binds, such as the chloride of an apatite, is no cation.

    Raises
    ------
    NoValencesError
        If the crystal is disordered, is no oxide of O2- alone, or no combination balances.
    NoIonParametersError
        If an element has no parameters in any oxidation state.
    """
    _require_oxide(crystal)
    counts = Counter(crystal.species)
    wanted = -OXYGEN_VALENCE * counts.pop("O")
    bonds = oxygen_bonds(crystal)
    uniform = [_uniform(crystal, states) for states in _balanced(counts, wanted)]
    candidates = uniform or list(_mixed(crystal, counts, wanted, bonds))
    if not candidates:
        elements = " and ".join(sorted(counts))
        raise NoValencesError(
            f"no oxidation states of {elements} with parameters balance its oxygen, or they are mixed on equal sites"
        )
    misfits = [_misfit(crystal, valences, bonds) for valences in candidates]
    if not math.isfinite(min(misfits)):
        sums = bond_valence_sums(crystal, candidates[0], bonds)
        loose = _unbonded(crystal, candidates[0], sums) or 0
        named = ion_name(crystal.species[loose], int(candidates[0][loose]))
        raise NoValencesError(f"{named} would have a bond valence sum of {sums[loose]:.2f}, so it is none")
    return candidates[int(np.argmin(misfits))]


def _require_oxide(crystal: Crystal) -> None:
    if not crystal.is_ordered:
        raise NoValencesError("the crystal is disordered; the force field needs one ion on each site")
    if set(crystal.species) <= {"O"} or "O" not in crystal.species:
        raise NoValencesError("the crystal is no oxide; the force field knows cations beside O2- only")
    for symbol in sorted(set(crystal.species) - {"O"}):
        if not oxidation_states(symbol):
            raise NoIonParametersError(symbol)
    oxygen = np.flatnonzero(np.array(crystal.species) == "O")
    close = neighbours(crystal, oxygen, oxygen, PEROXIDE, once=True).distance
    if len(close):
        raise NoValencesError(f"two oxygen atoms are {close.min():.2f} angstrom apart; they are not O2-")


def _balanced(counts: Mapping[str, int], wanted: int) -> Iterator[dict[str, int]]:
    """Yield the oxidation states by element, one each, that amount to the charge `wanted`."""
    for states in itertools.product(*(oxidation_states(symbol) for symbol in counts)):
        if sum(state * count for state, count in zip(states, counts.values(), strict=True)) == wanted:
            yield dict(zip(counts, states, strict=True))


def _mixed(crystal: Crystal, counts: Mapping[str, int], wanted: int, bonds: Neighbours) -> Iterator[NDArray[np.int64]]:
    """Yield assignments in which one element has two states, on sites that their valence sums tell apart."""
    for symbol, count in counts.items():
        others = {other: n for other, n in counts.items() if other != symbol}
        for low, high in itertools.pairwise(oxidation_states(symbol)):
            for n_high in range(1, count):
                charge = low * (count - n_high) + high * n_high
                for states in _balanced(others, wanted - charge):
                    valences = _uniform(crystal, {**states, symbol: low})
                    sites = np.flatnonzero(np.array(crystal.species) == symbol)
                    sums = bond_valence_sums(crystal, valences, bonds)[sites]
                    order = np.argsort(-sums, kind="stable")
                    if sums[order[n_high - 1]] - sums[order[n_high]] >= SITE_CONTRAST:
                        valences[sites[order[:n_high]]] = high
                        yield valences


def _uniform(crystal: Crystal, states: Mapping[str, int]) -> NDArray[np.int64]:
    return np.array([states.get(symbol, OXYGEN_VALENCE) for symbol in crystal.species], dtype=np.int64)


def _misfit(crystal: Crystal, valences: NDArray[np.int64], bonds: Neighbours) -> float:
    """Return the instability index over cations, infinite if an atom cannot be the cation that it stands for."""
    sums = bond_valence_sums(crystal, valences, bonds)
    if _unbonded(crystal, valences, sums) is not None:
        return math.inf
    return global_instability_index(sums, valences)


def _unbonded(crystal: Crystal, valences: NDArray[np.int64], sums: NDArray[np.float64]) -> int | None:
    """Return the first atom that the oxygen hardly binds and that may be no cation at all, or None."""
    doubtful = np.array([symbol in DOUBTFUL for symbol in crystal.species])
    found = np.flatnonzero(doubtful & (sums < LEAST_BONDED * valences))
    return int(found[0]) if len(found) else None
