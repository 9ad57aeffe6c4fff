"""Screening factors of a given crystal: the one without pressure, and the one that keeps a reference lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import PairTable

Array = NDArray[np.float64]

#: Where a screening factor is looked for.
BRACKET = (0.2, 1.6)


@dataclass(frozen=True, eq=False)
class ScreeningFactors:
    """Screening factors of n crystals.

    Parameters
    ----------
    screening_factor
        (n,); NaN where there is none.
    oxygen_parameter
        (n,), u of the spinel that goes with it; NaN for a perovskite.
    reason
        (n,), why there is none; None where there is one.
    """

    screening_factor: Array
    oxygen_parameter: Array
    reason: tuple[str | None, ...]


def automatic_screening_factor(
    table: PairTable, lattice_constant: Array, oxygen_parameter: Array | None = None
) -> ScreeningFactors:
    """Return the screening factors at which n given crystals are without pressure, dE/dlnV = 0, as softBV tunes it.

    The crystals are taken as they are: at a strained cell it is the screening factor that makes the strain a rest
    position. Positions are not relaxed.
    """
    raise NotImplementedError


def exact_screening_factor(
    table: PairTable, lattice_constant: Array, oxygen_parameter: Array | None = None
) -> ScreeningFactors:
    """Return the screening factors at which relaxation ends at the given lattice constants: the roots of Er = 0.

    A spinel's oxygen parameter is free, starts from the given one, and is returned. A reference lattice at which the
    energy is not lowest (a saddle, a maximum) has no such screening factor.
    """
    raise NotImplementedError
