"""The structural descriptors of Ward et al., Phys. Rev. B 96, 024104 (2017), for a whole chunk of structures.

Definitions are those of matminer 0.10.1 (``CoordinationNumber_ward-prb-2017``, ``StructuralHeterogeneity``,
``ChemicalOrdering``, ``MaximumPackingEfficiency``, ``LocalPropertyDifference_ward-prb-2017``), which has 128 columns:
the paper's 126 lack the ranges of the coordination number and of the neighbour distance variation. Columns carry
matminer's names and stand in the order of the original Magpie list.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.elements import MAGPIE_PROPERTIES, magpie_table
from matsift.descriptors.ordering import ordering_parameters
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.descriptors.tessellation import Facets, Tessellation, tessellate

_STATISTICS = ("mean", "avg_dev", "minimum", "maximum", "range")

VORONOI_128 = DescriptorSet(
    name="voronoi_128",
    version="1",
    columns=(
        *(f"{statistic} CN_VoronoiNN" for statistic in _STATISTICS),
        "mean absolute deviation in relative bond length",
        "min relative bond length",
        "max relative bond length",
        *(f"{statistic} neighbor distance variation" for statistic in _STATISTICS),
        "mean absolute deviation in relative cell size",
        *(f"mean ordering parameter shell {shell}" for shell in (1, 2, 3)),
        "max packing efficiency",
        *(f"{statistic} local difference in {name}" for name in MAGPIE_PROPERTIES for statistic in _STATISTICS),
    ),
    description="128 structural descriptors of matminer from Voronoi cells: those of the set voronoi, and the ranges "
    "of coordination and of neighbour distance variation",
)
_DROPPED = ("range CN_VoronoiNN", "range neighbor distance variation")
VORONOI = DescriptorSet(
    name="voronoi",
    version="1",
    columns=tuple(column for column in VORONOI_128.columns if column not in _DROPPED),
    description="126 structural descriptors of Ward 2017 from Voronoi cells: effective coordination 4, bond lengths "
    "and cell sizes 8, chemical ordering 3, packing efficiency 1, local property differences 110",
)
_KEPT = np.array([column not in _DROPPED for column in VORONOI_128.columns])


def compute_voronoi(crystals: Sequence[Crystal], cells: Tessellation | None = None) -> DescriptorChunk:
    """Return the `VORONOI` descriptors of crystals; a disordered one is a failure.

    `cells` are those of the same crystals, where they are at hand; the seconds include finding them.
    """
    every = compute_voronoi_128(crystals, cells)
    return DescriptorChunk(every.values[:, _KEPT], every.failures, every.seconds)


def compute_voronoi_128(crystals: Sequence[Crystal], cells: Tessellation | None = None) -> DescriptorChunk:
    """Return the `VORONOI_128` descriptors of crystals, as `compute_voronoi` does."""
    cells = tessellate(crystals) if cells is None else cells
    started = time.perf_counter()
    values = structural_descriptors(cells)
    seconds = cells.seconds + time.perf_counter() - started
    return DescriptorChunk.scatter(cells.positions, values, cells.failures, seconds=seconds)


def structural_descriptors(cells: Tessellation) -> NDArray[np.float64]:
    """Return the descriptors (n, 128) in the order of `VORONOI_128`'s columns."""
    if not len(cells.start):
        return np.zeros((0, len(VORONOI_128.columns)))
    facets, start, volume = cells.facets, cells.start, cells.volume
    n_site = np.diff(np.append(start, len(cells.number)))
    weight = facets.area / _by_site(np.maximum, facets.area, facets)[facets.site]
    types, fraction = _types(cells.number, n_site)
    blocks = (
        _statistics(_by_site(np.add, weight, facets) ** 2 / _by_site(np.add, weight**2, facets), start),
        _bond_lengths(facets, weight, start),
        _relative_deviation(_by_site(np.add, facets.volume, facets), start)[:, None],
        ordering_parameters(facets, weight, types, fraction, start),
        _packing(facets, start, volume)[:, None],
        _statistics(_local_differences(facets, weight, magpie_table()[cells.number]), start),
    )
    return np.concatenate(blocks, axis=1)


def _by_site(operation: np.ufunc, values: NDArray[np.float64], facets: Facets) -> NDArray[np.float64]:
    """Return sums, maxima or minima of facet values (m, ...) over the facets of each site."""
    first = np.nonzero(np.diff(facets.site, prepend=-1))[0]
    result: NDArray[np.float64] = operation.reduceat(values, first)
    return result


def _statistics(values: NDArray[np.float64], start: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return `_STATISTICS` of site values (n_site,) or (n_site, k) over each structure: (n, 5) or (n, 5 k)."""
    table = values.reshape(len(values), -1)
    mean, deviation = _mean_deviation(table, start)
    low, high = np.minimum.reduceat(table, start), np.maximum.reduceat(table, start)
    return np.stack([mean, deviation, low, high, high - low], axis=2).reshape(len(start), -1)


def _mean_deviation(
    table: NDArray[np.float64], start: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and mean absolute deviation (n, k) of site values (n_site, k) over each structure."""
    count = np.diff(np.append(start, len(table)))
    mean = np.add.reduceat(table, start) / count[:, None]
    deviation = np.add.reduceat(np.abs(table - np.repeat(mean, count, axis=0)), start) / count[:, None]
    return mean, deviation


def _relative_deviation(values: NDArray[np.float64], start: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean absolute deviation of site values over their mean, (n,)."""
    mean, deviation = _mean_deviation(values[:, None], start)
    return (deviation / mean)[:, 0]


def _bond_lengths(facets: Facets, weight: NDArray[np.float64], start: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n, 8): three statistics of a site's mean bond length over the structure's, five of its variation."""
    total = _by_site(np.add, weight, facets)
    mean = _by_site(np.add, weight * facets.distance, facets) / total
    deviation = _by_site(np.add, weight * np.abs(facets.distance - mean[facets.site]), facets) / total
    count = np.diff(np.append(start, len(mean)))
    relative = mean / np.repeat(np.add.reduceat(mean, start) / count, count)
    return np.concatenate(
        [_statistics(relative, start)[:, 1:4], _statistics(deviation / mean, start)],
        axis=1,
    )


def _packing(facets: Facets, start: NDArray[np.int64], volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share (n,) of the volume inside spheres that reach from each atom to its nearest facet."""
    radius = _by_site(np.minimum, facets.distance, facets) / 2.0
    return 4.0 / 3.0 * np.pi * np.add.reduceat(radius**3, start) / volume


def _local_differences(
    facets: Facets, weight: NDArray[np.float64], properties: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n_site, 22): mean absolute difference of properties (n_site, 22) to the neighbours, by facet area."""
    difference = np.abs(properties[facets.neighbour] - properties[facets.site])
    total = _by_site(np.add, weight, facets)
    return _by_site(np.add, weight[:, None] * difference, facets) / total[:, None]


def _types(number: NDArray[np.int64], n_site: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each site's place (n_site,) among its structure's elements, and their shares (n, most elements)."""
    structure = np.repeat(np.arange(len(n_site)), n_site)
    pairs, inverse, count = np.unique(structure * 1000 + number, return_inverse=True, return_counts=True)
    owner = pairs // 1000
    first = np.searchsorted(owner, np.arange(len(n_site)))
    place = np.arange(len(pairs)) - first[owner]
    fraction = np.zeros((len(n_site), int(place.max()) + 1))
    fraction[owner, place] = count / n_site[owner]
    return place[inverse], fraction
