"""The 126 structural descriptors of Ward et al., Phys. Rev. B 96, 024104 (2017), for a whole chunk of structures.

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
from matsift.descriptors.composition import readable
from matsift.descriptors.elements import MAGPIE_PROPERTIES, atomic_numbers, magpie_table
from matsift.descriptors.ordering import ordering_parameters
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.descriptors.tessellation import DualCells, Facets, dual_cells, join_facets
from matsift.errors import DescriptorError

_STATISTICS = ("mean", "avg_dev", "minimum", "maximum", "range")
_UNFILLED = 1e-6  # share of the cell that the Voronoi cells may miss

VORONOI = DescriptorSet(
    name="voronoi",
    version="1",
    columns=(
        *(f"{statistic} CN_VoronoiNN" for statistic in _STATISTICS[:4]),
        "mean absolute deviation in relative bond length",
        "min relative bond length",
        "max relative bond length",
        *(f"{statistic} neighbor distance variation" for statistic in _STATISTICS[:4]),
        "mean absolute deviation in relative cell size",
        *(f"mean ordering parameter shell {shell}" for shell in (1, 2, 3)),
        "max packing efficiency",
        *(f"{statistic} local difference in {name}" for name in MAGPIE_PROPERTIES for statistic in _STATISTICS),
    ),
    description="126 structural descriptors of Ward 2017 from Voronoi cells: effective coordination 4, bond lengths "
    "and cell sizes 8, chemical ordering 3, packing efficiency 1, local property differences 110",
)


def compute_voronoi(crystals: Sequence[Crystal]) -> DescriptorChunk:
    """Return the `VORONOI` descriptors of crystals; a disordered one is a failure."""
    started = time.perf_counter()
    _, failures = readable(crystals)
    cells: dict[int, DualCells] = {}
    seconds = np.zeros(len(crystals))
    for i, crystal in enumerate(crystals):
        if i in failures:
            continue
        begun = time.perf_counter()
        try:
            cells[i] = _cells(crystal)
        except DescriptorError as error:
            failures[i] = (type(error).__name__, str(error))
        seconds[i] = time.perf_counter() - begun
    computed = np.array(list(cells), dtype=np.int64)
    values = _descriptors([crystals[i] for i in cells], list(cells.values()))
    for i in computed[np.isnan(values).any(axis=1)].tolist():
        failures[i] = (
            "DescriptorError",
            "the Voronoi cells do not fill the cell: the structure is too flat or too long",
        )
    good = ~np.isnan(values).any(axis=1)
    chunk = DescriptorChunk.scatter(computed[good], values[good], failures, seconds=0.0)
    shared = (time.perf_counter() - started - seconds.sum()) / max(len(crystals), 1)
    return DescriptorChunk(chunk.values, chunk.failures, seconds + shared)


def _cells(crystal: Crystal) -> DualCells:
    if not crystal.is_ordered:
        raise DescriptorError("the structure is disordered: a site is shared or partly vacant")
    return dual_cells(crystal.lattice, crystal.frac_coords)


def _descriptors(crystals: Sequence[Crystal], cells: Sequence[DualCells]) -> NDArray[np.float64]:
    """Return the descriptors (n, 126); a row is NaN where the cells do not fill the volume."""
    if not crystals:
        return np.zeros((0, len(VORONOI.columns)))
    facets = join_facets(cells)
    n_site = np.array([crystal.n_site for crystal in crystals])
    start = np.cumsum(n_site) - n_site
    known = atomic_numbers()
    number = np.array([known[symbol] for crystal in crystals for symbol in crystal.species], dtype=np.int64)
    weight = facets.area / _by_site(np.maximum, facets.area, facets)[facets.site]
    volume = np.array([crystal.volume for crystal in crystals])
    cell_volume = _by_site(np.add, facets.volume, facets)
    types, fraction = _types(number, n_site)
    blocks = (
        _statistics(_by_site(np.add, weight, facets) ** 2 / _by_site(np.add, weight**2, facets), start)[:, :4],
        _bond_lengths(facets, weight, start),
        _relative_deviation(cell_volume, start)[:, None],
        ordering_parameters(facets, weight, types, fraction, start),
        _packing(facets, start, volume)[:, None],
        _statistics(_local_differences(facets, weight, magpie_table()[number]), start),
    )
    values = np.concatenate(blocks, axis=1)
    filled = np.add.reduceat(cell_volume, start) / volume
    values[np.abs(filled - 1) > _UNFILLED] = np.nan
    return values


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
    """Return (n, 7): three statistics of a site's mean bond length over the structure's, four of its variation."""
    total = _by_site(np.add, weight, facets)
    mean = _by_site(np.add, weight * facets.distance, facets) / total
    deviation = _by_site(np.add, weight * np.abs(facets.distance - mean[facets.site]), facets) / total
    count = np.diff(np.append(start, len(mean)))
    relative = mean / np.repeat(np.add.reduceat(mean, start) / count, count)
    return np.concatenate(
        [_statistics(relative, start)[:, 1:4], _statistics(deviation / mean, start)[:, :4]],
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
