"""Loops of the earth mover's distance as machine code, on whole numbers until the last division."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

_Counts = NDArray[np.int16]
_Offsets = NDArray[np.int64]
_Places = NDArray[np.int16]
_Amounts = NDArray[np.int64]
_Floats = NDArray[np.float64]

#: What the bounds of a distance may be off by through rounding.
_ROUNDING = 1e-9


@compiled
def sparse_rows(counts: _Counts, position: NDArray[np.int64]) -> tuple[_Offsets, _Places, _Amounts, _Amounts]:
    """Return offsets (n + 1,), positions on the scale in rising order and amounts (m,), and atoms a row (n,)."""
    n, n_element = counts.shape
    offsets = np.zeros(n + 1, np.int64)
    for row in range(n):
        held = 0
        for z in range(n_element):
            held += counts[row, z] > 0
        offsets[row + 1] = offsets[row] + held
    places = np.empty(offsets[n], np.int16)
    amounts = np.empty(offsets[n], np.int64)
    totals = np.zeros(n, np.int64)
    for row in range(n):
        end = offsets[row]
        for z in range(n_element):
            if counts[row, z] > 0:
                at = end
                while at > offsets[row] and places[at - 1] > position[z]:
                    places[at], amounts[at] = places[at - 1], amounts[at - 1]
                    at -= 1
                places[at], amounts[at] = position[z], counts[row, z]
                totals[row] += counts[row, z]
                end += 1
    return offsets, places, amounts, totals


@compiled
def distance(
    places: _Places,
    amounts: _Amounts,
    first: int,
    last: int,
    total: int,
    other_places: _Places,
    other_amounts: _Amounts,
    other_first: int,
    other_last: int,
    other_total: int,
) -> float:
    """Return the earth mover's distance of two rows: the sum of |cumulative difference| along the scale."""
    work, ahead, here = 0, 0, 0
    i, j = first, other_first
    while i < last or j < other_last:
        mine = j >= other_last or (i < last and places[i] <= other_places[j])
        there = int(places[i]) if mine else int(other_places[j])
        work += abs(ahead) * (there - here)
        here = there
        if i < last and places[i] == there:
            ahead += amounts[i] * other_total
            i += 1
        if j < other_last and other_places[j] == there:
            ahead -= other_amounts[j] * total
            j += 1
    return work / (total * other_total)


@compiled
def paired(
    offsets: _Offsets,
    places: _Places,
    amounts: _Amounts,
    totals: _Amounts,
    other_offsets: _Offsets,
    other_places: _Places,
    other_amounts: _Amounts,
    other_totals: _Amounts,
) -> _Floats:
    """Return (n,) the distance of row i of the one to row i of the other."""
    n = len(totals)
    answer = np.empty(n)
    for i in range(n):
        answer[i] = distance(
            places, amounts, offsets[i], offsets[i + 1], totals[i],
            other_places, other_amounts, other_offsets[i], other_offsets[i + 1], other_totals[i],
        )  # fmt: skip
    return answer


@compiled
def matrix(
    offsets: _Offsets,
    places: _Places,
    amounts: _Amounts,
    totals: _Amounts,
    other_offsets: _Offsets,
    other_places: _Places,
    other_amounts: _Amounts,
    other_totals: _Amounts,
) -> _Floats:
    """Return (n, m) the distances of all rows of the one to all rows of the other."""
    n, m = len(totals), len(other_totals)
    answer = np.empty((n, m))
    for i in range(n):
        for j in range(m):
            answer[i, j] = distance(
                places, amounts, offsets[i], offsets[i + 1], totals[i],
                other_places, other_amounts, other_offsets[j], other_offsets[j + 1], other_totals[j],
            )  # fmt: skip
    return answer


@compiled
def mean_distances_to(
    anchors: _Floats, offsets: _Offsets, places: _Places, amounts: _Amounts, totals: _Amounts
) -> _Floats:
    """Return (n, k) the mean distance of the atoms of each row to each anchor on the scale.

    Two rows differ in it by no more than their earth mover's distance: |x - anchor| rises by at most one a step.
    """
    n, k = len(totals), len(anchors)
    answer = np.zeros((n, k))
    for i in range(n):
        for j in range(offsets[i], offsets[i + 1]):
            for a in range(k):
                answer[i, a] += amounts[j] * abs(places[j] - anchors[a])
        for a in range(k):
            answer[i, a] /= totals[i]
    return answer


@compiled
def nearest_rows(
    starts: _Offsets,
    ends: _Offsets,
    bounds: _Floats,
    offsets: _Offsets,
    places: _Places,
    amounts: _Amounts,
    totals: _Amounts,
    known_rank: _Offsets,
    known_bounds: _Floats,
    known_offsets: _Offsets,
    known_places: _Places,
    known_amounts: _Amounts,
    known_totals: _Amounts,
    k: int,
) -> tuple[_Offsets, _Floats]:
    """Return (n, k) ranks and distances of the known rows nearest to each row, searched from `starts` to `ends`.

    The known rows of each such range rise in the first column of `known_bounds`, so the search goes outwards from where
    the row would stand and ends where that bound alone is beyond the k-th distance. Of equal distances the smaller rank
    counts as nearer; -1 and NaN where fewer than k are known.
    """
    n = len(totals)
    ranks = np.full((n, k), -1, np.int64)
    answer = np.full((n, k), np.inf)
    for i in range(n):
        right = starts[i] + np.searchsorted(known_bounds[starts[i] : ends[i], 0], bounds[i, 0])
        left = right - 1
        while left >= starts[i] or right < ends[i]:
            if left >= starts[i] and (
                right >= ends[i] or bounds[i, 0] - known_bounds[left, 0] <= known_bounds[right, 0] - bounds[i, 0]
            ):
                row, left = left, left - 1
            else:
                row, right = right, right + 1
            worst = answer[i, k - 1] + _ROUNDING
            if abs(known_bounds[row, 0] - bounds[i, 0]) > worst:
                break
            if not _within(known_bounds[row], bounds[i], worst):
                continue
            found = distance(
                places, amounts, offsets[i], offsets[i + 1], totals[i],
                known_places, known_amounts, known_offsets[row], known_offsets[row + 1], known_totals[row],
            )  # fmt: skip
            _insert(ranks[i], answer[i], known_rank[row], found)
        answer[i][ranks[i] < 0] = np.nan
    return ranks, answer


@compiled
def _within(some: _Floats, other: _Floats, limit: float) -> bool:
    """Return whether no number of the one is further than a limit from that of the other."""
    for one, two in zip(some, other):  # noqa: B905, SIM110  numba knows neither a strict zip nor all of a generator
        if abs(one - two) > limit:
            return False
    return True


@compiled
def _insert(ranks: _Offsets, distances: _Floats, rank: int, found: float) -> None:
    """Put one found distance at its place among the nearest so far, if it has one."""
    at = len(ranks)
    while at > 0 and (
        ranks[at - 1] < 0 or found < distances[at - 1] or (found == distances[at - 1] and rank < ranks[at - 1])
    ):
        at -= 1
        if at + 1 < len(ranks):
            distances[at + 1], ranks[at + 1] = distances[at], ranks[at]
    if at < len(ranks):
        distances[at], ranks[at] = found, rank
