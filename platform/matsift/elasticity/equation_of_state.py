"""Equation of state: the energy of a crystal against its volume, fitted by Birch and Murnaghan's third order.

E(V) of Birch, Phys. Rev. 71, 809 (1947) is a cubic polynomial in V^(-2/3), so the fit is linear and has no start value.
Scaling a cell without changing its shape strains it hydrostatically: the curvature is the Voigt bulk modulus, and for a
cubic crystal every average is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.errors import OracleError

#: GPa in one eV per cubic angstrom.
GPA_PER_EV_A3 = 160.2176634

#: Largest root mean square of the residuals, as a fraction of the span of the energies: above it the points are no
#: smooth curve.
LARGEST_RESIDUAL = 0.02

#: Steps of the lattice constant from the start within which the minimum is looked for.
FURTHEST_STEP = 12


@dataclass(frozen=True)
class EquationOfState:
    """What the fit says: equilibrium volume (cubic angstrom) and energy (eV) of the cell, bulk modulus (GPa).

    `derivative` is that of the bulk modulus with pressure, `residual` the root mean square of the energies about the
    curve, eV.
    """

    volume: float
    energy: float
    bulk_modulus: float
    derivative: float
    residual: float


def fit_equation_of_state(volumes: NDArray[np.float64], energies: NDArray[np.float64]) -> EquationOfState:
    """Return the Birch-Murnaghan equation of state through some volumes.

    Parameters
    ----------
    volumes
        (n,) cubic angstrom, n at least 5, all different.
    energies
        (n,) eV, of the same cell.

    Raises
    ------
    OracleError
        If there are too few points, the minimum is not inside the range of volumes, or they lie on no smooth curve.
    """
    volumes, energies = np.asarray(volumes, dtype=np.float64), np.asarray(energies, dtype=np.float64)
    if len(np.unique(volumes)) < 5 or not (np.isfinite(energies).all() and (volumes > 0).all()):
        raise OracleError("an equation of state needs finite energies at five different volumes")
    middle = float(np.exp(np.log(volumes).mean()))
    x = (volumes / middle) ** (-2 / 3)
    lowest = float(energies.min())
    cubic = np.polynomial.Polynomial.fit(x, energies - lowest, 3)
    residual = float(np.sqrt(np.mean((cubic(x) - (energies - lowest)) ** 2)))
    at = _minimum(cubic, float(x.min()), float(x.max()))
    if at is None:
        raise OracleError(
            f"the energy has no minimum between {volumes.min():.2f} and {volumes.max():.2f} cubic angstrom"
        )
    span = float(np.ptp(energies))
    if residual > LARGEST_RESIDUAL * span:
        raise OracleError(
            f"the energies scatter by {1000 * residual:.2f} meV about the equation of state, "
            f"more than {LARGEST_RESIDUAL:.0%} of their span of {1000 * span:.1f} meV"
        )
    volume = middle * at**-1.5
    stiffness = 4 / 9 * float(cubic.deriv(2)(at)) * at**2 / volume  # V d2E/dV2, by the chain rule at dE/dx = 0
    third = float(cubic.deriv(3)(at)) / 6
    derivative = 4 + 16 * third * at**3 / (9 * volume * stiffness)
    return EquationOfState(volume, lowest + float(cubic(at)), stiffness * GPA_PER_EV_A3, derivative, residual)


def energy_at(state: EquationOfState, volumes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) energies (eV) of an equation of state at volumes (n,) (cubic angstrom)."""
    u = (state.volume / np.asarray(volumes, dtype=np.float64)) ** (2 / 3) - 1
    stiffness = state.bulk_modulus / GPA_PER_EV_A3
    curve: NDArray[np.float64] = state.energy + 9 / 16 * state.volume * stiffness * (
        u**3 * state.derivative + u**2 * (2 - 4 * u)
    )
    return curve


def window(energies: Mapping[int, float], n_point: int) -> range:
    """Return the steps that a fit of `n_point` volumes takes: as many on either side of the lowest energy so far."""
    lowest = min(energies, key=lambda step: (energies[step], abs(step), step))
    return range(lowest - n_point // 2, lowest + n_point // 2 + 1)


def next_step(energies: Mapping[int, float], n_point: int) -> int | None:
    """Return the step of the lattice constant to compute next, None when the minimum is surrounded.

    Parameters
    ----------
    energies
        Step from the starting lattice constant -> energy, eV.
    n_point
        Volumes that the fit takes, an odd number.

    Raises
    ------
    OracleError
        If the energy still falls `FURTHEST_STEP` steps away from the start.
    """
    if not energies:
        return 0
    wanted = window(energies, n_point)
    middle = wanted[n_point // 2]
    if abs(middle) >= FURTHEST_STEP:
        direction = "larger" if middle > 0 else "smaller"
        raise OracleError(f"the energy still falls after {FURTHEST_STEP} steps to {direction} volumes")
    missing = [step for step in wanted if step not in energies]
    return min(missing, key=lambda step: (abs(step - middle), step), default=None)


def _minimum(cubic: np.polynomial.Polynomial, low: float, high: float) -> float | None:
    roots = np.atleast_1d(cubic.deriv().roots())
    found = [float(root.real) for root in roots if abs(root.imag) < 1e-9 and low < root.real < high]
    return next((root for root in found if cubic.deriv(2)(root) > 0), None)
