"""Rows to learn the screening factor from: strained references, relaxed at many screening factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import IonPair
from matsift.bond_valence.pair_energy import Variant

Array = NDArray[np.float64]

#: Strains of the sample structures and screening factors of Kameda et al. 2024.
STRAINS = (-0.1, 0.1)
SCREENING_FACTORS = tuple(round(0.55 + 0.0125 * i, 4) for i in range(17))


@dataclass(frozen=True)
class Reference:
    """A reference crystal: its cations, lattice constant (angstrom) and, of a spinel, oxygen parameter."""

    pair: IonPair
    lattice_constant: float
    oxygen_parameter: float | None = None


@dataclass(frozen=True, eq=False)
class RelaxationRows:
    """n rows, one a reference, strain and screening factor, in this order of nesting.

    Parameters
    ----------
    reference
        (n,), position of the reference.
    strain, screening_factor
        (n,).
    lattice_constant, oxygen_parameter
        (n,), of the sample at rest; NaN where it has none.
    lattice_error
        (n,), Er = (a - a_ref)/a_ref.
    site_shift
        (n,), mean distance of the atoms from their sites in the reference, in fractions of the cubic cell.
    instability_index
        (n,), global instability index at rest, valence units.
    reason
        (n,), why a row cannot be used; None where it can.
    """

    reference: NDArray[np.int64]
    strain: Array
    screening_factor: Array
    lattice_constant: Array
    oxygen_parameter: Array
    lattice_error: Array
    site_shift: Array
    instability_index: Array
    reason: tuple[str | None, ...]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which rows have a lattice error."""
        return np.array([reason is None for reason in self.reason], dtype=bool)


def relaxation_rows(
    references: Sequence[Reference],
    strains: Sequence[float] = STRAINS,
    screening_factors: Sequence[float] = SCREENING_FACTORS,
    variant: Variant | None = None,
    scope: str = "cations",
) -> RelaxationRows:
    """Return the rows of references, of either prototype, all relaxed in batches.

    Parameters
    ----------
    references
        Crystals of which ions, lattice constant and oxygen parameter are known.
    strains
        By which the lattice vectors of each are stretched before it is relaxed.
    screening_factors
        At which each sample is relaxed.
    variant
        Of the force field; the calibrated one where None.
    scope
        Of the global instability index: "cations" or "all".
    """
    raise NotImplementedError
