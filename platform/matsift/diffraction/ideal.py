"""Ideal powder profiles of crystals: |F|^2 of all reflections over 1/d, without wavelength, line shape or noise.

Of paper 002: I = sum over all hkl in a bin of |F|^2, F = sum_j g_j f_j exp(-B s^2) exp(2 pi i (h u_j + k v_j + l w_j)),
over the largest of the profile. Multiplicities, extinctions and accidental overlap follow from summing over all hkl.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.diffraction.form_factors import LAST_NUMBER, form_factors
from matsift.diffraction.grid import BIN_WIDTH, N_BIN, Q_HIGH, Q_LOW
from matsift.diffraction.reflections import B_ISO
from matsift.diffraction.sparse import SparseProfiles

#: Lines at this share of the strongest or below are left out: no diffractometer sees them, the leakage rule of
#: paper 002 counts from 1e-3, and what extinction leaves of a number (1e-30) must go.
WEAKEST = 1e-5

#: Largest work for one crystal: half of its reflections times its atoms, half a minute.
MOST_WORK = 2e10

#: Largest atoms times cell edge (angstrom): the tables of phases fill half a gigabyte.
_MOST_PHASES = 5e6

_N_KNOT = 4097
_PIECE = 256
_NUMBER = {symbol: z for z, symbol in enumerate(ELEMENT_SYMBOLS[:LAST_NUMBER], 1)}

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
    return profiles_by_tables(crystals, _tables(b_iso))


def profiles_by_tables(
    crystals: Sequence[Crystal], tables: NDArray[np.float64]
) -> tuple[SparseProfiles, dict[int, Failure]]:
    """Return the same with other amplitudes of the atoms, from `amplitude_tables`."""
    failures = {i: ("DescriptorError", problem) for i, crystal in enumerate(crystals) if (problem := _problem(crystal))}
    pieces = range(0, len(crystals), _PIECE)
    profiles = SparseProfiles.concatenate(_piece(crystals[i : i + _PIECE], i, failures, tables) for i in pieces)
    for i in np.flatnonzero(np.diff(profiles.offsets) == 0):
        failures.setdefault(
            int(i), ("DescriptorError", f"the crystal has no line between {Q_LOW} and {Q_HIGH} 1/angstrom")
        )
    return profiles, failures


def amplitude_tables(amplitude: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return (n_element, n_knot, 2) amplitudes and slopes at even steps of s^2, for interpolation to 1e-10.

    Parameters
    ----------
    amplitude
        Takes s^2 (m,) in 1/angstrom2 and gives (n_element, m) electrons, H first.
    """
    s_squared, step = np.linspace(0.0, Q_HIGH**2 / 4, _N_KNOT, retstep=True)
    nudge = step * 1e-2
    slopes = (
        8 * (amplitude(s_squared + nudge) - amplitude(s_squared - nudge))
        - amplitude(s_squared + 2 * nudge)
        + amplitude(s_squared - 2 * nudge)
    ) / (12 * nudge)
    return np.stack([amplitude(s_squared), slopes * step], axis=-1)


@cache
def _tables(b_iso: float) -> NDArray[np.float64]:
    numbers = np.arange(1, LAST_NUMBER + 1)
    return amplitude_tables(lambda s_squared: form_factors(numbers, s_squared, b_iso=b_iso))


def _problem(crystal: Crystal) -> str:
    """Return why a crystal has no profile, or nothing."""
    if not crystal.species:
        return "the crystal has no sites"
    if heavy := sorted({symbol for symbol in crystal.species if symbol not in _NUMBER}):
        return f"there is no X-ray form factor of {', '.join(heavy)} (the table ends with Cf)"
    numbers = np.concatenate([crystal.lattice.ravel(), crystal.frac_coords.ravel(), crystal.occupancies])
    if not np.isfinite(numbers).all() or crystal.occupancies.min() <= 0:
        return "a lattice vector or a coordinate is not a finite number, or an occupancy is not above 0"
    return _too_small_or_large(crystal.volume, len(crystal.species), np.abs(crystal.lattice).max())


def _too_small_or_large(volume: float, n_atom: int, longest: float) -> str:
    if volume < 1e-3:
        return f"the cell is flat: its volume is {volume:.2g} cubic angstrom"
    n_reflection = 2 / 3 * np.pi * Q_HIGH**3 * volume
    if n_reflection * n_atom > MOST_WORK or n_atom * longest > _MOST_PHASES:
        return f"a cell of {volume:.3g} cubic angstrom with {n_atom} atoms has too many reflections"
    return ""


def _piece(
    crystals: Sequence[Crystal], first: int, failures: dict[int, Failure], tables: NDArray[np.float64]
) -> SparseProfiles:
    """Return the profiles of some crystals, the first of which has the number `first` among the failures."""
    from matsift.diffraction.profile_kernel import add_up  # noqa: PLC0415  the compiler takes time to import

    computed = [i for i in range(len(crystals)) if first + i not in failures]
    lengths = np.zeros(len(crystals), dtype=np.int64)
    if not computed:
        return SparseProfiles.from_lists([[]] * len(crystals), [[]] * len(crystals))
    chosen = [crystals[i] for i in computed]
    counts = [len(crystal.species) for crystal in chosen]
    elements = np.array([_NUMBER[symbol] - 1 for crystal in chosen for symbol in crystal.species], dtype=np.int64)
    occupancies = np.concatenate([crystal.occupancies for crystal in chosen])
    kinds = np.unique(elements + np.round(occupancies, 6) / 4, return_inverse=True)[1]
    order = np.lexsort((kinds, np.repeat(np.arange(len(chosen)), counts)))
    offsets, bins, intensities = add_up(
        np.array([crystal.lattice for crystal in chosen], dtype=np.float64),
        np.concatenate([crystal.frac_coords for crystal in chosen])[order],
        elements[order],
        kinds[order],
        occupancies[order],
        np.concatenate([[0], np.cumsum(counts)]),
        tables,
        (Q_LOW, BIN_WIDTH, Q_HIGH),
        N_BIN,
        WEAKEST,
    )
    lengths[computed] = np.diff(offsets)
    return SparseProfiles(np.concatenate([[0], np.cumsum(lengths)]), bins, intensities)
