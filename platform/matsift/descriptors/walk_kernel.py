"""Compiled sums over self-avoiding walks of up to three steps from atom to atom across the facets of their cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WIDTH = 4096  # images up to half of it from an atom are told apart


@compiled
def walk_weights(
    first: Ints, neighbour: Ints, image: Ints, weight: Floats, type_of_site: Ints, n_type: int
) -> tuple[Floats, Floats, Floats]:
    """Return the weights on which self-avoiding walks of 1, 2 and 3 steps from each site end, by type of the end.

    With e a step i -> j, e' its reverse and d_i the unit vector of i's type:
    S1_i = sum_e w_e d_j;  T_e = S1_j - w_e' d_i (one step on, not back);  S2_i = sum_e w_e T_e;
    S3_i = sum_e w_e (S2_j - w_e' T_e') - d_i sum of w over the closed walks i -> j -> k -> i.

    Parameters
    ----------
    first
        (n_site + 1,), where the facets of a site begin.
    neighbour, image, weight
        (m,), (m, 3), (m,) of each facet, sorted by site.
    type_of_site
        (n_site,), 0 to n_type - 1.

    Returns
    -------
    Three arrays (n_site, n_type).
    """
    n_site = len(first) - 1
    key, back_key = _keys(neighbour, image, first)
    back = _reverse_weights(first, neighbour, key, back_key, weight)
    one, two, three = np.zeros((n_site, n_type)), np.zeros((n_site, n_type)), np.zeros((n_site, n_type))
    for i in range(n_site):
        for e in range(first[i], first[i + 1]):
            one[i, type_of_site[neighbour[e]]] += weight[e]
    for i in range(n_site):
        for e in range(first[i], first[i + 1]):
            for t in range(n_type):
                two[i, t] += weight[e] * one[neighbour[e], t]
            two[i, type_of_site[i]] -= weight[e] * back[e]
    for i in range(n_site):
        for e in range(first[i], first[i + 1]):
            j = neighbour[e]
            for t in range(n_type):
                three[i, t] += weight[e] * (two[j, t] - back[e] * one[i, t])
            three[i, type_of_site[j]] += weight[e] * back[e] * weight[e]
            three[i, type_of_site[i]] -= weight[e] * _closing(e, i, first, neighbour, key, weight, back)
    return one, two, three


@compiled
def _keys(neighbour: Ints, image: Ints, first: Ints) -> tuple[Ints, Ints]:
    """Return a number for (neighbour, image) of each facet, and the number that its reverse has at the neighbour.

    Numbers of two steps that follow each other add up to that of where they lead, but for the site between.
    """
    key, back_key = np.empty(len(neighbour), np.int64), np.empty(len(neighbour), np.int64)
    for i in range(len(first) - 1):
        for e in range(first[i], first[i + 1]):
            shift = (image[e, 0] * _WIDTH + image[e, 1]) * _WIDTH + image[e, 2]
            key[e] = shift * len(first) + neighbour[e]
            back_key[e] = -shift * len(first) + i
    return key, back_key


@compiled
def _reverse_weights(first: Ints, neighbour: Ints, key: Ints, back_key: Ints, weight: Floats) -> Floats:
    """Return the weight (m,) of each facet as its neighbour has it, 0 where that is negligible and was dropped."""
    back = np.zeros(len(neighbour))
    for e in range(len(neighbour)):
        for other in range(first[neighbour[e]], first[neighbour[e] + 1]):
            if key[other] == back_key[e]:
                back[e] = weight[other]
                break
    return back


@compiled
def _closing(e: int, i: int, first: Ints, neighbour: Ints, key: Ints, weight: Floats, back: Floats) -> float:
    """Return the weight of the walks j -> k -> i that close the step e from i to j to a triangle."""
    j, total = neighbour[e], 0.0
    for f in range(first[j], first[j + 1]):
        end = key[e] - j + key[f]
        for direct in range(first[i], first[i + 1]):
            if key[direct] == end:
                total += weight[f] * back[direct]
                break
    return total
