"""Rows to learn the screening factor from: strained references, relaxed at many screening factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import IonPair, PairTable
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.prototype_match import IDEAL_OXYGEN_PARAMETER
from matsift.bond_valence.relaxation import instability, relax

Array = NDArray[np.float64]

#: Strains of the sample structures and screening factors of Kameda et al. 2024.
STRAINS = (-0.1, 0.1)
SCREENING_FACTORS = tuple(round(0.55 + 0.0125 * i, 4) for i in range(17))

#: Mean shift of the atoms of a spinel when u changes by one: 4 of 7 are oxygen, each moves along (1, 1, 1).
_SPINEL_SHIFT = 4 / 7 * math.sqrt(3)


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
    n_sample = len(strains) * len(screening_factors)
    n = len(references) * n_sample
    reference = np.repeat(np.arange(len(references)), n_sample)
    strain = np.tile(np.repeat(np.asarray(strains, dtype=np.float64), len(screening_factors)), len(references))
    factor = np.tile(np.asarray(screening_factors, dtype=np.float64), len(references) * len(strains))
    lattice = np.array([r.lattice_constant for r in references])[reference]
    oxygen = np.array([_oxygen(r) for r in references])[reference]
    found = {name: np.full(n, np.nan) for name in ("lattice_constant", "oxygen_parameter", "instability_index")}
    reason: list[str | None] = [None] * n
    for prototype in sorted({r.pair.prototype for r in references}):
        here = [i for i, r in enumerate(references) if r.pair.prototype == prototype]
        rows = np.flatnonzero(np.isin(reference, here))
        position = np.searchsorted(here, reference[rows])
        table = PairTable.of([references[i].pair for i in here], variant).take(position)
        relaxed = relax(table, factor[rows], lattice[rows] * (1 + strain[rows]), oxygen[rows])
        found["lattice_constant"][rows] = relaxed.lattice_constant
        found["oxygen_parameter"][rows] = relaxed.oxygen_parameter
        found["instability_index"][rows] = instability(table, relaxed.lattice_constant, relaxed.oxygen_parameter, scope)
        for row, why in zip(rows, relaxed.reason, strict=True):
            reason[row] = why
    shift = _SPINEL_SHIFT * np.abs(found["oxygen_parameter"] - oxygen)
    return RelaxationRows(
        reference,
        strain,
        factor,
        **found,
        lattice_error=found["lattice_constant"] / lattice - 1,
        site_shift=np.where(np.isnan(oxygen), np.where(np.isnan(found["lattice_constant"]), np.nan, 0.0), shift),
        reason=tuple(reason),
    )


def _oxygen(reference: Reference) -> float:
    if reference.pair.prototype != "spinel":
        return math.nan
    return IDEAL_OXYGEN_PARAMETER if reference.oxygen_parameter is None else reference.oxygen_parameter
