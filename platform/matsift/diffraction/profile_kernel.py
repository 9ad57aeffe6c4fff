"""Compiled loops over all reflections of many crystals: |F|^2 added up in the bins of the profile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled
from matsift.diffraction.primitive_kernel import primitive


@compiled
def _reciprocal(lattice: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of the axes by the length of their reciprocal vectors, and those vectors (3, 3), 1/angstrom.

    They stand in the order of the axes; their cross products are written out, as all here, to compile quickly.
    """
    vectors, length = np.empty((3, 3)), np.empty(3)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        for c in range(3):
            d, e = (c + 1) % 3, (c + 2) % 3
            vectors[i, c] = lattice[j, d] * lattice[k, e] - lattice[j, e] * lattice[k, d]
    volume = lattice[0, 0] * vectors[0, 0] + lattice[0, 1] * vectors[0, 1] + lattice[0, 2] * vectors[0, 2]
    for i in range(3):
        for c in range(3):
            vectors[i, c] /= volume
        length[i] = vectors[i, 0] ** 2 + vectors[i, 1] ** 2 + vectors[i, 2] ** 2
    order = np.empty(3, dtype=np.int64)
    for i in range(3):
        rank = 0
        for j in range(3):
            if length[j] < length[i] or (length[j] == length[i] and j < i):
                rank += 1
        order[rank] = i
    return order, vectors


@compiled
def _reciprocal_triangle(lattice: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the order of the axes, and their reciprocal vectors (3, 3) turned to be a lower triangle, 1/angstrom.

    The shortest reciprocal vector comes first: it has the longest row of reflections.
    """
    order, vectors = _reciprocal(lattice)
    turned, axes, rest = np.zeros((3, 3)), np.empty((3, 3)), np.empty(3)
    for i in range(3):
        for c in range(3):
            rest[c] = vectors[order[i], c]
        for j in range(i):
            turned[i, j] = rest[0] * axes[j, 0] + rest[1] * axes[j, 1] + rest[2] * axes[j, 2]
            for c in range(3):
                rest[c] -= turned[i, j] * axes[j, c]
        turned[i, i] = np.sqrt(rest[0] ** 2 + rest[1] ** 2 + rest[2] ** 2)
        for c in range(3):
            axes[i, c] = rest[c] / turned[i, i]
    return order, turned


@compiled
def _phases(coords: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Return cos and sin of 2 pi h u, (2, n, 2 reach + 1), for h from -reach to reach."""
    n = len(coords)
    table = np.empty((2, n, 2 * reach + 1))
    for j in range(n):
        angle = 2.0 * np.pi * (coords[j] - np.rint(coords[j]))
        cos, sin = np.cos(angle), np.sin(angle)
        a, b = 1.0, 0.0
        for h in range(reach + 1):
            table[0, j, reach + h] = a
            table[0, j, reach - h] = a
            table[1, j, reach + h] = b
            table[1, j, reach - h] = -b
            a, b = a * cos - b * sin, a * sin + b * cos
    return table


@compiled
def _between(table: NDArray[np.float64], place: float) -> float:
    """Return the value at a place between the knots of a table (n_knot, 2) of values and slopes, by cubics."""
    i = min(int(place), len(table) - 2)
    u = place - i
    v = 1.0 - u
    ends: float = table[i, 0] * (1.0 + 2.0 * u) * v * v + table[i + 1, 0] * (1.0 + 2.0 * v) * u * u
    slopes: float = table[i, 1] * v - table[i + 1, 1] * u
    return ends + u * v * slopes


@compiled
def _sum_row(
    row: NDArray[np.float64],
    inner: NDArray[np.float64],
    rest: NDArray[np.float64],
    elements: NDArray[np.int64],
    tables: NDArray[np.float64],
    high: float,
) -> None:
    """Turn q^2 of a row of reflections, ``row[0]``, into the real and imaginary parts of F, ``row[1]`` and ``row[2]``.

    Parameters
    ----------
    row
        (5, m); the last two are for sums over one element.
    inner
        (2, n, m), cos and sin of the phases along the row.
    rest
        (2, n), occupancy times cos and sin of the phases along both other axes.
    """
    n, m = len(elements), row.shape[1]
    per_square = (tables.shape[1] - 1) / (high * high)
    for t in range(m):
        row[1, t] = 0.0
        row[2, t] = 0.0
    j = 0
    while j < n:
        element = elements[j]
        for t in range(m):
            row[3, t] = 0.0
            row[4, t] = 0.0
        while j < n and elements[j] == element:
            c, s = rest[0, j], rest[1, j]
            for t in range(m):
                row[3, t] += c * inner[0, j, t] - s * inner[1, j, t]
                row[4, t] += c * inner[1, j, t] + s * inner[0, j, t]
            j += 1
        for t in range(m):
            f = _between(tables[element], row[0, t] * per_square)
            row[1, t] += f * row[3, t]
            row[2, t] += f * row[4, t]


@compiled
def _add_row(profile: NDArray[np.float64], row: NDArray[np.float64], low: float, width: float) -> None:
    """Add the intensities of a row of reflections, which has q^2 and both parts of F, to their bins."""
    for t in range(row.shape[1]):
        if row[0, t] < low * low:
            continue
        place = int((np.sqrt(row[0, t]) - low) / width)
        if place < len(profile):
            profile[place] += row[1, t] ** 2 + row[2, t] ** 2


@compiled
def _add_reflections(
    profile: NDArray[np.float64],
    lattice: NDArray[np.float64],
    coords: NDArray[np.float64],
    elements: NDArray[np.int64],
    occupancies: NDArray[np.float64],
    tables: NDArray[np.float64],
    grid: tuple[float, float, float],
) -> None:
    """Add |F|^2 of half of the reflections (the other half is alike, by Friedel) of a crystal to its profile."""
    low, width, high = grid
    order, b = _reciprocal_triangle(lattice)
    reach = np.empty(3, dtype=np.int64)
    for c in range(3):
        vector = lattice[order[c]]
        reach[c] = int(np.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2) * high) + 1
    inner = _phases(coords[:, order[0]], reach[0])
    middle = _phases(coords[:, order[1]], reach[1])
    outer = _phases(coords[:, order[2]], reach[2])
    rest = np.empty((2, len(coords)))
    rows = np.empty((5, 2 * reach[0] + 1))
    for o in range(int(high / b[2, 2]) + 1):
        left_o = max(high * high - (o * b[2, 2]) ** 2, 0.0)
        reach_m, from_m = np.sqrt(left_o) / b[1, 1], o * b[2, 1] / b[1, 1]
        for m in range(0 if o == 0 else int(np.ceil(-reach_m - from_m)), int(np.floor(reach_m - from_m)) + 1):
            left_m = max(left_o - ((from_m + m) * b[1, 1]) ** 2, 0.0)
            reach_i, from_i = np.sqrt(left_m) / b[0, 0], (o * b[2, 0] + m * b[1, 0]) / b[0, 0]
            begin = 1 if o == 0 and m == 0 else int(np.ceil(-reach_i - from_i))
            count = int(np.floor(reach_i - from_i)) + 1 - begin
            if count <= 0:
                continue
            for j in range(len(coords)):
                ca, sa = middle[0, j, reach[1] + m], middle[1, j, reach[1] + m]
                cb, sb = outer[0, j, reach[2] + o], outer[1, j, reach[2] + o]
                rest[0, j] = occupancies[j] * (ca * cb - sa * sb)
                rest[1, j] = occupancies[j] * (ca * sb + sa * cb)
            row = rows[:, :count]
            for t in range(count):
                row[0, t] = high * high - left_m + ((from_i + begin + t) * b[0, 0]) ** 2
            first = reach[0] + begin
            _sum_row(row, inner[:, :, first : first + count], rest, elements, tables, high)
            _add_row(profile, row, low, width)


