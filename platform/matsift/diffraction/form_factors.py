"""How strongly the electrons of an atom scatter X-rays: f = sum_i a_i exp(-b_i s^2) + c, s = sin(theta) / wavelength.

The nine numbers an element are those of the International Tables (1974, volume IV; 1992, volume C), as gemmi has them.
They hold for s up to 2/angstrom; profiles need 0.53.
"""

from __future__ import annotations

from functools import cache

import gemmi
import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.crystal import ELEMENT_SYMBOLS

#: Atomic number of the last element with a form factor, Cf.
LAST_NUMBER = 98


@cache
def coefficients() -> NDArray[np.float64]:
    """Return (98, 9) a1 to a4, b1 to b4 (angstrom2), c of the elements H to Cf."""
    rows = [gemmi.Element(symbol).it92.get_coefs() for symbol in ELEMENT_SYMBOLS[:LAST_NUMBER]]
    return np.array(rows, dtype=np.float64)


def form_factors(numbers: ArrayLike, s_squared: ArrayLike, *, b_iso: float = 0.0) -> NDArray[np.float64]:
    """Return f exp(-B s^2) in electrons, (n, m).

    Parameters
    ----------
    numbers
        (n,) atomic numbers, 1 to 98.
    s_squared
        (m,), (sin(theta) / wavelength)^2 = q^2 / 4, 1/angstrom2.
    b_iso
        Displacement parameter B, angstrom2.
    """
    table = coefficients()[np.atleast_1d(np.asarray(numbers, dtype=np.int64)) - 1]
    s2 = np.atleast_1d(np.asarray(s_squared, dtype=np.float64))
    bells = np.exp(-table[:, 4:8, None] * s2)
    return np.asarray((np.einsum("ni,nim->nm", table[:, :4], bells) + table[:, 8:]) * np.exp(-b_iso * s2))
