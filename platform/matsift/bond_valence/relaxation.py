"""Perovskites and spinels at rest in the force field: thousands of relaxations at once, and what they depend on.

A perovskite has one free number, its lattice constant; a spinel has two, a and the oxygen parameter u.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import IonPair, PairTable
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.prototype_energy import Derivatives, derivatives, instability
from matsift.bond_valence.prototype_match import IDEAL_OXYGEN_PARAMETER

Array = NDArray[np.float64]

#: Why a relaxation has no result.
NO_MINIMUM = "the cell grows without bound: the repulsion exceeds the bonds at this screening factor"
NOT_CONVERGED = "the relaxation did not converge"
NO_SCREENING_FACTOR = "there is no screening factor to relax it at"

_CHUNK = 512
_MOST_STEPS = 200
_LONGEST_STEP = np.array([0.05, 0.01])  # in ln a and in u
_CONVERGED_STEP = 1e-11
_LARGEST_STRETCH = math.log(1.8)  # from where it started
_U_RANGE = (0.2, 0.32)
_ENERGY_NOISE = 1e-14
_NUMBERS = ("lattice_constant", "oxygen_parameter", "lattice_slope", "oxygen_slope")


@dataclass(frozen=True, eq=False)
class Relaxed:
    """n crystals at rest.

    Parameters
    ----------
    lattice_constant
        (n,), edge of the cubic cell, angstrom; NaN where there is no result.
    oxygen_parameter
        (n,), u of a spinel; NaN for a perovskite.
    lattice_slope, oxygen_slope
        (n,), da/dsf (angstrom) and du/dsf of the crystal at rest.
    reason
        (n,), why there is no result; None where there is one.
    """

    lattice_constant: Array
    oxygen_parameter: Array
    lattice_slope: Array
    oxygen_slope: Array
    reason: tuple[str | None, ...]


def relax(
    table: PairTable, screening_factor: Array, start_lattice: Array, start_oxygen: Array | None = None
) -> Relaxed:
    """Return the n crystals of a table at rest, each downhill from where it starts.

    Parameters
    ----------
    table
        n ion pairs of one prototype.
    screening_factor
        (n,); a crystal without one (NaN) has no result.
    start_lattice
        (n,), lattice constants to start from, angstrom.
    start_oxygen
        (n,), oxygen parameters of spinels to start from; `IDEAL_OXYGEN_PARAMETER` where None.
    """
    if start_oxygen is None:
        start_oxygen = np.full(len(table), IDEAL_OXYGEN_PARAMETER)
    parts = [
        _relax_chunk(table.take(rows), screening_factor[rows], start_lattice[rows], start_oxygen[rows])
        for rows in np.array_split(np.arange(len(table)), max(1, -(-len(table) // _CHUNK)))
    ]
    numbers = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _NUMBERS}
    return Relaxed(**numbers, reason=tuple(reason for part in parts for reason in part.reason))


def _relax_chunk(table: PairTable, sf: Array, start_lattice: Array, start_oxygen: Array) -> Relaxed:
    start = np.log(start_lattice)[:, None]
    if table.prototype == "spinel":
        start = np.hstack([start, start_oxygen[:, None]])
    x, reason = _downhill(table, sf, start)
    slope = np.full_like(x, np.nan)
    rows = np.flatnonzero([r is None for r in reason])
    if len(rows):
        at = _at(table.take(rows), sf[rows], x[rows])
        lowest = np.min(np.linalg.eigvalsh(at.hessian), axis=1) > 0
        for i in rows[~lowest]:  # nothing pulls at a saddle, nor where no bond is left
            reason[i] = NO_MINIMUM
        slope[rows[lowest]] = -np.linalg.solve(at.hessian[lowest], at.gradient_sf[lowest, :, None])[:, :, 0]
    x = np.where(np.array([r is None for r in reason])[:, None], x, np.nan)
    lattice = np.exp(x[:, 0])
    none = np.full(len(table), np.nan)
    u, u_slope = (x[:, 1], slope[:, 1]) if table.prototype == "spinel" else (none, none)
    return Relaxed(lattice, u, slope[:, 0] * lattice, u_slope, tuple(reason))


def _downhill(table: PairTable, sf: Array, start: Array) -> tuple[Array, list[str | None]]:
    """Return x at rest and why not, by Newton's method with steps of limited length that never go uphill.

    A direction of negative curvature is followed downhill. A step that would raise the energy is halved.
    """
    n, d = start.shape
    given = np.isfinite(sf) & (sf > 0)
    x, at = start.copy(), _at(table, np.where(given, sf, 1.0), start)
    energy, gradient, hessian = at.energy.copy(), at.gradient.copy(), at.hessian.copy()
    longest = np.ones(n)
    reason: list[str | None] = [NOT_CONVERGED if known else NO_SCREENING_FACTOR for known in given]
    todo = np.flatnonzero(given)
    for _ in range(_MOST_STEPS):
        if not len(todo):
            break
        step = _newton_step(gradient[todo], hessian[todo]) * longest[todo, None]
        small = np.abs(step).max(axis=1) < _CONVERGED_STEP
        tried = _at(table.take(todo), sf[todo], x[todo] + step)
        uphill = tried.energy > energy[todo] + _ENERGY_NOISE * np.abs(energy[todo])
        taken = todo[~uphill]
        longest[todo] = np.where(uphill, longest[todo] / 2, np.minimum(1.0, longest[todo] * 2))
        x[taken] += step[~uphill]
        energy[taken], gradient[taken], hessian[taken] = (
            values[~uphill] for values in (tried.energy, tried.gradient, tried.hessian)
        )
        away = (x[todo, 0] - start[todo, 0] > _LARGEST_STRETCH) | ~np.isfinite(tried.energy)
        if d == 2:
            away |= (x[todo, 1] < _U_RANGE[0]) | (x[todo, 1] > _U_RANGE[1])
        for i in todo[small]:
            reason[i] = None
        for i in todo[away]:
            reason[i] = NO_MINIMUM
        todo = todo[~(small | away)]
    return x, reason


def _newton_step(gradient: Array, hessian: Array) -> Array:
    """Return steps (n, d) towards a minimum, downhill along directions of negative curvature, of limited length."""
    values, vectors = np.linalg.eigh(hessian)
    along = (vectors * gradient[:, :, None]).sum(axis=1)
    step = -(vectors * (along / np.maximum(np.abs(values), 1e-8))[:, None, :]).sum(axis=2)
    excess = (np.abs(step) / _LONGEST_STEP[: step.shape[1]]).max(axis=1)
    return np.asarray(step / np.maximum(1.0, excess)[:, None], dtype=np.float64)


def _at(table: PairTable, sf: Array, x: Array) -> Derivatives:
    return derivatives(table, sf, np.exp(x[:, 0]), x[:, -1])


def lattice_at(pair: IonPair, screening_factor: Array, variant: Variant | None = None) -> tuple[Relaxed, Array]:
    """Return one oxide at rest at each of n screening factors, and its global instability index (n,) of the cations.

    It needs no reference: it starts from the bond lengths of lowest energy. To carry an uncertainty of the screening
    factor to the lattice, relax at the ends of its interval, or use `Relaxed.lattice_slope` for a small one.

    Parameters
    ----------
    pair
        Prototype and cations.
    screening_factor
        (n,).
    variant
        Of the force field; the calibrated one where None.
    """
    sf = np.asarray(screening_factor, dtype=np.float64).ravel()
    table = PairTable.of([pair], variant).take(np.zeros(len(sf), dtype=np.int64))
    found = relax(table, sf, starting_lattice(table))
    return found, instability(table, found.lattice_constant, found.oxygen_parameter)


def starting_lattice(table: PairTable) -> Array:
    """Return lattice constants (n,), angstrom, at which the bonds are about as long as at their lowest energy."""
    if table.prototype == "perovskite":
        return np.asarray((math.sqrt(2) * table.r_min[:, 0] + 2 * table.r_min[:, 1]) / 2)
    tetrahedral, octahedral = table.r_min.T
    return np.asarray(8 / (3 * math.sqrt(3)) * tetrahedral + 8 / 3 * octahedral)


__all__ = [
    "NOT_CONVERGED",
    "NO_MINIMUM",
    "NO_SCREENING_FACTOR",
    "Relaxed",
    "instability",
    "lattice_at",
    "relax",
    "starting_lattice",
]
