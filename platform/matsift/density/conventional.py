"""The conventional cell of a crystal, and how points and densities of its own cell go there, by spglib."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.errors import BadStructureError
from matsift.structure_facts import SYMMETRY_TOLERANCE_ANGSTROM

#: Vectors of one cell are multiples of 1/24 of those of another: halves, thirds and quarters.
_PARTS = 24.0


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
class Standardised:
    """A crystal in its conventional cell, and what spglib found on the way there.

    Parameters
    ----------
    crystal
        Idealised; a cubic cell has its vectors along x, y and z.
    transform
        How the cell that was given becomes that of `crystal`.
    space_group_number
        1 to 230.
    equivalent_atoms
        (n_atom,) of the crystal that was given: the first atom of which symmetry makes each one a copy.
    """

    crystal: Crystal
    transform: CellTransform
    space_group_number: int
    equivalent_atoms: NDArray[np.int64]


def conventional_cell(crystal: Crystal, tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM) -> Crystal:
    """Return the crystal in its conventional cell, idealised, cubic axes along x, y and z.

    Raises
    ------
    BadStructureError
        As `standardise`.
    """
    return standardise(crystal, tolerance_angstrom).crystal


def conventional_transform(
    crystal: Crystal, tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM
) -> tuple[CellTransform, int]:
    """Return how the crystal's cell becomes the conventional one, and the number of its space group.

    Raises
    ------
    BadStructureError
        As `standardise`.
    """
    found = standardise(crystal, tolerance_angstrom)
    return found.transform, found.space_group_number


def standardise(crystal: Crystal, tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM) -> Standardised:
    """Return the crystal in its conventional cell with the way there, its space group and its equivalent atoms.

    Raises
    ------
    BadStructureError
        If a site is shared or partly vacant, or spglib finds no space group at the tolerance.
    """
    crystal.check()
    if not crystal.is_ordered:
        raise BadStructureError("a site is shared or partly vacant: a conventional cell needs one atom a site")
    numbers = [ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in crystal.species]
    cell = (crystal.lattice.tolist(), crystal.frac_coords.tolist(), numbers)
    try:
        found: Any = spglib.get_symmetry_dataset(cell, symprec=tolerance_angstrom)
    except spglib.SpglibError:
        found = None
    if found is None:
        raise BadStructureError(
            f"spglib finds no space group at {tolerance_angstrom:g} angstrom: two atoms may stand on one place"
        )
    matrix = np.round(np.linalg.inv(found.transformation_matrix).T * _PARTS) / _PARTS
    lattice = np.asarray(found.std_lattice, dtype=np.float64)
    symbols = [ELEMENT_SYMBOLS[number - 1] for number in found.std_types]
    return Standardised(
        Crystal.ordered(lattice, symbols, np.asarray(found.std_positions)),
        CellTransform(matrix, np.asarray(found.origin_shift, dtype=np.float64) % 1.0, lattice),
        int(found.number),
        np.asarray(found.equivalent_atoms, dtype=np.int64),
    )
