"""The electron localisation function: how likely a second electron of the same spin is near the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Atomic units.
BOHR_ANGSTROM = 0.529177210903
HARTREE_EV = 27.211386245988

#: (3/10) (3 pi^2)^(2/3): kinetic energy density of a homogeneous electron gas over rho^(5/3), atomic units.
THOMAS_FERMI = 0.3 * (3.0 * np.pi**2) ** (2.0 / 3.0)


def localisation(
    density: ArrayLike, gradient_norm: ArrayLike, kinetic_energy_density: ArrayLike
) -> NDArray[np.float64]:
    """Return the electron localisation function 1 / (1 + (D / D_h)^2), 0 to 1, of a closed-shell density.

    D = tau - |grad rho|^2 / (8 rho) and D_h = (3/10) (3 pi^2)^(2/3) rho^(5/3) [Becke & Edgecombe 1990; Savin 1992].
    The exponent 5/3 is that of the homogeneous gas, whose function is 1/2 everywhere; paper 003 prints it wrongly.

    Parameters
    ----------
    density
        rho, electrons/bohr3; where it is zero so is the function.
    gradient_norm
        |grad rho|, electrons/bohr4.
    kinetic_energy_density
        tau = 1/2 sum |grad psi|^2, hartree/bohr3.
    """
    rho = np.asarray(density, dtype=np.float64)
    gradient, tau = np.asarray(gradient_norm, dtype=np.float64), np.asarray(kinetic_energy_density, dtype=np.float64)
    some = rho > 0
    safe = np.where(some, rho, 1.0)
    ratio = np.maximum(tau - gradient**2 / (8.0 * safe), 0.0) / (THOMAS_FERMI * safe ** (5.0 / 3.0))
    return np.asarray(np.where(some, 1.0 / (1.0 + ratio**2), 0.0))


def kinetic_energy_from_density(
    density: ArrayLike, gradient_norm: ArrayLike, laplacian: ArrayLike
) -> NDArray[np.float64]:
    """Return tau of the second-order gradient expansion, hartree/bohr3, from a density alone [Kirzhnits 1957].

    tau = D_h + |grad rho|^2 / (72 rho) + laplacian / 6: good between atoms, wrong at nuclei [Abramov 1997].

    Parameters
    ----------
    density, gradient_norm, laplacian
        electrons/bohr3, /bohr4 and /bohr5; the density is positive.
    """
    rho = np.asarray(density, dtype=np.float64)
    gradient, curvature = np.asarray(gradient_norm, dtype=np.float64), np.asarray(laplacian, dtype=np.float64)
    return np.asarray(THOMAS_FERMI * rho ** (5.0 / 3.0) + gradient**2 / (72.0 * rho) + curvature / 6.0)
