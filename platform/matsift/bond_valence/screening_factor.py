"""Screening factors of a given crystal: the one without pressure, and the one that keeps a reference lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import PairTable
from matsift.bond_valence.prototype_energy import Derivatives, derivatives
from matsift.bond_valence.prototype_match import IDEAL_OXYGEN_PARAMETER

Array = NDArray[np.float64]

#: Where a screening factor is looked for.
BRACKET = (0.2, 1.6)

#: Why there is no screening factor.
TOO_LOOSE = f"the crystal is under tension at every screening factor up to {BRACKET[1]}"
TOO_TIGHT = f"the crystal is under pressure at every screening factor down to {BRACKET[0]}"
NOT_LOWEST = "the lattice is at rest at no screening factor: its energy is not lowest there"
NOT_CONVERGED = "the screening factor was not found"

_MOST_STEPS = 100
_CONVERGED = 1e-12
_LONGEST_STEP = np.array([0.05, 0.01])  # in the screening factor and in u


@dataclass(frozen=True, eq=False)
class ScreeningFactors:
    """Screening factors of n crystals.

    Parameters
    ----------
    screening_factor
        (n,); NaN where there is none.
    oxygen_parameter
        (n,), u of the spinel that goes with it; NaN for a perovskite.
    reason
        (n,), why there is none; None where there is one.
    """

    screening_factor: Array
    oxygen_parameter: Array
    reason: tuple[str | None, ...]


def automatic_screening_factor(
    table: PairTable, lattice_constant: Array, oxygen_parameter: Array | None = None
) -> ScreeningFactors:
    """Return the screening factors at which n given crystals are without pressure, dE/dlnV = 0, as softBV tunes it.

    The crystals are taken as they are: at a strained cell it is the screening factor that makes the strain a rest
    position. Positions are not relaxed.
    """
    u = _oxygens(table, oxygen_parameter)
    factor, reason = _zero_pressure(table, lattice_constant, u)
    return ScreeningFactors(factor, u, reason)


def exact_screening_factor(
    table: PairTable, lattice_constant: Array, oxygen_parameter: Array | None = None
) -> ScreeningFactors:
    """Return the screening factors at which relaxation ends at the given lattice constants: the roots of Er = 0.

    A spinel's oxygen parameter is free, starts from the given one, and is returned. A reference lattice at which the
    energy is not lowest (a saddle, a maximum) has no such screening factor.
    """
    u = _oxygens(table, oxygen_parameter)
    factor, reason = _zero_pressure(table, lattice_constant, u)
    if table.prototype == "spinel":
        factor, u, reason = _with_free_oxygens(table, lattice_constant, factor, u, reason)
    good = np.isfinite(factor)
    at = derivatives(table, np.where(good, factor, 1.0), lattice_constant, np.where(good, u, IDEAL_OXYGEN_PARAMETER))
    lowest = np.min(np.linalg.eigvalsh(at.hessian), axis=1) > 0
    reason = tuple(r or (None if low else NOT_LOWEST) for r, low in zip(reason, lowest, strict=True))
    none = np.array([r is not None for r in reason])
    return ScreeningFactors(np.where(none, np.nan, factor), np.where(none, np.nan, u), reason)


def _oxygens(table: PairTable, oxygen_parameter: Array | None) -> Array:
    if table.prototype != "spinel":
        return np.full(len(table), np.nan)
    if oxygen_parameter is None:
        return np.full(len(table), IDEAL_OXYGEN_PARAMETER)
    return np.asarray(oxygen_parameter, dtype=np.float64)


def _zero_pressure(table: PairTable, lattice: Array, u: Array) -> tuple[Array, tuple[str | None, ...]]:
    """Return the roots of dE/dlna by Newton's method inside a bracket; dE/dlna falls as the screening factor grows."""
    n = len(table)
    low, high = np.full(n, BRACKET[0]), np.full(n, BRACKET[1])
    tight = derivatives(table, low, lattice, u).gradient[:, 0] < 0
    loose = derivatives(table, high, lattice, u).gradient[:, 0] > 0
    sf, settled = np.full(n, (BRACKET[0] + BRACKET[1]) / 2), np.zeros(n, dtype=bool)
    for _ in range(_MOST_STEPS):
        at = derivatives(table, sf, lattice, u)
        slope = at.gradient[:, 0]
        low, high = np.where(slope > 0, sf, low), np.where(slope > 0, high, sf)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = sf - slope / at.gradient_sf[:, 0]
        following = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        close = np.abs(following - sf) < _CONVERGED
        sf = np.where(settled, sf, following)
        settled |= close
        if settled.all():
            break
    reason = tuple(TOO_TIGHT if t else TOO_LOOSE if o else None for t, o in zip(tight, loose, strict=True))
    return np.where(tight | loose, np.nan, sf), reason


def _with_free_oxygens(
    table: PairTable, lattice: Array, factor: Array, u: Array, reason: tuple[str | None, ...]
) -> tuple[Array, Array, tuple[str | None, ...]]:
    """Return (sf, u) at which neither a nor u is pulled, by Newton's method from those of the fixed crystal."""
    rows = np.flatnonzero(np.isfinite(factor))
    sf, free = factor.copy(), u.copy()
    lost = np.zeros(len(table), dtype=bool)
    for _ in range(_MOST_STEPS):
        if not len(rows):
            break
        step = _step(derivatives(table.take(rows), sf[rows], lattice[rows], free[rows]))
        sf[rows] += step[:, 0]
        free[rows] += step[:, 1]
        lost[rows] = ~(np.isfinite(step).all(axis=1) & (sf[rows] > BRACKET[0]) & (sf[rows] < BRACKET[1]))
        rows = rows[~lost[rows] & (np.abs(step).max(axis=1) > _CONVERGED)]
    lost[rows] = True
    return sf, free, tuple(r or (NOT_CONVERGED if none else None) for r, none in zip(reason, lost, strict=True))


def _step(at: Derivatives) -> Array:
    """Return Newton steps (n, 2) of limited length in (sf, u) towards dE/dlna = dE/du = 0; NaN where there is none."""
    (a_sf, u_sf), (a_u, u_u) = at.gradient_sf.T, at.hessian[:, :, 1].T
    pull_a, pull_u = at.gradient.T
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.stack([a_u * pull_u - u_u * pull_a, u_sf * pull_a - a_sf * pull_u], axis=1)
        step /= (a_sf * u_u - a_u * u_sf)[:, None]
    return np.asarray(step / np.maximum(1.0, (np.abs(step) / _LONGEST_STEP).max(axis=1))[:, None])
