"""Polycrystal averages and mechanical stability of elastic tensors.

Tensors stand in Voigt notation (order xx, yy, zz, yz, xz, xy; engineering shear strain), in GPa, a chunk at a time.
Averages: Hill, Proc. Phys. Soc. A 65, 349 (1952); stability: Mouhat and Coudert, Phys. Rev. B 90, 224104 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Pairs of Cartesian axes in Voigt order.
VOIGT_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))

#: Upper triangle of a 6x6 matrix, row by row: the order of the 21 independent constants.
UPPER_TRIANGLE = np.triu_indices(6)


@dataclass(frozen=True)
class Moduli:
    """Bulk modulus K and shear modulus G of n tensors, each (n,), GPa: Voigt, Reuss and their Hill average."""

    k_voigt: NDArray[np.float64]
    k_reuss: NDArray[np.float64]
    k_vrh: NDArray[np.float64]
    g_voigt: NDArray[np.float64]
    g_reuss: NDArray[np.float64]
    g_vrh: NDArray[np.float64]


def symmetrised(tensors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric part of tensors of shape (n, 6, 6) or (6, 6)."""
    return 0.5 * (tensors + np.swapaxes(tensors, -1, -2))


def moduli(tensors: NDArray[np.float64]) -> Moduli:
    """Return the Voigt, Reuss and Hill moduli of a chunk of tensors.

    Parameters
    ----------
    tensors
        (n, 6, 6), GPa; the symmetric part counts.

    Returns
    -------
    Moduli
        The Reuss and Hill values of a singular tensor are NaN.
    """
    c = symmetrised(np.asarray(tensors, dtype=np.float64).reshape(-1, 6, 6))
    k_voigt, g_voigt = _voigt_averages(c)
    k_reuss, g_reuss = _reuss_averages(c)
    return Moduli(k_voigt, k_reuss, 0.5 * (k_voigt + k_reuss), g_voigt, g_reuss, 0.5 * (g_voigt + g_reuss))


def born_stable(tensors: NDArray[np.float64], *, smallest_gpa: float = 0.0) -> NDArray[np.bool_]:
    """Return (n,) whether each tensor is positive definite, so that every small strain costs energy.

    The eigenvalues taken are those of the tensor in Mandel notation, which do not depend on the choice of axes.

    Parameters
    ----------
    tensors
        (n, 6, 6), GPa.
    smallest_gpa
        The smallest eigenvalue has to lie above this.
    """
    return smallest_eigenvalue(tensors) > smallest_gpa


def smallest_eigenvalue(tensors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the smallest eigenvalue of each tensor in Mandel notation, GPa; NaN where it is not finite."""
    c = symmetrised(np.asarray(tensors, dtype=np.float64).reshape(-1, 6, 6))
    weight = np.array([1.0, 1.0, 1.0, 2.0**0.5, 2.0**0.5, 2.0**0.5])
    mandel = c * weight[:, None] * weight[None, :]
    finite = np.isfinite(mandel).all(axis=(1, 2))
    smallest = np.full(len(mandel), np.nan)
    if finite.any():
        smallest[finite] = np.linalg.eigvalsh(mandel[finite])[:, 0]
    return smallest


def to_upper_triangle(tensor: NDArray[np.float64]) -> list[float]:
    """Return the 21 constants of one tensor (6, 6), upper triangle row by row."""
    return [float(v) for v in symmetrised(np.asarray(tensor, dtype=np.float64))[UPPER_TRIANGLE]]


def from_upper_triangle(constants: list[float]) -> NDArray[np.float64]:
    """Return the symmetric tensor (6, 6) of 21 constants, upper triangle row by row."""
    tensor = np.zeros((6, 6))
    tensor[UPPER_TRIANGLE] = constants
    return tensor + np.triu(tensor, 1).T


def _voigt_averages(c: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    diagonal, coupling, shear = _sums(c)
    return (diagonal + 2 * coupling) / 9, (diagonal - coupling + 3 * shear) / 15


def _reuss_averages(c: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    compliance = np.full_like(c, np.nan)
    for i, tensor in enumerate(c):
        if np.isfinite(tensor).all() and np.linalg.cond(tensor) < 1e12:
            compliance[i] = np.linalg.inv(tensor)
    diagonal, coupling, shear = _sums(compliance)
    return 1 / (diagonal + 2 * coupling), 15 / (4 * diagonal - 4 * coupling + 3 * shear)


def _sums(c: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    diagonal = c[:, 0, 0] + c[:, 1, 1] + c[:, 2, 2]
    coupling = c[:, 0, 1] + c[:, 1, 2] + c[:, 0, 2]
    shear = c[:, 3, 3] + c[:, 4, 4] + c[:, 5, 5]
    return diagonal, coupling, shear
