"""What the force field says of crystals as references: their strained samples relaxed, and the labels that follow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.dataset import Reference, RelaxationRows, relaxation_rows
from matsift.bond_valence.ion_pairs import PairTable, assign_ions
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.prototype_match import match
from matsift.bond_valence.relaxation import instability
from matsift.bond_valence.screening_factor import exact_screening_factor
from matsift.crystal import Crystal
from matsift.errors import MatsiftError

Array = NDArray[np.float64]


class NotAReferenceError(MatsiftError):
    """A crystal is none of the prototypes that are references."""

    def __init__(self, wanted: Sequence[str], found: str | None) -> None:
        said = "neither a cubic perovskite nor a normal spinel of oxygen" if found is None else f"a {found}"
        super().__init__(f"it is {said}; references are of the prototypes {', '.join(wanted)}")
        self.wanted, self.found = tuple(wanted), found


@dataclass(frozen=True)
class ReferenceWork:
    """What is done with crystals: which prototypes are references, and what `relaxation_rows` takes."""

    prototypes: tuple[str, ...]
    strains: tuple[float, ...]
    screening_factors: tuple[float, ...]
    variant: Variant
    scope: str


@dataclass(frozen=True, eq=False)
class References:
    """What came of n crystals, m of which are references.

    Parameters
    ----------
    position
        (m,), which of the crystals each reference is.
    prototypes
        (m,), "perovskite" or "spinel".
    rows
        The relaxations of all samples; `rows.reference` counts the references.
    screening_factor
        (m,), at which relaxation keeps the lattice; NaN where there is none.
    instability_index, lattice_constant
        (m,), of the reference as it is; valence units, and angstrom of its conventional cell.
    failures
        Position of a crystal -> (error class, one sentence): it is no reference, or one without a screening factor.
    """

    position: NDArray[np.int64]
    prototypes: tuple[str, ...]
    rows: RelaxationRows
    screening_factor: Array
    instability_index: Array
    lattice_constant: Array
    failures: dict[int, tuple[str, str]]

    @classmethod
    def failed(cls, error_class: str, message: str) -> References:
        """Return what came of one crystal of which nothing is known but why."""
        nothing = np.zeros(0)
        return cls(
            np.zeros(0, np.int64), (), relaxation_rows(()), nothing, nothing, nothing, {0: (error_class, message)}
        )


def label_references(payload: tuple[Sequence[Crystal], ReferenceWork]) -> References:
    """Return what the force field says of (crystals, work): the work of one process at a time."""
    crystals, work = payload
    found: dict[int, Reference] = {}
    failures: dict[int, tuple[str, str]] = {}
    for i, crystal in enumerate(crystals):
        try:
            found[i] = reference_of(crystal, work.prototypes)
        except MatsiftError as error:
            failures[i] = type(error).__name__, str(error)
    references = list(found.values())
    position = np.array(list(found), dtype=np.int64)
    factors, indices, reasons = _as_they_are(references, work)
    for i, reference, reason in zip(found, references, reasons, strict=True):
        if reason is not None:
            failures[i] = "NoScreeningFactor", f"{reference.pair.name}: {reason}"
    return References(
        position,
        tuple(reference.pair.prototype for reference in references),
        relaxation_rows(references, work.strains, work.screening_factors, work.variant, work.scope),
        factors,
        indices,
        np.array([reference.lattice_constant for reference in references], dtype=np.float64),
        failures,
    )


def reference_of(crystal: Crystal, prototypes: Sequence[str]) -> Reference:
    """Return a crystal as a reference of one of the prototypes, with the ions that its bonds speak for.

    Raises
    ------
    NotAReferenceError
        If it is of no such prototype.
    UserInputError
        If no ions with parameters balance its oxygen.
    """
    found = match(crystal)
    if found is None or found.prototype not in prototypes:
        raise NotAReferenceError(prototypes, None if found is None else found.prototype)
    return Reference(assign_ions(found), found.lattice_constant, found.oxygen_parameter)


def _as_they_are(references: Sequence[Reference], work: ReferenceWork) -> tuple[Array, Array, list[str | None]]:
    """Return screening factor and instability index of each reference, and why there is no screening factor."""
    factors, indices = np.full(len(references), np.nan), np.full(len(references), np.nan)
    reasons: list[str | None] = [None] * len(references)
    for prototype in sorted({reference.pair.prototype for reference in references}):
        rows = np.flatnonzero([reference.pair.prototype == prototype for reference in references])
        here = [references[int(i)] for i in rows]
        table = PairTable.of([reference.pair for reference in here], work.variant)
        a = np.array([reference.lattice_constant for reference in here])
        u = np.array([math.nan if r.oxygen_parameter is None else r.oxygen_parameter for r in here])
        roots = exact_screening_factor(table, a, u)
        factors[rows], indices[rows] = roots.screening_factor, instability(table, a, u, work.scope)
        for i, reason in zip(rows, roots.reason, strict=True):
            reasons[i] = reason
    return factors, indices, reasons
