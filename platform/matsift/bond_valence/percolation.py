"""Percolation of a periodic energy map: the lowest energy at which a path leads through the crystal, by dimension.

The map is flooded from its lowest point upwards. Points of the grid that touch (26 neighbours each) are joined in a
union-find structure that also knows by which lattice translation two of them lie apart; where a point is joined with
an image of itself, the translations between them are those along which the flooded part runs through the crystal. Their
rank is its dimension. So each threshold is that of a point of the grid, found in one pass, and pieces that wind or
interpenetrate are counted right, which a search in a 2 x 2 x 2 supercell (as in bvlain) does not do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Barriers:
    """Energies in eV above the lowest point of a map, at which a path runs through in 1, 2 and 3 dimensions.

    Infinite where none does below the cutoff.
    """

    one: float
    two: float
    three: float

    @property
    def dimension(self) -> int:
        """In how many dimensions there is a path below the cutoff, 0 to 3."""
        return int(np.isfinite([self.one, self.two, self.three]).sum())


def percolation_barriers(energies: Floats, *, cutoff: float = np.inf) -> Barriers:
    """Return the percolation barriers of an energy map.

    Parameters
    ----------
    energies
        (n_a, n_b, n_c) eV, at fractions i / n of the lattice vectors: the last point of an axis is not the first again.
    cutoff
        eV above the lowest point, where the search ends.

    Raises
    ------
    ValueError
        If an energy is not a number, or the map is empty.
    """
    flat = np.ascontiguousarray(energies, dtype=np.float64).ravel()
    if energies.ndim != 3 or not flat.size or np.isnan(flat).any():
        raise ValueError("an energy map has three axes, some points, and a number at each")
    order = np.argsort(flat, kind="stable")
    lowest = flat[order[0]]
    order = order[: int(np.searchsorted(flat[order], lowest + cutoff, side="right"))]
    reached = _flood(order, np.array(energies.shape, dtype=np.int64))
    found = [float(flat[order[place]] - lowest) if place >= 0 else np.inf for place in reached]
    return Barriers(*found)


@compiled
def _flood(order: Ints, shape: Ints) -> Ints:
    """Return (3,) the place in `order` at which a part first runs through in 1, 2 and 3 dimensions, -1 for never."""
    n = shape[0] * shape[1] * shape[2]
    parent = np.full(n, -1, dtype=np.int64)
    shift = np.zeros((n, 3), dtype=np.int64)  # a point of the home cell is joined with its parent of this cell
    basis = np.zeros((n, 3, 3), dtype=np.int64)
    rank = np.zeros(n, dtype=np.int64)
    reached = np.full(3, -1, dtype=np.int64)
    apart = np.zeros(3, dtype=np.int64)
    highest = 0
    for place in range(len(order)):
        point = order[place]
        parent[point] = point
        for direction in range(27):
            other = _neighbour(point, direction, shape, apart)
            if other == point and not apart.any():
                continue
            if parent[other] < 0:
                continue
            root, root_of_other = _root(point, parent, shift), _root(other, parent, shift)
            if other != root_of_other:
                apart += shift[other]
            if point != root:
                apart -= shift[point]
            if root != root_of_other:
                _join(root_of_other, root, apart, parent, shift, basis, rank)
            else:
                _extend(basis[root], rank, root, apart)
            while highest < rank[root]:
                reached[highest] = place
                highest += 1
        if highest == len(reached):
            break
    return reached


@compiled
def _neighbour(point: int, direction: int, shape: Ints, cell: Ints) -> int:
    """Return the point next to one of the home cell in one of 27 directions, and fill in the cell that it lies in."""
    here = (point // (shape[1] * shape[2]), point // shape[2] % shape[1], point % shape[2])
    step = (direction // 9 - 1, direction // 3 % 3 - 1, direction % 3 - 1)
    found = 0
    for axis in range(3):
        there = here[axis] + step[axis]
        cell[axis] = (there >= shape[axis]) - (there < 0)
        found = found * shape[axis] + there - cell[axis] * shape[axis]
    return found


@compiled
def _root(point: int, parent: Ints, shift: Ints) -> int:
    """Return the root of a point, which becomes its parent; its shift leads there."""
    root = point
    while parent[root] != root:
        root = parent[root]
    # From the point up, each learns the way to the root: what is left of the whole way after the steps before it.
    way = np.zeros(3, dtype=np.int64)
    at = point
    while parent[at] != at:
        way += shift[at]
        at = parent[at]
    at = point
    while parent[at] != at:
        following = parent[at]
        own = shift[at].copy()
        shift[at] = way
        parent[at] = root
        way = way - own
        at = following
    return root


@compiled
def _join(child: int, root: int, apart: Ints, parent: Ints, shift: Ints, basis: Ints, rank: Ints) -> None:
    """Put one root below another; `apart` is the cell of the child's image that the root of the home cell touches."""
    parent[child] = root
    shift[child] = -apart
    for row in range(rank[child]):
        _extend(basis[root], rank, root, basis[child, row])


@compiled
def _extend(basis: Ints, rank: Ints, root: int, vector: Ints) -> None:
    """Add a translation to those of a root, where it is independent of them."""
    if rank[root] == 3 or not vector.any():
        return
    if rank[root] == 1:
        a = basis[0]
        if (
            a[1] * vector[2] == a[2] * vector[1]
            and a[2] * vector[0] == a[0] * vector[2]
            and a[0] * vector[1] == a[1] * vector[0]
        ):
            return
    if rank[root] == 2:
        a, b = basis[0], basis[1]
        volume = (
            (a[1] * b[2] - a[2] * b[1]) * vector[0]
            + (a[2] * b[0] - a[0] * b[2]) * vector[1]
            + (a[0] * b[1] - a[1] * b[0]) * vector[2]
        )
        if volume == 0:
            return
    basis[rank[root]] = vector
    rank[root] += 1
