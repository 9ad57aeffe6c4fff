"""Compiled loops over the copies that symmetry makes of the atoms of a CIF."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

# What pymatgen's parser takes for a third of the cell, and for one place.
_THIRD_TOLERANCE = 1e-4
_PLACE_TOLERANCE = 1e-4


@compiled
def expand(
    coords: NDArray[np.float64], rotations: NDArray[np.float64], translations: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], bool]:
    """Return all places of the cell, as pymatgen's parser finds them.

    Parameters
    ----------
    coords
        (n, 3), fractional; 0.3333 and 0.6667 are made the fractions that they stand for, in place.
    rotations, translations
        (m, 3, 3) and (m, 3), of the operations.

    Returns
    -------
    tuple
        `host` (n,): the first atom that stands in the place of each, itself if it is the first; `places` (k, 3) in 0
        to 1; `owner` (k,): which atom a place is a copy of; and whether no copies of two hosts fall together, which
        happens where the operations are no group or two atoms are apart by just about the tolerance.
    """
    n, m = len(coords), len(rotations)
    _make_thirds_exact(coords)
    host = np.arange(n)
    places = np.empty((n * m, 3))
    owner = np.empty(n * m, dtype=np.int64)
    copy = np.empty(3)
    k = 0
    apart = True
    for i in range(n):
        host[i] = _host(coords, host, i, rotations, translations)
        if host[i] != i:
            continue
        for o in range(m):
            _operate(coords[i], rotations[o], translations[o], copy)
            for axis in range(3):
                copy[axis] -= np.floor(copy[axis])
            known = _first_near(places, k, copy)
            if known < 0:
                places[k] = copy
                owner[k] = i
                k += 1
            elif owner[known] != i:
                apart = False
    return host, places[:k].copy(), owner[:k].copy(), apart


@compiled
def _make_thirds_exact(coords: NDArray[np.float64]) -> None:
    for i in range(len(coords)):
        for axis in range(3):
            for third in (1 / 3, 2 / 3):
                if abs(coords[i, axis] / third - 1.0) <= _THIRD_TOLERANCE:
                    coords[i, axis] = third


@compiled
def _host(
    coords: NDArray[np.float64],
    host: NDArray[np.int64],
    i: int,
    rotations: NDArray[np.float64],
    translations: NDArray[np.float64],
) -> int:
    """Return the first atom before number i, itself its host, where a copy of i stands; i where there is none."""
    copy = np.empty(3)
    for o in range(len(rotations)):
        _operate(coords[i], rotations[o], translations[o], copy)
        for j in range(i):
            if host[j] == j and _near(coords[j], copy):
                return j
    return i


@compiled
def _first_near(places: NDArray[np.float64], k: int, place: NDArray[np.float64]) -> int:
    """Return the first of k places that is the same as a place, -1 where none is."""
    for p in range(k):
        if _near(places[p], place):
            return p
    return -1


@compiled
def _operate(
    point: NDArray[np.float64],
    rotation: NDArray[np.float64],
    translation: NDArray[np.float64],
    copy: NDArray[np.float64],
) -> None:
    for axis in range(3):
        turned = rotation[axis, 0] * point[0] + rotation[axis, 1] * point[1] + rotation[axis, 2] * point[2]
        copy[axis] = turned + translation[axis]


@compiled
def _near(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    for axis in range(3):
        apart = one[axis] - other[axis]
        if abs(apart - np.round(apart)) >= _PLACE_TOLERANCE:
            return False
    return True
