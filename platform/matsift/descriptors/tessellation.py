"""Voronoi cells of periodic crystals, in double precision and without supercells.

The Voronoi cell of an atom is the set of points x with x·v <= v·v/2 for the vectors v to all its neighbours. Its polar
dual is the convex hull of the points 2v/(v·v): each neighbour that has a facet is a vertex of that hull, and each
facet of the hull, with unit normal n at distance h from the origin, is the vertex n/h of the cell. So one small convex
hull an atom gives the cell, with the periodic image of each neighbour at hand from the start; facets in which several
images of one atom take part, one-atom cells and skewed cells are no special cases. The areas are then summed for all
atoms of a chunk at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from matsift.errors import DescriptorError

_COINCIDENT_ANGSTROM = 0.01
_NEGLIGIBLE_AREA = 1e-10  # of the atom's largest facet
_FIRST_REACH = 2.4  # in cube roots of the volume an atom; twice the circumradius of a cell of fcc is 1.59, of sc 1.73
_PAIRS_AT_A_TIME = 2_000_000


@dataclass(frozen=True)
class DualCells:
    """The polar duals of the Voronoi cells of one structure.

    `site`, `neighbour` (p,) atoms, `image` (p, 3) lattice translation of the neighbour, in some fixed choice of cell,
    and `vector` (p, 3) from site to neighbour, angstrom, describe the points; `simplices` (f, 3) the triangles of the
    hulls, `adjacent` (f, 3) the triangle opposite to each corner, `vertex` (f, 3) the cell's vertex that a triangle
    stands for, from the site, angstrom.
    """

    site: NDArray[np.int64]
    neighbour: NDArray[np.int64]
    image: NDArray[np.int64]
    vector: NDArray[np.float64]
    simplices: NDArray[np.int64]
    adjacent: NDArray[np.int64]
    vertex: NDArray[np.float64]


@dataclass(frozen=True)
class Facets:
    """All facets of all cells of a chunk of structures, sorted by site.

    `site`, `neighbour` (m,) count through the atoms of the chunk; `image` (m, 3) tells apart the periodic copies of a
    neighbour; `area` (m,) in square angstrom, `distance` (m,) from site to neighbour in angstrom.
    """

    site: NDArray[np.int64]
    neighbour: NDArray[np.int64]
    image: NDArray[np.int64]
    area: NDArray[np.float64]
    distance: NDArray[np.float64]

    @property
    def volume(self) -> NDArray[np.float64]:
        """Volumes (m,) of the pyramids from the site to its facets; those of a site add up to its cell."""
        return self.area * self.distance / 6.0


def dual_cells(lattice: NDArray[np.float64], frac_coords: NDArray[np.float64]) -> DualCells:
    """Return the dual cells of one structure.

    Parameters
    ----------
    lattice
        (3, 3), angstrom, any shape of cell.
    frac_coords
        (n, 3).

    Raises
    ------
    DescriptorError
        If two atoms coincide, or the convex hull cannot be built.
    """
    reduced = reduce_lattice(lattice)
    coords = frac_coords @ lattice @ np.linalg.inv(reduced)
    coords = coords - np.floor(coords)
    n = len(coords)
    scale = (abs(np.linalg.det(reduced)) / n) ** (1 / 3)
    parts: dict[int, tuple[NDArray[np.int64], NDArray[np.float64], ConvexHull]] = {}
    reach, waiting = _FIRST_REACH * scale, np.arange(n)
    while len(waiting):
        needed = reach
        for block in np.array_split(waiting, -(-len(waiting) * n * 27 // _PAIRS_AT_A_TIME)):
            for site, who, vector in _surroundings(reduced, coords, block, reach):
                hull = _hull(vector / scale)
                parts[site] = (who, vector, hull)
                needed = max(needed, _diameter(hull) * scale)
        waiting = np.array([i for i in waiting.tolist() if _diameter(parts[i][2]) * scale > reach])
        reach = min(needed, 1.6 * reach) * (1 + 1e-9)
    return _gathered([parts[i] for i in range(n)], scale)


def reduce_lattice(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors (3, 3) of the same lattice of which none can be shortened by multiples of one other."""
    vectors = np.array(lattice, dtype=np.float64)
    changed = True
    while changed:
        changed = False
        for i, j in itertools.permutations(range(3), 2):
            steps = np.rint(vectors[i] @ vectors[j] / (vectors[j] @ vectors[j]) * (1 - 1e-12))
            if steps:
                vectors[i] -= steps * vectors[j]
                changed = True
    return vectors


def join_facets(cells: Sequence[DualCells]) -> Facets:
    """Return the facets of all structures of a chunk, with their areas.

    The area of facet p is the sum of the triangles from its foot point v_p/2 to its edges; an edge, shared with facet
    r, has the height (v_r·v_r - v_r·v_p)/2 over the length of the part of v_r that lies in the plane of p.
    """
    site = _offset([c.site for c in cells], [int(c.site[-1]) + 1 for c in cells])
    neighbour = _offset([c.neighbour for c in cells], [int(c.site[-1]) + 1 for c in cells])
    points = [len(c.site) for c in cells]
    simplices = _offset([c.simplices for c in cells], points)
    adjacent = _offset([c.adjacent for c in cells], [len(c.simplices) for c in cells])
    vector, vertex = np.concatenate([c.vector for c in cells]), np.concatenate([c.vertex for c in cells])
    area = _areas(vector, simplices, adjacent, vertex)
    largest = np.zeros(site[-1] + 1)
    np.maximum.at(largest, site, area)
    keep = area > _NEGLIGIBLE_AREA * largest[site]
    image = np.concatenate([c.image for c in cells])
    return Facets(site[keep], neighbour[keep], image[keep], area[keep], np.linalg.norm(vector[keep], axis=1))


