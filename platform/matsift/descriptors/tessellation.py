"""Voronoi cells of a chunk of crystals, or the reason why one has none."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.composition import readable
from matsift.descriptors.elements import atomic_numbers

_FACETS_A_SITE = 30  # room for so many at first; 14 is usual


@dataclass(frozen=True)
class Facets:
    """All facets of all Voronoi cells of a chunk of structures, sorted by site.

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


@dataclass(frozen=True, eq=False)
class Tessellation:
    """The Voronoi cells of those structures of a chunk that have them.

    Parameters
    ----------
    positions
        (n,), places of these structures in the chunk.
    start
        (n,), first site of each; sites count through these structures alone.
    number
        (n_site,), atomic numbers.
    volume
        (n,), cubic angstrom.
    facets
        Of all sites.
    failures
        Place of each other structure -> (error class, one sentence).
    seconds
        Time that finding the cells took, s.
    """

    positions: NDArray[np.int64]
    start: NDArray[np.int64]
    number: NDArray[np.int64]
    volume: NDArray[np.float64]
    facets: Facets
    failures: dict[int, tuple[str, str]]
    seconds: float


def tessellate(crystals: Sequence[Crystal]) -> Tessellation:
    """Return the Voronoi cells of crystals; a disordered one is a failure, as is one with two atoms at one place.

    Any shape and choice of cell will do: lattices are reduced and coordinates wrapped first.
    """
    started = time.perf_counter()
    _, failures = readable(crystals)
    for i, crystal in enumerate(crystals):
        if i not in failures and not crystal.is_ordered:
            failures[i] = ("DescriptorError", "the structure is disordered: a site is shared or partly vacant")
    positions = np.array([i for i in range(len(crystals)) if i not in failures], dtype=np.int64)
    chosen = [crystals[i] for i in positions]
    if not chosen:
        return _no_cells(failures, time.perf_counter() - started)
    n_site = np.array([len(crystal.species) for crystal in chosen])
    known = atomic_numbers()
    number = np.array([known[symbol] for crystal in chosen for symbol in crystal.species], dtype=np.int64)
    volume = np.abs(np.linalg.det([crystal.lattice for crystal in chosen]))
    facets, status = _facets(chosen, n_site, volume)
    for place in np.flatnonzero(status).tolist():
        failures[int(positions[place])] = ("DescriptorError", _reason(int(status[place])))
    good = status == 0
    if not good.all():
        site_is_good = np.repeat(good, n_site)
        renumbered = np.cumsum(site_is_good) - 1  # failed structures have no facets
        site, neighbour = renumbered[facets.site], renumbered[facets.neighbour]
        facets = Facets(site, neighbour, facets.image, facets.area, facets.distance)
        positions, n_site, volume, number = positions[good], n_site[good], volume[good], number[site_is_good]
    start = np.cumsum(n_site) - n_site
    return Tessellation(positions, start, number, volume, facets, failures, time.perf_counter() - started)


def _facets(
    crystals: Sequence[Crystal], n_site: NDArray[np.int64], volume: NDArray[np.float64]
) -> tuple[Facets, NDArray[np.int64]]:
    from matsift.descriptors import cell_kernel  # noqa: PLC0415  the compiler takes half a second to import

    given = np.array([crystal.lattice for crystal in crystals], dtype=np.float64)
    lattices = given.copy()
    cell_kernel.reduce_lattices(lattices)
    inverse = np.linalg.inv(lattices)
    change = np.repeat(given @ inverse, n_site, axis=0)
    coords = np.einsum("ij,ijk->ik", np.concatenate([crystal.frac_coords for crystal in crystals]), change)
    coords -= np.floor(coords)
    start = np.concatenate([[0], np.cumsum(n_site)])
    spacings = 1 / np.linalg.norm(inverse, axis=1)
    status = np.zeros(len(crystals), dtype=np.int64)
    room, count = _FACETS_A_SITE * len(coords), -1
    while count < 0:
        who, area, distance = np.empty((room, 5), dtype=np.int64), np.empty(room), np.empty(room)
        count = cell_kernel.tessellate(lattices, spacings, volume, coords, start, who, area, distance, status)
        room *= 4
    site, neighbour, image = who[:count, 0].copy(), who[:count, 1].copy(), who[:count, 2:].copy()
    return Facets(site, neighbour, image, area[:count], distance[:count]), status


def _reason(status: int) -> str:
    from matsift.descriptors import cell_kernel  # noqa: PLC0415

    return {
        cell_kernel.COINCIDENT: f"two atoms lie within {cell_kernel.COINCIDENT_ANGSTROM} angstrom of each other",
        cell_kernel.UNFILLED: "the Voronoi cells do not fill the cell: the structure is too flat or too long",
        cell_kernel.TOO_LONG: "the cell is too flat or too long: an atom has more neighbours than can be looked at",
    }[status]


def _no_cells(failures: dict[int, tuple[str, str]], seconds: float) -> Tessellation:
    none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    facets = Facets(none, none, np.zeros((0, 3), dtype=np.int64), nothing, nothing)
    return Tessellation(none, none, none, nothing, facets, failures, seconds)
