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
def _triangle(rows: NDArray[np.int64], modulus: int) -> NDArray[np.int64]:
    """Return the upper triangle (3, 3) that spans the integer vectors (n, 3) and `modulus` times the axes."""
    table = np.zeros((len(rows) + 3, 3), dtype=np.int64)
    table[: len(rows)] = rows
    for c in range(3):
        table[len(rows) + c, c] = modulus
    for c in range(3):
        for i in range(c + 1, len(table)):
            while table[i, c] != 0:
                factor = table[c, c] // table[i, c]
                for d in range(3):
                    rest = table[c, d] - factor * table[i, d]
                    table[c, d] = table[i, d]
                    table[i, d] = rest
    return table[:3]


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
    everything = np.arange(n)
    divisor, first, last = _common_divisor(kinds)
    if divisor < 2:
        return lattice, coords, everything
    near = np.empty(3)
    for c in range(3):
        near[c] = _TOLERANCE / np.sqrt((lattice[c] ** 2).sum())
    shifts = np.empty((last - first, 3))
    lowest = everything.copy()
    images = np.empty(n, dtype=np.int64)
    order = 1
    for candidate in range(first + 1, last):
        shift = coords[candidate] - coords[first]
        complete = True
        for i in range(n):
            images[i] = _image(i, shift, coords, kinds, near)
            if images[i] < 0:
                complete = False
                break
        if complete:
            shifts[order - 1] = shift
            order += 1
            for i in range(n):
                lowest[images[i]] = min(lowest[images[i]], i)
    chosen = everything[lowest == everything]
    if order == 1 or len(chosen) * order != n:
        return lattice, coords, everything
    basis = _triangle(np.rint(shifts[: order - 1] * order).astype(np.int64), order)
    if abs(basis[0, 0] * basis[1, 1] * basis[2, 2]) != order * order:
        return lattice, coords, everything
    part = basis / order
    return part @ lattice, coords[chosen] @ np.linalg.inv(part), chosen
