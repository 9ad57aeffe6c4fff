"""The rows that a set of oxides gives: descriptors, lattice error and screening factor of every relaxed sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.repro_000.data import Oxide
from numpy.typing import NDArray

from matsift.bond_valence.dataset import relaxation_rows
from matsift.bond_valence.decorations import formula
from matsift.bond_valence.ion_pairs import PairTable
from matsift.bond_valence.screening_factor import exact_screening_factor
from matsift.descriptors.oxide_pair import OXIDE_PAIR, pair_values
from matsift.learners.group_splits import GroupedData

Array = NDArray[np.float64]

LATTICE_ERROR = "Er"
PARTS = ("perovskite", "spinel", "both")


@dataclass(frozen=True, eq=False)
class Samples:
    """All samples of a set: m oxides, n usable rows.

    Parameters
    ----------
    oxides
        m.
    descriptors
        (m, 10), of the cations, in the order of `OXIDE_PAIR`.
    data
        The usable rows: Er and the descriptors, the screening factor, the composition as the group.
    oxide_of_row
        (n,), position of each row's oxide.
    n_row
        Rows before those without a relaxed lattice were left out.
    site_shift
        (n,), mean shift of the atoms in fractions of the cell.
    """

    oxides: tuple[Oxide, ...]
    descriptors: Array
    data: GroupedData
    oxide_of_row: NDArray[np.int64]
    n_row: int
    site_shift: Array

    @property
    def prototypes(self) -> NDArray[np.str_]:
        """(m,)."""
        return np.array([oxide.pair.prototype for oxide in self.oxides])

    @property
    def lattice_constants(self) -> Array:
        """(m,), angstrom."""
        return np.array([oxide.reference.lattice_constant for oxide in self.oxides])

    @property
    def oxygen_parameters(self) -> Array:
        """(m,), NaN for perovskites."""
        return np.array([oxide.reference.oxygen_parameter or np.nan for oxide in self.oxides])

    def at_rest(self) -> Array:
        """Return (m, 11) what a model sees of each oxide where its lattice is kept: Er = 0."""
        return np.column_stack([np.zeros(len(self.oxides)), self.descriptors])

    def exact(self) -> Array:
        """Return (m,) the screening factor that keeps each reference lattice, NaN where there is none."""
        found = np.full(len(self.oxides), np.nan)
        for rows, table in self.tables():
            u = self.oxygen_parameters[rows]
            found[rows] = exact_screening_factor(table, self.lattice_constants[rows], u).screening_factor
        return found

    def tables(self) -> list[tuple[NDArray[np.int64], PairTable]]:
        """Return the positions of the oxides of each prototype with their parameters."""
        return [
            (rows, PairTable.of([self.oxides[i].pair for i in rows]))
            for name in PARTS[:2]
            if len(rows := np.flatnonzero(self.prototypes == name))
        ]

    def part(self, name: str) -> GroupedData:
        """Return the rows of one prototype, or of both."""
        rows = np.full(len(self.oxide_of_row), fill_value=True)
        if name != "both":
            rows = self.prototypes[self.oxide_of_row] == name
        data = self.data
        return GroupedData.of(data.X[rows], data.y[rows], data.groups[rows].tolist(), data.feature_names)


def samples(oxides: Sequence[Oxide]) -> Samples:
    """Return the samples of oxides: strained by -10 and +10 %, relaxed at 17 screening factors."""
    relaxed = relaxation_rows([oxide.reference for oxide in oxides])
    descriptors = np.array([pair_values(oxide.pair) for oxide in oxides])
    usable = relaxed.usable
    of_row = relaxed.reference[usable]
    X = np.column_stack([relaxed.lattice_error[usable], descriptors[of_row]])
    groups = [f"{oxides[i].pair.prototype} {formula(oxides[i].pair)}" for i in of_row]
    data = GroupedData.of(X, relaxed.screening_factor[usable], groups, (LATTICE_ERROR, *OXIDE_PAIR.columns))
    return Samples(tuple(oxides), descriptors, data, of_row, len(usable), relaxed.site_shift[usable])