def _areas(
    vector: NDArray[np.float64],
    simplices: NDArray[np.int64],
    adjacent: NDArray[np.int64],
    vertex: NDArray[np.float64],
) -> NDArray[np.float64]:
    area = np.zeros(len(vector))
    square = np.einsum("ij,ij->i", vector, vector)
    for corner in range(3):
        one = np.arange(len(simplices))
        other = adjacent[:, corner]
        length = np.linalg.norm(vertex[one] - vertex[other], axis=1)
        edge = np.nonzero((one < other) & (length > 0.0))[0]
        first, second = simplices[edge, (corner + 1) % 3], simplices[edge, (corner + 2) % 3]
        product = np.einsum("ij,ij->i", vector[first], vector[second])
        across = np.maximum(square[first] * square[second] - product**2, 1e-300)  # |v_p x v_r|^2
        for p, r in ((first, second), (second, first)):
            height = 0.5 * (square[r] - product) * np.sqrt(square[p] / across)
            area += np.bincount(p, 0.5 * height * length[edge], len(area))
    return area


def _surroundings(
    lattice: NDArray[np.float64], coords: NDArray[np.float64], sites: NDArray[np.int64], reach: float
) -> list[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
    """Return for each site (site, neighbours and images (p, 4), vectors (p, 3)) of all atoms within reach.

    The site's own copies in the 26 cells around are always among them, so that the cell is closed.
    """
    spacing = 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    cells, is_around, is_home = _cells_around(*(np.floor(reach / spacing) + 1).astype(int).tolist())
    shift = cells @ lattice
    difference = (coords[None, :] - coords[sites][:, None]) @ lattice
    vectors = difference[:, :, None, :] + shift[None, None]
    squares = np.einsum("ijkl,ijkl->ijk", vectors, vectors)
    near = squares <= reach**2
    own = (np.arange(len(coords))[None, :] == sites[:, None])[:, :, None]
    near |= own & is_around
    near &= ~(own & is_home)
    if (squares[near] < _COINCIDENT_ANGSTROM**2).any():
        raise DescriptorError(f"two atoms lie within {_COINCIDENT_ANGSTROM} angstrom of each other")
    row, atom, cell = np.nonzero(near)
    who = np.concatenate([atom[:, None], cells[cell]], axis=1)
    bounds = np.searchsorted(row, np.arange(len(sites) + 1))
    chosen = vectors[row, atom, cell]
    return [(int(s), who[a:b], chosen[a:b]) for s, a, b in zip(sites, bounds[:-1], bounds[1:], strict=True)]


@lru_cache(maxsize=256)
def _cells_around(*most: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the translations (k, 3) up to the most along each axis, which are the 26 around, and which is none."""
    cells = np.stack(np.meshgrid(*(np.arange(-k, k + 1) for k in most), indexing="ij"), axis=-1).reshape(-1, 3)
    furthest = np.abs(cells).max(axis=1)
    return cells, furthest == 1, furthest == 0


def _hull(vector: NDArray[np.float64]) -> ConvexHull:
    try:
        return ConvexHull(2.0 * vector / np.einsum("ij,ij->i", vector, vector)[:, None])
    except QhullError as error:
        first = str(error).strip().splitlines()[0]
        raise DescriptorError(f"the Voronoi cell of an atom cannot be built: {first}") from error


def _diameter(hull: ConvexHull) -> float:
    """Return twice the largest distance from the atom to a vertex of its cell: no atom further away has a facet."""
    return 2.0 / -float(hull.equations[:, 3].max())


def _gathered(parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float64], ConvexHull]], scale: float) -> DualCells:
    who = np.concatenate([part[0] for part in parts])
    points = [len(part[0]) for part in parts]
    equations = np.concatenate([part[2].equations for part in parts])
    return DualCells(
        site=np.repeat(np.arange(len(parts)), points),
        neighbour=who[:, 0],
        image=who[:, 1:],
        vector=np.concatenate([part[1] for part in parts]),
        simplices=_offset([part[2].simplices for part in parts], points),
        adjacent=_offset([part[2].neighbors for part in parts], [len(part[2].simplices) for part in parts]),
        vertex=scale * equations[:, :3] / -equations[:, 3:],
    )


def _offset(indices: Sequence[NDArray[np.int64]], sizes: Sequence[int]) -> NDArray[np.int64]:
    """Return the index arrays as one, each counting on from where the items of those before it end."""
    starts = np.cumsum([0, *sizes[:-1]])
    return np.concatenate([part + start for part, start in zip(indices, starts, strict=True)]).astype(np.int64)
