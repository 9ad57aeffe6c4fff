"""Compiled loops over lists of symmetry operations: whether they are a group, and whether a cell fits them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

#: Operations are written in this part of the cell: all translations of crystals are multiples of it.
GRID = 24


@compiled
def cell_fits(metric: NDArray[np.float64], rotations: NDArray[np.float64], tolerance: float) -> bool:
    """Return whether a metric tensor (3, 3) is the same after each rotation (m, 3, 3), relative to its diagonal."""
    for turn in rotations:
        for i in range(3):
            for j in range(i, 3):
                turned = 0.0
                for a in range(3):
                    for b in range(3):
                        turned += turn[a, i] * metric[a, b] * turn[b, j]
                if abs(turned - metric[i, j]) > tolerance * np.sqrt(metric[i, i] * metric[j, j]):
                    return False
    return True


@compiled
def is_group(rotations: NDArray[np.int64], translations: NDArray[np.int64]) -> bool:
    """Return whether operations (m, 3, 3) and (m, 3), in 24ths of the cell, are closed and hold the identity.

    Lattice translations count as nothing. Operations are taken as generators one by one until they reach all others; a
    product that is not among the operations ends it.
    """
    m = len(rotations)
    codes = np.empty(m, dtype=np.int64)
    for o in range(m):
        codes[o] = _code(rotations[o], translations[o])
    order = np.argsort(codes)
    codes = codes[order]
    first = _rank(codes, _code(np.eye(3).astype(np.int64), np.zeros(3, dtype=np.int64)))
    if first < 0:
        return False
    reached = np.zeros(m, dtype=np.bool_)
    reached[first] = True
    generators = np.empty(m, dtype=np.int64)
    n_generator = 0
    for o in range(m):
        if not reached[_rank(codes, codes[o])]:
            generators[n_generator] = order[o]
            n_generator += 1
            if not _reach(rotations, translations, order, codes, generators[:n_generator], reached):
                return False
    return True


@compiled
def _reach(
    rotations: NDArray[np.int64],
    translations: NDArray[np.int64],
    order: NDArray[np.int64],
    codes: NDArray[np.int64],
    generators: NDArray[np.int64],
    reached: NDArray[np.bool_],
) -> bool:
    """Mark what the generators reach from what is reached; False where a product is not among the operations."""
    waiting = np.empty(2 * len(codes), dtype=np.int64)
    n_waiting = 0
    for o in range(len(codes)):
        if reached[o]:
            waiting[n_waiting] = o
            n_waiting += 1
    while n_waiting > 0:
        n_waiting -= 1
        one = order[waiting[n_waiting]]
        for g in generators:
            shift = translations[one].copy()
            turn = np.zeros((3, 3), dtype=np.int64)
            for i in range(3):
                for j in range(3):
                    shift[i] += rotations[one, i, j] * translations[g, j]
                    for a in range(3):
                        turn[i, j] += rotations[one, i, a] * rotations[g, a, j]
            found = _rank(codes, _code(turn, shift))
            if found < 0:
                return False
            if not reached[found]:
                reached[found] = True
                waiting[n_waiting] = found
                n_waiting += 1
    return True


@compiled
def _rank(codes: NDArray[np.int64], code: int) -> int:
    """Return the first place of a code in sorted codes, -1 where it is not among them."""
    found = int(np.searchsorted(codes, code))
    return found if found < len(codes) and codes[found] == code else -1


@compiled
def _code(rotation: NDArray[np.int64], translation: NDArray[np.int64]) -> int:
    """Return a number for an operation, the same for operations that differ by lattice translations."""
    code = 0
    for i in range(3):
        for j in range(3):
            code = code * 16 + rotation[i, j] + 8
        code = code * GRID + translation[i] % GRID
    return code
