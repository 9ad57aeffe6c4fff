"""Chemical ordering of neighbour shells: the Warren-Cowley-like parameters of Ward et al., Phys. Rev. B 96, 024104."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.tessellation import Facets

_PAIRS_AT_A_TIME = 2_000_000


def ordering_parameters(
    facets: Facets,
    weight: NDArray[np.float64],
    type_of_site: NDArray[np.int64],
    fraction: NDArray[np.float64],
    site_start: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return the mean ordering parameter of shells 1, 2 and 3 of each structure.

    A shell's neighbours are the ends of its self-avoiding walks over facets, each with the product of the weights on
    its way; the parameter of type t at a site is 1 - (share of weight on t) / (share of t in the structure), and its
    absolute value is averaged over sites and types.

    Parameters
    ----------
    facets
        Of n_structure structures with n_site sites in all.
    weight
        (m,), a facet's area over the largest of its site.
    type_of_site
        (n_site,), which of its structure's elements a site holds, from 0.
    fraction
        (n_structure, n_type), share of each element, 0 where a structure has fewer.
    site_start
        (n_structure,), first site of each structure.

    Returns
    -------
    (n_structure, 3); a structure of one element has 0.
    """
    n_site, (n_structure, n_type) = len(type_of_site), fraction.shape
    structure = np.repeat(np.arange(n_structure), np.diff(np.append(site_start, n_site)))
    share = fraction[structure]
    result = np.zeros((n_structure, 3))
    for column, total in enumerate(_walk_weights(facets, weight, type_of_site, n_type, site_start)):
        parameter = np.zeros_like(total)
        np.divide(total / total.sum(axis=1, keepdims=True), share, out=parameter, where=share > 0)
        deviation = np.where(share > 0, np.abs(1.0 - parameter), 0.0).sum(axis=1)
        result[:, column] = np.add.reduceat(deviation, site_start)
    n_element = (fraction > 0).sum(axis=1)
    result /= (np.bincount(structure) * n_element)[:, None]
    return np.where((n_element > 1)[:, None], result, 0.0)


def _walk_weights(
    facets: Facets,
    weight: NDArray[np.float64],
    type_of_site: NDArray[np.int64],
    n_type: int,
    site_start: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights (n_site, n_type) on which self-avoiding walks of 1, 2 and 3 steps from a site end.

    With e a step i -> j, e' its reverse and d_i the unit vector of i's type:
    S1_i = sum_e w_e d_j;  T_e = S1_j - w_e' d_i (one step on, not back);  S2_i = sum_e w_e T_e;
    S3_i = sum_e w_e (S2_j - w_e' T_e') - d_i sum of w over the closed walks i -> j -> k -> i.
    """
    n_site = len(type_of_site)
    site, neighbour = facets.site, facets.neighbour
    unit = np.eye(n_type)[type_of_site]
    lookup = _StepLookup(facets, weight, site_start)
    back = lookup.weights(neighbour, site, -facets.image)[:, None]
    w = weight[:, None]

    def gather(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.bincount(site, rows[:, t], n_site) for t in range(n_type)], axis=1)

    one = gather(w * unit[neighbour])
    two = gather(w * (one[neighbour] - back * unit[site]))
    closed = np.bincount(site, _closed_walks(facets, weight, lookup, n_site), n_site)
    three = gather(w * (two[neighbour] - back * (one[site] - w * unit[neighbour]))) - closed[:, None] * unit
    return one, two, three


def _closed_walks(facets: Facets, weight: NDArray[np.float64], lookup: _StepLookup, n_site: int) -> NDArray[np.float64]:
    """Return for each facet i -> j the weight of the walks i -> j -> k -> i that start through it."""
    degree = np.bincount(facets.site, minlength=n_site)
    first = np.concatenate([[0], np.cumsum(degree)[:-1]])
    onward = degree[facets.neighbour]
    bounds = np.searchsorted(np.cumsum(onward), np.arange(_PAIRS_AT_A_TIME, onward.sum(), _PAIRS_AT_A_TIME))
    total = np.zeros(len(weight))
    for block in np.split(np.arange(len(weight)), np.unique(bounds)):
        counts = onward[block]
        step = np.repeat(block, counts)
        turn = np.arange(len(step)) - np.repeat(np.cumsum(counts) - counts, counts)
        then = first[facets.neighbour[step]] + turn
        home = -(facets.image[step] + facets.image[then])
        closing = lookup.weights(facets.neighbour[then], facets.site[step], home)
        total += np.bincount(step, weight[step] * weight[then] * closing, len(weight))
    return total


class _StepLookup:
    """Weights of steps between two atoms, found by atoms and image; 0 where there is no such facet."""

    def __init__(self, facets: Facets, weight: NDArray[np.float64], site_start: NDArray[np.int64]) -> None:
        n_site = int(facets.site[-1]) + 1
        sizes = np.diff(np.append(site_start, n_site))
        self._local = np.arange(n_site) - np.repeat(site_start, sizes)
        self._largest = int(sizes.max())
        self._reach = 2 * int(np.abs(facets.image).max(initial=1))
        keys = self._keys(facets.site, facets.neighbour, facets.image)
        order = np.argsort(keys)
        self._sorted, self._weight = keys[order], weight[order]

    def weights(
        self, start: NDArray[np.int64], end: NDArray[np.int64], image: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        keys = self._keys(start, end, image)
        position = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where(self._sorted[position] == keys, self._weight[position], 0.0)

    def _keys(self, start: NDArray[np.int64], end: NDArray[np.int64], image: NDArray[np.int64]) -> NDArray[np.int64]:
        width = 2 * self._reach + 1
        key = start * self._largest + self._local[end]
        for axis in range(3):
            key = key * width + image[:, axis] + self._reach
        return key
