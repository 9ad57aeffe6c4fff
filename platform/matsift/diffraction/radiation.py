"""What an X-ray tube (or a beam line) does to a powder pattern: K-alpha doublet and Lorentz-polarisation factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.diffraction.grid import WAVELENGTHS, wavelength_angstrom
from matsift.errors import UserInputError

#: Intensity of K-alpha2 over that of K-alpha1.
K_ALPHA_2_RATIO = 0.5

_ANODES = tuple(sorted({name[:-2] for name in WAVELENGTHS if name.endswith("Ka")}))
#: A wavelength this near to one of an anode's K-alpha lines, or to their mean, means that anode's tube.
_SAME = 4e-4


@dataclass(frozen=True)
class Radiation:
    """The radiation of a measurement.

    Parameters
    ----------
    wavelength
        K-alpha1 of a tube, else the one wavelength, angstrom.
    second
        K-alpha2 that may be in the pattern as well, angstrom; None if there can be none.
    anode
        Symbol of the tube's anode, None for a beam line (synchrotron or neutrons).
    """

    wavelength: float
    second: float | None = None
    anode: str | None = None


def radiation_of(wavelength: str | float) -> Radiation:
    """Return the radiation that a wavelength means: a tube's K-alpha doublet, one of its lines, or a beam line.

    "CuKa1" is K-alpha1 alone; "CuKa" and any number at K-alpha1 or at the mean of copper is a tube, whose pattern
    may hold K-alpha2 (most files that say 1.5406 do).

    Raises
    ------
    UserInputError
        If it is neither a known name nor a wavelength in angstrom.
    """
    value = wavelength_angstrom(wavelength)
    for anode in _ANODES:
        first, mean = WAVELENGTHS[f"{anode}Ka1"], WAVELENGTHS[f"{anode}Ka"]
        if min(abs(value / first - 1), abs(value / mean - 1)) < _SAME:
            alone = value == first and not _is_number(wavelength)
            return Radiation(first, None if alone else WAVELENGTHS[f"{anode}Ka2"], anode)
        for line in ("Ka2", "Kb"):
            if value == WAVELENGTHS[f"{anode}{line}"]:
                return Radiation(value, None, anode)
    return Radiation(value)


def second_angle(two_theta_deg: ArrayLike, radiation: Radiation) -> NDArray[np.float64]:
    """Return where K-alpha2 puts a line that K-alpha1 puts at 2theta (degrees); NaN beyond 180 degrees.

    Raises
    ------
    UserInputError
        If the radiation has no second wavelength.
    """
    if radiation.second is None:
        raise UserInputError("this radiation has one wavelength only")
    sine = np.sin(np.radians(np.asarray(two_theta_deg, dtype=np.float64)) / 2) * radiation.second / radiation.wavelength
    reached = sine <= 1
    return np.where(reached, 2 * np.degrees(np.arcsin(np.where(reached, sine, 0.0))), np.nan)


def lorentz_polarisation(two_theta_deg: ArrayLike, *, polarised: bool = False) -> NDArray[np.float64]:
    """Return the powder Lorentz-polarisation factor (1 + cos^2 2theta) / (sin^2 theta cos theta) of each angle.

    `polarised` leaves the polarisation out, 2 / (sin^2 theta cos theta): a synchrotron's beam in the vertical plane,
    and neutrons.
    """
    theta = np.radians(np.asarray(two_theta_deg, dtype=np.float64)) / 2
    polarisation = 2.0 if polarised else 1 + np.cos(2 * theta) ** 2
    return polarisation / (np.sin(theta) ** 2 * np.cos(theta))


def _is_number(wavelength: str | float) -> bool:
    try:
        float(wavelength)
    except ValueError:
        return False
    return True
