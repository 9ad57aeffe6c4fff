"""Single reflections of a crystal: which there are in a shell of 1/d, and how strong each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.diffraction.form_factors import form_factors
from matsift.diffraction.grid import Q_HIGH, Q_LOW

#: Displacement parameter of every atom, angstrom2 (paper 002).
B_ISO = 2.0

_NUMBER = {symbol: z for z, symbol in enumerate(ELEMENT_SYMBOLS, 1)}


@dataclass(frozen=True, eq=False)
class Reflections:
    """m reflections of one crystal, each of a multiplet by itself, extinct ones included.

    Parameters
    ----------
    hkl
        (m, 3) int64, for the cell of the crystal as it was given.
    q
        (m,), 1/d, 1/angstrom, ascending.
    intensity
        (m,), |F|^2 of the cell, electrons^2.
    """

    hkl: NDArray[np.int64]
    q: NDArray[np.float64]
    intensity: NDArray[np.float64]


def atomic_numbers(crystal: Crystal) -> NDArray[np.int64]:
    """Return the atomic number of each virtual atom."""
    return np.array([_NUMBER[symbol] for symbol in crystal.species], dtype=np.int64)


def reflections(crystal: Crystal, *, q_low: float = Q_LOW, q_high: float = Q_HIGH, b_iso: float = B_ISO) -> Reflections:
    """Return all reflections of a crystal with q_low <= 1/d < q_high.

    `matsift.diffraction.ideal.ideal_profiles` gives the same intensities, added up, a hundred times as fast.
    """
    reach = np.floor(np.linalg.norm(crystal.lattice, axis=1) * q_high).astype(int)
    axes = [np.arange(-n, n + 1) for n in reach]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    q = np.linalg.norm(hkl @ np.linalg.inv(crystal.lattice).T, axis=1)
    order = np.argsort(q, kind="stable")
    order = order[(q[order] >= q_low) & (q[order] < q_high)]
    hkl, q = hkl[order], q[order]
    return Reflections(hkl, q, np.abs(structure_factors(crystal, hkl, q, b_iso=b_iso)) ** 2)


def structure_factors(
    crystal: Crystal, hkl: NDArray[np.int64], q: NDArray[np.float64], *, b_iso: float = B_ISO
) -> NDArray[np.complex128]:
    """Return F (m,) of m reflections, electrons a cell; F = sum_j g_j f_j exp(-B s^2) exp(2 pi i (hu + kv + lw))."""
    elements, whose = np.unique(atomic_numbers(crystal), return_inverse=True)
    amplitudes = form_factors(elements, q**2 / 4, b_iso=b_iso)
    phases = np.exp(2j * np.pi * (hkl @ crystal.frac_coords.T))
    of_element = np.zeros((len(crystal.species), len(elements)))
    of_element[np.arange(len(whose)), whose] = crystal.occupancies
    return np.asarray(np.einsum("me,em->m", phases @ of_element, amplitudes))
