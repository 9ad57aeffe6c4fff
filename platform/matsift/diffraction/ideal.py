"""Ideal powder profiles of crystals: |F|^2 of all reflections over 1/d, without wavelength, line shape or noise.

Of paper 002: I = sum over all hkl in a bin of |F|^2, F = sum_j g_j f_j exp(-B s^2) exp(2 pi i (h u_j + k v_j + l w_j)),
over the largest of the profile. Multiplicities, extinctions and accidental overlap follow from summing over all hkl.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.diffraction.form_factors import LAST_NUMBER, form_factors
from matsift.diffraction.grid import N_BIN, Q_HIGH, bin_of
from matsift.diffraction.sparse import SparseProfiles

#: Displacement parameter of every atom, angstrom2 (paper 002).
B_ISO = 2.0

#: Lines weaker than this share of the strongest are left out.
WEAKEST = 1e-5

_NUMBER = {symbol: z for z, symbol in enumerate(ELEMENT_SYMBOLS, 1)}

#: Class of error and one sentence.
Failure = tuple[str, str]


def ideal_profiles(crystals: Sequence[Crystal], *, b_iso: float = B_ISO) -> tuple[SparseProfiles, dict[int, Failure]]:
    """Return the profiles of n crystals, disordered ones included, and the failures by position.

    The row of a crystal that failed is empty, so that rows stand as the crystals do.

    Parameters
    ----------
    crystals
        Any choice of cell; a virtual atom scatters with its occupancy.
    b_iso
        Displacement parameter of every atom, angstrom2.
    """
    bins: list[NDArray[np.int16]] = []
    intensities: list[NDArray[np.float32]] = []
    failures: dict[int, Failure] = {}
    for i, crystal in enumerate(crystals):
        problem = _problem(crystal)
        dense = np.zeros(N_BIN) if problem else _dense(crystal, b_iso)
        if not problem and dense.max() <= 0:
            problem = "the crystal has no reflection between 0.1131 and 1.0625 1/angstrom"
        if problem:
            failures[i] = ("DescriptorError", problem)
        kept = np.flatnonzero(dense > WEAKEST * dense.max())
        bins.append(kept.astype(np.int16))
        intensities.append((dense[kept] / dense.max()).astype(np.float32) if len(kept) else np.zeros(0, np.float32))
    return SparseProfiles.from_lists(bins, intensities), failures


def _problem(crystal: Crystal) -> str:
    if not crystal.species:
        return "the crystal has no sites"
    if not (np.isfinite(crystal.lattice).all() and np.isfinite(crystal.frac_coords).all()):
        return "a lattice vector or a coordinate is not a finite number"
    if heavy := sorted({s for s in crystal.species if _NUMBER.get(s, LAST_NUMBER + 1) > LAST_NUMBER}):
        return f"there is no X-ray form factor of {', '.join(heavy)} (the table ends with Cf)"
    if crystal.volume < 1e-3:
        return "the cell is flat"
    return ""


def _dense(crystal: Crystal, b_iso: float) -> NDArray[np.float64]:
    reach = np.floor(np.linalg.norm(crystal.lattice, axis=1) * Q_HIGH).astype(int)
    axes = [np.arange(-n, n + 1) for n in reach]
    hkl = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    q = np.linalg.norm(hkl @ np.linalg.inv(crystal.lattice).T, axis=1)
    number = bin_of(q)
    hkl, q, number = hkl[number >= 0], q[number >= 0], number[number >= 0]
    elements, whose = np.unique([_NUMBER[s] for s in crystal.species], return_inverse=True)
    f = form_factors(elements, q**2 / 4, b_iso=b_iso)
    phases = np.exp(2j * np.pi * (hkl @ crystal.frac_coords.T))
    amplitude = np.einsum("mj,jm->m", phases * crystal.occupancies, f[whose])
    return np.bincount(number, np.abs(amplitude) ** 2, minlength=N_BIN).astype(np.float64)
