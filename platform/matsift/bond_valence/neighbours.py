"""Pairs of atoms of a periodic crystal within a distance, by pymatgen's linked-cell search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from matsift.crystal import Crystal
from matsift.errors import BadStructureError

#: Closer than this (angstrom) two atoms are one place.
COINCIDENT = 1e-3

_PERIODIC = np.ones(3, dtype=np.int64)
_TOLERANCE = 1e-8


class Neighbours(NamedTuple):
    """Pairs: the atoms centre and other (n,), the vector (n, 3) to the other and its length (n,), angstrom."""

    centre: NDArray[np.int64]
    other: NDArray[np.int64]
    vector: NDArray[np.float64]
    distance: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_]) -> Neighbours:
        """Return the pairs of the mask `chosen` (n,)."""
        return Neighbours(self.centre[chosen], self.other[chosen], self.vector[chosen], self.distance[chosen])


def neighbours(
    crystal: Crystal, centres: NDArray[np.int64], others: NDArray[np.int64], cutoff: float, *, once: bool = False
) -> Neighbours:
    """Return all pairs of `others` around `centres`, atoms of the crystal, up to a distance; images included.

    Parameters
    ----------
    cutoff
        Angstrom.
    once
        Whether a pair stands once instead of once from each end; `centres` and `others` are then the same atoms.

    Raises
    ------
    BadStructureError
        If two atoms stand on one place.
    """
    lattice = np.ascontiguousarray(crystal.lattice, dtype=np.float64)
    cartesian = crystal.frac_coords @ lattice
    first, second, images, distance = find_points_in_spheres(
        np.ascontiguousarray(cartesian[others]),
        np.ascontiguousarray(cartesian[centres]),
        float(cutoff),
        _PERIODIC,
        lattice,
        _TOLERANCE,
    )
    centre, other = centres[first], others[second]
    at_home = (images == 0).all(axis=1)
    if ((distance < COINCIDENT) & ~((centre == other) & at_home)).any():
        raise BadStructureError("two atoms stand on one place")
    keep = _first_of_two(centre, other, images) if once else ~((centre == other) & at_home)
    centre, other, images = centre[keep], other[keep], images[keep]
    vector = cartesian[other] + images @ lattice - cartesian[centre]
    return Neighbours(centre, other, vector, np.linalg.norm(vector, axis=1))


def _first_of_two(
    centre: NDArray[np.int64], other: NDArray[np.int64], images: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which of the directed pairs stand for both directions; an atom is no neighbour of itself."""
    x, y, z = images.T
    forward = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    first: NDArray[np.bool_] = (centre < other) | ((centre == other) & forward)
    return first
