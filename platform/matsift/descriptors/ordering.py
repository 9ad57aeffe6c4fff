"""Chemical ordering of neighbour shells: the Warren-Cowley-like parameters of Ward et al., Phys. Rev. B 96, 024104."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.tessellation import Facets


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
    from matsift.descriptors.walk_kernel import walk_weights  # noqa: PLC0415  the compiler takes long to import

    n_site, (n_structure, n_type) = len(type_of_site), fraction.shape
    structure = np.repeat(np.arange(n_structure), np.diff(np.append(site_start, n_site)))
    share = fraction[structure]
    first = np.searchsorted(facets.site, np.arange(n_site + 1))
    totals = walk_weights(first, facets.neighbour, facets.image, weight, type_of_site, n_type)
    result = np.zeros((n_structure, 3))
    for column, total in enumerate(totals):
        parameter = np.zeros_like(total)
        np.divide(total / total.sum(axis=1, keepdims=True), share, out=parameter, where=share > 0)
        deviation = np.where(share > 0, np.abs(1.0 - parameter), 0.0).sum(axis=1)
        result[:, column] = np.add.reduceat(deviation, site_start)
    n_element = (fraction > 0).sum(axis=1)
    result /= (np.bincount(structure) * n_element)[:, None]
    return np.where((n_element > 1)[:, None], result, 0.0)
