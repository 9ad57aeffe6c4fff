"""The axis of all profiles: 10,001 bins of q = 1/d, and what it has to do with diffraction angles and wavelengths.

The range is that of Cu K-alpha's mean wavelength, 1.5419 angstrom, from 10 to 110 degrees 2theta (paper 002).
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import UserInputError

#: Range of q = 1/d that profiles cover, 1/angstrom.
Q_LOW, Q_HIGH = 0.1131, 1.0625

N_BIN = 10001

#: Width of a bin, 1/angstrom.
BIN_WIDTH = (Q_HIGH - Q_LOW) / N_BIN

#: Shortest and longest wavelength that a diffractometer may have, angstrom.
_SHORTEST, _LONGEST = 0.05, 10.0

#: K-alpha-1, K-alpha-2 and K-beta-1 of common anodes, angstrom (International Tables C, table 4.2.2.1).
_LINES = {
    "Ag": (0.559407, 0.563798, 0.497082),
    "Co": (1.788965, 1.792850, 1.620790),
    "Cr": (2.289700, 2.293606, 2.084870),
    "Cu": (1.540593, 1.544427, 1.392234),
    "Fe": (1.936042, 1.939980, 1.756610),
    "Mo": (0.709317, 0.713607, 0.632305),
    "Ni": (1.657910, 1.661747, 1.500135),
    "W": (0.209010, 0.213828, 0.184374),
}


def _wavelengths() -> dict[str, float]:
    """Return name -> wavelength; "Ka" is the mean of both lines, the first counted twice as often."""
    named = {}
    for anode, (first, second, beta) in _LINES.items():
        named[f"{anode}Ka"] = (2 * first + second) / 3
        named[f"{anode}Ka1"], named[f"{anode}Ka2"], named[f"{anode}Kb"] = first, second, beta
    return named


#: Name -> wavelength, angstrom.
WAVELENGTHS = _wavelengths()

CU_K_ALPHA, CU_K_ALPHA_1, CU_K_ALPHA_2 = (WAVELENGTHS[name] for name in ("CuKa", "CuKa1", "CuKa2"))
MO_K_ALPHA = WAVELENGTHS["MoKa"]


def bin_of(q: ArrayLike) -> NDArray[np.int64]:
    """Return the bin, 0 to `N_BIN` - 1, of each q (1/angstrom); -1 outside the range, and where q is NaN."""
    values = np.asarray(q, dtype=np.float64)
    inside = (values >= Q_LOW) & (values < Q_HIGH)
    place = np.floor((np.where(inside, values, Q_LOW) - Q_LOW) / BIN_WIDTH).astype(np.int64)
    return np.where(inside, np.minimum(place, N_BIN - 1), -1)


def q_of(number: ArrayLike) -> NDArray[np.float64]:
    """Return q (1/angstrom) at the centre of each bin."""
    return Q_LOW + (np.asarray(number, dtype=np.float64) + 0.5) * BIN_WIDTH


def two_theta_of(q: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """Return 2theta (degrees) of each q (1/angstrom) at a wavelength (angstrom); NaN where it cannot be reached."""
    sine = np.asarray(q, dtype=np.float64) * wavelength / 2
    reached = np.abs(sine) <= 1
    return np.where(reached, 2 * np.degrees(np.arcsin(np.where(reached, sine, 0.0))), np.nan)


def q_of_two_theta(two_theta_deg: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """Return q = 2 sin(theta) / wavelength (1/angstrom) of each angle 2theta (degrees)."""
    return 2 * np.sin(np.radians(np.asarray(two_theta_deg, dtype=np.float64)) / 2) / wavelength


def wavelength_angstrom(name: str | float) -> float:
    """Return the wavelength (angstrom) of a name ("CuKa", "MoKa1", "Cu Kα", "Cu") or of a number ("1.5406").

    Upper and lower case, blanks, hyphens and underlines do not matter; an anode alone is its mean K-alpha.

    Raises
    ------
    UserInputError
        If the name is unknown, or the number is no wavelength of X-rays or neutrons for diffraction.
    """
    text = str(name).strip()
    try:
        value = float(text)
    except ValueError:
        return _by_name(text)
    if not _SHORTEST <= value <= _LONGEST:
        raise UserInputError(
            f"{text} is no wavelength: they lie between {_SHORTEST:g} and {_LONGEST:g} angstrom, Cu K-alpha is 1.5418"
        )
    return value


def _by_name(text: str) -> float:
    plain = re.sub(r"[\s_\-‐-―]+", "", text).lower().replace("α", "a").replace("β", "b")
    plain = plain.replace("alpha", "a").replace("beta", "b").replace("ka12", "ka").translate(str.maketrans("₁₂", "12"))
    if plain.endswith("kb1"):
        plain = plain[:-1]
    known = {key.lower(): value for key, value in WAVELENGTHS.items()}
    for candidate in (plain, f"{plain}ka"):
        if candidate in known:
            return known[candidate]
    raise UserInputError(
        f"there is no wavelength {text!r}; give angstrom (1.5406) or one of {', '.join(sorted(WAVELENGTHS))}"
    )
