"""Symmetry of ordered crystals, by spglib: point group, space group, standardised primitive cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import spglib
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.elasticity.strain import cartesian_rotations

#: Angstrom: atoms that miss a symmetric place by less than this stand on it. A relaxation leaves about 0.005.
TOLERANCE = 0.02

_SpglibCell = tuple[Sequence[Sequence[float]], Sequence[Sequence[float]], Sequence[int]]


def standardised(crystal: Crystal) -> Crystal:
    """Return the idealised primitive cell of an ordered crystal; the crystal itself if spglib finds no symmetry."""
    found = spglib.standardize_cell(_cell(crystal), to_primitive=True, no_idealize=False, symprec=TOLERANCE)
    if found is None:
        return crystal
    lattice, coords, kinds = found
    return Crystal.ordered(np.array(lattice), [crystal.elements[k] for k in kinds], np.array(coords))


def point_group(crystal: Crystal) -> NDArray[np.float64]:
    """Return the point group of an ordered crystal as Cartesian matrices (n, 3, 3); the identity alone if unknown."""
    found = spglib.get_symmetry(_cell(crystal), symprec=TOLERANCE)
    fractional = np.eye(3, dtype=np.int32)[None] if found is None else np.asarray(found["rotations"])
    return cartesian_rotations(crystal.lattice, fractional)


def space_group_number(crystal: Crystal) -> int:
    """Return the space group number of an ordered crystal; 0 if spglib finds none."""
    found = spglib.get_symmetry_dataset(_cell(crystal), symprec=TOLERANCE)
    return 0 if found is None else int(found.number)


def _cell(crystal: Crystal) -> _SpglibCell:
    kinds = [crystal.elements.index(symbol) for symbol in crystal.species]
    return crystal.lattice.tolist(), crystal.frac_coords.tolist(), kinds