@compiled
def add_up(
    lattices: NDArray[np.float64],
    coords: NDArray[np.float64],
    elements: NDArray[np.int64],
    kinds: NDArray[np.int64],
    occupancies: NDArray[np.float64],
    start: NDArray[np.int64],
    tables: NDArray[np.float64],
    grid: tuple[float, float, float],
    n_bin: int,
    weakest: float,
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.float32]]:
    """Return offsets, bins and intensities of the profiles of n crystals, as `SparseProfiles` has them.

    Parameters
    ----------
    lattices
        (n, 3, 3), rows are the lattice vectors, angstrom.
    coords
        (n_atom, 3), fractional, of all crystals.
    elements
        (n_atom,), which table an atom scatters by.
    kinds
        (n_atom,), ascending in a crystal; the same for atoms of the same element and occupancy.
    occupancies
        (n_atom,).
    start
        (n + 1,), where the atoms of a crystal begin.
    tables
        (n_element, n_knot, 2), amplitude and its change from knot to knot, evenly over s^2 from 0 to high^2 / 4.
    grid
        First q, width of a bin, last q; 1/angstrom.
    n_bin
        Number of bins.
    weakest
        Bins at this share of the largest or below are left out.
    """
    n = len(lattices)
    offsets = np.zeros(n + 1, dtype=np.int64)
    bins, intensities = np.empty(n * n_bin, dtype=np.int16), np.empty(n * n_bin, dtype=np.float32)
    profile = np.empty(n_bin)
    for i in range(n):
        here = slice(start[i], start[i + 1])
        lattice, places, chosen = primitive(lattices[i], coords[here], kinds[here])
        for place in range(n_bin):
            profile[place] = 0.0
        _add_reflections(profile, lattice, places, elements[here][chosen], occupancies[here][chosen], tables, grid)
        largest = 0.0
        for place in range(n_bin):
            largest = max(largest, profile[place])
        end = offsets[i]
        for place in range(n_bin):
            if profile[place] > weakest * largest:
                bins[end] = place
                intensities[end] = profile[place] / largest
                end += 1
        offsets[i + 1] = end
    return offsets, bins[: offsets[n]].copy(), intensities[: offsets[n]].copy()
