"""Fingerprints of crystals: vectors whose Euclidean distance says how unlike two crystals are.

Half of a squared distance is about composition, half about structure, in units such that two crystals picked at random
lie 1 apart (root mean square over Materials Project). A vector joins

- the composition: square roots of the fractions, with the likeness of elements between them
  (`matsift.descriptors.likeness`), as a unit vector;
- pairs: how far the atoms within 2.7 lie from each other, where 1 is the cube root of the volume an atom, so that like
  structures of large and of small atoms agree; for all pairs, and weighted by the product of both atoms' deviations
  from the crystal's mean electronegativity, and mean covalent radius: how unlike atoms are arranged;
- contacts: distances to the neighbours with a Voronoi facet in common, by facet area; for all, and by difference of
  electronegativity;
- coordination: effective numbers of neighbours of the atoms, (sum of areas)^2 / sum of squared areas; for all, and
  weighted by deviation of electronegativity: which atoms have many neighbours;
- cells: volumes of the Voronoi cells over their mean, likewise;
- polarity: differences of electronegativity across facets, by area;
- size: logarithm of the volume an atom.

Distances, numbers and volumes are spread over bins of a logarithmic axis by cubic B-splines, which are smooth: nothing
jumps when an atom moves, a facet of next to no area has next to no part in anything, and small shifts cost little. All
is averaged over the atoms, so the choice of cell, origin, orientation and order of the atoms does not matter. Distance
0 means the same fractions of the same elements with the same statistics in all of these; a crystal and its mirror
image have the same fingerprint. Pairs within a cutoff are after Valle and Oganov, Acta Cryst. A 66, 507 (2010).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.descriptors.axis import Axis
from matsift.descriptors.composition import compositions_of
from matsift.descriptors.elements import MAGPIE_PROPERTIES, magpie_table, pauling_electronegativities
from matsift.descriptors.likeness import composition_vectors
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.descriptors.tessellation import Tessellation, tessellate

_REACH = 2.7  # cube roots of the volume an atom
_RADIUS_UNIT_PM = 50.0
_LITTLE = 0.2  # spread of electronegativity, or of radius in its unit, that is next to none


@dataclass(frozen=True)
class _Part:
    """One part of the vector: its axis, and its weightings with the factor that gives each its share of a distance."""

    name: str
    axis: Axis
    factors: dict[str, float]

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [f"{self.name} {centre:.3g}{by}" for by in self.factors for centre in self.axis.centres]

    def scaled(self, bins: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return the bins (n, n_bin) of all weightings side by side, times their factors."""
        return np.concatenate([f * part for f, part in zip(self.factors.values(), bins, strict=True)], axis=1)


# Factors are square roots of a share over the mean squared distance of two of 8,000 random crystals of mp_36737 in that
# part alone. Shares: composition 0.5; pairs 0.10, 0.10, 0.04; contacts 0.05, 0.04; coordination 0.06, 0.03; cells 0.02
# and 0.02; polarity 0.02; size 0.02.
_ALL, _CHI, _RADIUS = "", " by electronegativity", " by radius"
_COMPOSITION_FACTOR = 0.61
_PAIRS = _Part("pairs at", Axis(0.35, _REACH, 28), {_ALL: 0.17, _CHI: 0.29, _RADIUS: 0.18})
_CONTACTS = _Part("contacts at", Axis(0.35, _REACH, 15), {_ALL: 0.66, _CHI: 0.34})
_COORDINATION = _Part("coordination", Axis(2.0, 24.0, 15), {_ALL: 0.50, _CHI: 0.57})
_CELLS = _Part("cell volume", Axis(0.3, 3.0, 9), {_ALL: 0.77, _CHI: 0.71})
_POLARITY = _Part("polarity", Axis(0.0, 3.2, 9, is_logarithmic=False), {_ALL: 0.31})
_SIZE_FACTOR = 0.26

FINGERPRINT = DescriptorSet(
    name="fingerprint",
    version="1",
    columns=(
        *(f"composition {symbol}" for symbol in ELEMENT_SYMBOLS),
        *(name for part in (_PAIRS, _CONTACTS, _COORDINATION, _CELLS, _POLARITY) for name in part.columns),
        "log volume per atom",
    ),
    description="for likeness of crystals by Euclidean distance, without units: composition 118, pairs of atoms 84, "
    "contacts 30, coordination 30, cell volumes 18, polarity 9, size 1; two crystals picked at random lie 1 apart",
)


