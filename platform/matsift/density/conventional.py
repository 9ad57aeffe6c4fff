"""The conventional cell of a crystal, and how points and densities of its own cell go there, by spglib."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import spglib
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.errors import BadStructureError
from matsift.structure_facts import SYMMETRY_TOLERANCE_ANGSTROM


@dataclass(frozen=True, eq=False)
class CellTransform:
    """How a crystal's own cell becomes the conventional one.

    Parameters
    ----------
    matrix
        (3, 3); the rows of ``matrix @ lattice`` are the conventional vectors, but for the rotation of the axes.
    shift
        (3,) of the conventional cell: a point at x of the own cell stands at ``x @ inv(matrix) + shift``.
    cell
        (3, 3), angstrom; the idealised conventional cell: a cubic one has its vectors along x, y and z.
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    cell: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Standard:
    transform: CellTransform
    positions: NDArray[np.float64]
    types: NDArray[np.int64]
    number: int


def conventional_cell(crystal: Crystal, tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM) -> Crystal:
    """Return the crystal in its conventional cell, idealised, cubic axes along x, y and z.

    Raises
    ------
    BadStructureError
        If a site is shared or partly vacant, or spglib finds no space group at the tolerance.
    """
    found = _standard(crystal, tolerance_angstrom)
    symbols = [ELEMENT_SYMBOLS[number - 1] for number in found.types]
    return Crystal.ordered(found.transform.cell, symbols, found.positions)


def conventional_transform(
    crystal: Crystal, tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM
) -> tuple[CellTransform, int]:
    """Return how the crystal's cell becomes the conventional one, and the number of its space group.

    Raises
    ------
    BadStructureError
        As `conventional_cell`.
    """
    found = _standard(crystal, tolerance_angstrom)
    return found.transform, found.number


def _standard(crystal: Crystal, tolerance_angstrom: float) -> _Standard:
    crystal.check()
    if not crystal.is_ordered:
        raise BadStructureError("a site is shared or partly vacant: a conventional cell needs one atom a site")
    numbers = [ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in crystal.species]
    cell = (crystal.lattice.tolist(), crystal.frac_coords.tolist(), numbers)
    try:
        found = spglib.get_symmetry_dataset(cell, symprec=tolerance_angstrom)
    except spglib.SpglibError:
        found = None
    if found is None:
        raise BadStructureError(
            f"spglib finds no space group at {tolerance_angstrom:g} angstrom: two atoms may stand on one place"
        )
    matrix = np.linalg.inv(np.asarray(found.transformation_matrix)).T
    matrix = np.round(matrix * 24.0) / 24.0  # thirds, quarters and halves: cells related by lattice vectors
    transform = CellTransform(
        matrix, np.asarray(found.origin_shift, dtype=np.float64) % 1.0, np.asarray(found.std_lattice)
    )
    return _Standard(
        transform,
        np.asarray(found.std_positions, dtype=np.float64),
        np.asarray(found.std_types, dtype=np.int64),
        int(found.number),
    )
