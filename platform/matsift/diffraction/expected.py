"""The powder lines that a diffractometer would show of a crystal, few enough to draw and to look for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.diffraction.form_factors import LAST_NUMBER
from matsift.diffraction.grid import CU_K_ALPHA_1, q_of_two_theta, two_theta_of
from matsift.diffraction.radiation import lorentz_polarisation
from matsift.diffraction.reflections import reflections

#: Range of 2theta, degrees, and the share of the strongest line below which one is left out.
LOWEST, HIGHEST, WEAKEST = 5.0, 90.0, 0.005

_SAME_LINE = 0.02  # degrees: what a laboratory diffractometer does not part
_MOST_LINES = 80
_MOST_TRIED, _MOST_WORK = 3e5, 3e7  # index triples, and reflections times atoms: half a second
_SCATTERERS = frozenset(ELEMENT_SYMBOLS[:LAST_NUMBER])


@dataclass(frozen=True, eq=False)
class ExpectedPattern:
    """Lines of an ideal powder.

    Parameters
    ----------
    two_theta_deg
        (n_line,) degrees at `wavelength` angstrom, ascending.
    intensity
        (n_line,) of 1 for the strongest: |F|^2 with multiplicity, Lorentz and polarisation factor.
    """

    two_theta_deg: NDArray[np.float64]
    intensity: NDArray[np.float64]
    wavelength: float = CU_K_ALPHA_1


def expected_pattern(crystal: Crystal, wavelength: float = CU_K_ALPHA_1) -> ExpectedPattern | None:
    """Return the lines of a crystal from 5 to 90 degrees, 80 at most; None where nothing can be said of them.

    Nothing is said of cells so large that it takes more than half a second, nor of elements without form factors.
    """
    if not _is_quick(crystal, q_high := float(q_of_two_theta(HIGHEST, wavelength))):
        return None
    found = reflections(crystal, q_low=float(q_of_two_theta(LOWEST, wavelength)), q_high=q_high)
    angles = two_theta_of(found.q, wavelength)
    strength = found.intensity * lorentz_polarisation(angles)
    if not angles.size or not np.isfinite(strength).all() or strength.max() <= 0:
        return None
    line = np.concatenate([[0], np.cumsum(np.diff(angles) > _SAME_LINE)])
    total = np.bincount(line, strength)
    middle = np.bincount(line, strength * angles) / np.where(total > 0, total, 1.0)
    share = total / total.max()
    strongest = np.argsort(-share, kind="stable")[:_MOST_LINES]
    kept = np.sort(strongest[share[strongest] >= WEAKEST])
    return ExpectedPattern(middle[kept], share[kept], wavelength)


def _is_quick(crystal: Crystal, q_high: float) -> bool:
    if not crystal.species or not _SCATTERERS.issuperset(crystal.species) or crystal.volume < 1.0:
        return False
    tried = float(np.prod(2 * np.linalg.norm(crystal.lattice, axis=1) * q_high + 1))
    n_reflection = 4 / 3 * np.pi * q_high**3 * crystal.volume
    return tried <= _MOST_TRIED and n_reflection * len(crystal.species) <= _MOST_WORK