def compute_fingerprint(crystals: Sequence[Crystal], cells: Tessellation | None = None) -> DescriptorChunk:
    """Return the `FINGERPRINT` of crystals; a disordered one is a failure.

    `cells` are those of the same crystals, where they are at hand; the seconds include finding them.
    """
    cells = tessellate(crystals) if cells is None else cells
    started = time.perf_counter()
    values = fingerprint_rows([crystals[i] for i in cells.positions], cells)
    seconds = cells.seconds + time.perf_counter() - started
    return DescriptorChunk.scatter(cells.positions, values, cells.failures, seconds=seconds)


def fingerprint_rows(crystals: Sequence[Crystal], cells: Tessellation) -> NDArray[np.float64]:
    """Return the fingerprints (n, 290) of the n crystals that have the cells; columns are those of `FINGERPRINT`."""
    n = len(crystals)
    if not n:
        return np.zeros((0, len(FINGERPRINT.columns)))
    n_site = np.diff(np.append(cells.start, len(cells.number)))
    structure = np.repeat(np.arange(n), n_site)
    scale = np.cbrt(cells.volume / n_site)
    polarity = _deviation(pauling_electronegativities()[cells.number], cells.start, n_site)
    radius = _deviation(
        magpie_table()[cells.number, MAGPIE_PROPERTIES.index("CovalentRadius")] / _RADIUS_UNIT_PM, cells.start, n_site
    )
    marks = np.stack([np.ones(len(structure)), *(_tempered(d, cells.start, n_site) for d in (polarity, radius))])
    blocks = (
        _COMPOSITION_FACTOR * composition_vectors(compositions_of(crystals)),
        _pairs(crystals, cells.start, scale, marks),
        *_facet_parts(cells, structure, scale, polarity, n_site),
        _SIZE_FACTOR * np.log(cells.volume / n_site)[:, None],
    )
    return np.concatenate(blocks, axis=1)


def _deviation(values: NDArray[np.float64], start: NDArray[np.int64], n_site: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each site's value (n_site,) less the mean of its structure."""
    return values - np.repeat(np.add.reduceat(values, start) / n_site, n_site)


def _tempered(
    deviation: NDArray[np.float64], start: NDArray[np.int64], n_site: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return deviations (n_site,) over the root of their spread, so that products grow like one of them."""
    spread = np.sqrt(np.add.reduceat(deviation**2, start) / n_site)
    return deviation / np.sqrt(np.repeat(spread, n_site) + _LITTLE)


def _pairs(
    crystals: Sequence[Crystal],
    start: NDArray[np.int64],
    scale: NDArray[np.float64],
    marks: NDArray[np.float64],
) -> NDArray[np.float64]:
    from matsift.descriptors.pair_kernel import spread_pairs  # noqa: PLC0415  the compiler takes time to import

    lattices = np.array([crystal.lattice for crystal in crystals], dtype=np.float64)
    upper = np.linalg.qr(lattices.transpose(0, 2, 1), mode="r")
    triangles = (upper * np.sign(np.einsum("ijj->ij", upper))[:, :, None]).transpose(0, 2, 1)
    coords = np.concatenate([crystal.frac_coords for crystal in crystals])
    starts = np.append(start, len(coords))
    axis = _PAIRS.axis
    bins = spread_pairs(
        np.ascontiguousarray(triangles), coords, starts, scale, marks, axis.first, axis.width, _REACH, axis.n_bin
    )
    return _PAIRS.scaled(list(bins.transpose(1, 0, 2)))


def _facet_parts(
    cells: Tessellation,
    structure: NDArray[np.int64],
    scale: NDArray[np.float64],
    polarity: NDArray[np.float64],
    n_site: NDArray[np.int64],
) -> list[NDArray[np.float64]]:
    """Return contacts, coordination, cells and polarity."""
    n, facets = len(n_site), cells.facets
    area = np.bincount(facets.site, facets.area)
    owner = structure[facets.site]
    weight = facets.area / area[facets.site] / n_site[owner]
    contrast = np.abs(polarity[facets.neighbour] - polarity[facets.site])
    distance = facets.distance / scale[owner]
    coordination = area**2 / np.bincount(facets.site, facets.area**2)
    volume = np.bincount(facets.site, facets.volume) / scale[structure] ** 3
    of_site = 1.0 / n_site[structure]

    def part(
        about: _Part, values: NDArray[np.float64], whose: NDArray[np.int64], *weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return about.scaled([about.axis.spread(values, weight, whose, n) for weight in weights])

    return [
        part(_CONTACTS, distance, owner, weight, weight * contrast),
        part(_COORDINATION, coordination, structure, of_site, of_site * polarity),
        part(_CELLS, volume, structure, of_site, of_site * polarity),
        part(_POLARITY, contrast, owner, weight),
    ]
