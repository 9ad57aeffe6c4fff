"""Compiled search for the translations inside a cell, exact ones only: a smaller cell with the same profile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

#: How far an atom may stand from where a translation brings another one, angstrom: less than moves a line by 1e-5.
_TOLERANCE = 1e-6


@compiled
def _common_divisor(kinds: NDArray[np.int64]) -> tuple[int, int, int]:
    """Return the common divisor of how often each kind occurs, and the run of atoms of the rarest one."""
    divisor, first, last = 0, 0, len(kinds)
    begin = 0
    for i in range(1, len(kinds) + 1):
        if i < len(kinds) and kinds[i] == kinds[begin]:
            continue
        a, b = divisor, i - begin
        while b:
            a, b = b, a % b
        divisor = a
        if i - begin < last - first:
            first, last = begin, i
        begin = i
    return divisor, first, last


@compiled
def _image(
    i: int, shift: NDArray[np.float64], coords: NDArray[np.float64], kinds: NDArray[np.int64], near: NDArray[np.float64]
) -> int:
    """Return the atom of the same kind that stands where atom i goes, or -1."""
    low = i
    while low > 0 and kinds[low - 1] == kinds[i]:
        low -= 1
    for j in range(low, len(kinds)):
        if kinds[j] != kinds[i]:
            break
        found = True
        for c in range(3):
            apart = coords[i, c] + shift[c] - coords[j, c]
            if abs(apart - np.rint(apart)) > near[c]:
                found = False
                break
        if found:
            return j
    return -1


@compiled
def _triangle(shifts: NDArray[np.float64], order: int) -> NDArray[np.int64]:
    """Return the upper triangle (3, 3) that spans ``order - 1`` shifts and the axes, all times their number `order`."""
    table = np.zeros((order + 2, 3), dtype=np.int64)
    for c in range(3):
        table[c, c] = order
        for i in range(order - 1):
            table[i + 3, c] = int(np.rint(shifts[i, c] * order))
    for c in range(3):
        for i in range(c + 1, len(table)):
            while table[i, c] != 0:
                factor = table[c, c] // table[i, c]
                for d in range(3):
                    rest = table[c, d] - factor * table[i, d]
                    table[c, d] = table[i, d]
                    table[i, d] = rest
    return table


@compiled
def _translations(
    coords: NDArray[np.float64], kinds: NDArray[np.int64], first: int, last: int, near: NDArray[np.float64]
) -> tuple[int, NDArray[np.float64], NDArray[np.int64]]:
    """Return how many translations there are, the shifts but the zero one, and the first atom of which each is a copy.

    A translation takes atom `first` to one of those up to `last`.
    """
    n = len(kinds)
    shifts, shift = np.empty((last - first, 3)), np.empty(3)
    images, lowest = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    for i in range(n):
        lowest[i] = i
    order = 1
    for candidate in range(first + 1, last):
        for c in range(3):
            shift[c] = coords[candidate, c] - coords[first, c]
        n_found = 0
        while n_found < n:
            images[n_found] = _image(n_found, shift, coords, kinds, near)
            if images[n_found] < 0:
                break
            n_found += 1
        if n_found == n:
            for c in range(3):
                shifts[order - 1, c] = shift[c]
            order += 1
            for i in range(n):
                lowest[images[i]] = min(lowest[images[i]], i)
    return order, shifts, lowest


@compiled
def _smaller(
    lattice: NDArray[np.float64], coords: NDArray[np.float64], basis: NDArray[np.int64], order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lattice with the vectors ``basis / order`` (an upper triangle), and the coordinates in it."""
    vectors, places = np.zeros((3, 3)), np.empty((len(coords), 3))
    for i in range(3):
        for j in range(i, 3):
            for c in range(3):
                vectors[i, c] += basis[i, j] / order * lattice[j, c]
    for a in range(len(coords)):
        for i in range(3):
            rest = coords[a, i] * order
            for j in range(i):
                rest -= places[a, j] * basis[j, i]
            places[a, i] = rest / basis[i, i]
    return vectors, places


@compiled
def primitive(
    lattice: NDArray[np.float64], coords: NDArray[np.float64], kinds: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return lattice, fractional coordinates and numbers of the atoms of a primitive cell.

    Parameters
    ----------
    lattice
        (3, 3), rows are the lattice vectors, angstrom.
    coords
        (n, 3), fractional.
    kinds
        (n,), ascending; atoms of one kind scatter alike.
    """
    n = len(kinds)
    chosen = np.empty(n, dtype=np.int64)
    for i in range(n):
        chosen[i] = i
    divisor, first, last = _common_divisor(kinds)
    if divisor < 2:
        return lattice, coords, chosen
    near = np.empty(3)
    for c in range(3):
        near[c] = _TOLERANCE / np.sqrt(lattice[c, 0] ** 2 + lattice[c, 1] ** 2 + lattice[c, 2] ** 2)
    order, shifts, lowest = _translations(coords, kinds, first, last, near)
    if order == 1:
        return lattice, coords, chosen
    basis = _triangle(shifts, order)
    n_chosen, kept = 0, np.empty((n, 3))
    for i in range(n):
        if lowest[i] == i:
            chosen[n_chosen] = i
            for c in range(3):
                kept[n_chosen, c] = coords[i, c]
            n_chosen += 1
    if n_chosen * order != n or abs(basis[0, 0] * basis[1, 1] * basis[2, 2]) != order * order:
        for i in range(n):
            chosen[i] = i
        return lattice, coords, chosen
    vectors, places = _smaller(lattice, kept[:n_chosen], basis, order)
    return vectors, places, chosen[:n_chosen]
