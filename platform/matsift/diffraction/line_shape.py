"""The shape of a diffraction line: pseudo-Voigt, with the K-alpha2 component where the radiation has one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.radiation import K_ALPHA_2_RATIO, Radiation, second_angle

#: A line ends at this many full widths from its centre.
REACH_WIDTHS = 8.0


def pseudo_voigt(offset: NDArray[np.float64], fwhm: NDArray[np.float64] | float, eta: float) -> NDArray[np.float64]:
    """Return eta Lorentz + (1 - eta) Gauss of unit area at `offset` from the centre; all lengths in one unit."""
    scaled = (2 * offset / fwhm) ** 2
    lorentz = 2 / np.pi / fwhm / (1 + scaled)
    gauss = 2 * np.sqrt(np.log(2) / np.pi) / fwhm * np.exp(-np.log(2) * scaled)
    return np.asarray(eta * lorentz + (1 - eta) * gauss)


def line_shapes(
    angles: NDArray[np.float64],
    centres: NDArray[np.float64],
    fwhm: NDArray[np.float64],
    eta: float,
    radiation: Radiation,
    *,
    doublet: bool,
) -> NDArray[np.float64]:
    """Return (n_angle, n_line) shapes; K-alpha1 has unit area, and K-alpha2 half of it where `doublet` is set.

    Parameters
    ----------
    angles
        (n_angle,), 2theta, degrees.
    centres, fwhm
        (n_line,), 2theta of K-alpha1 and full width at half maximum, degrees.
    eta
        Lorentzian part, 0 to 1.
    radiation, doublet
        Where K-alpha2 falls, and whether it is there.
    """
    shapes = pseudo_voigt(angles[:, None] - centres, fwhm, eta)
    if doublet:
        second = second_angle(centres, radiation)
        shapes += K_ALPHA_2_RATIO * np.nan_to_num(pseudo_voigt(angles[:, None] - second, fwhm, eta))
    return shapes
