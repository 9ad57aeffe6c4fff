"""Pareto layers: which candidates no other beats in everything at once, and what is left when those are taken away."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_PLANE = 2  # coordinates beside the first that a staircase holds


def pareto_layers(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the (n,) Pareto layer of each candidate, 1 for the front, 0 for those that stand in none.

    A candidate beats another if it is at least as good in every objective and better in one. Layer 1 holds those that
    no other beats, layer 2 those that only layer 1 beats, and so on. Equal candidates share a layer. One with a NaN can
    be compared with none: it has layer 0 and beats nobody. An infinite value is worse or better than all finite ones.

    Parameters
    ----------
    values
        (n, n_objective), large values good; negate what is to be small.

    Notes
    -----
    Efficient non-dominated sort with binary search (Zhang, Tian, Cheng, Jin, IEEE Trans. Evol. Comput. 19, 201, 2015):
    in the order of the first objective a candidate is beaten by a layer only through the other objectives, and a layer
    that does not beat it is followed by none that does. With up to three objectives a layer is a staircase in a plane.
    """
    layers = np.zeros(len(values), dtype=np.int64)
    known = ~np.isnan(values).any(axis=1)
    if not known.any() or not values.shape[1]:
        return layers
    different, place = np.unique(-values[known] + 0.0, axis=0, return_inverse=True)  # in order; -0.0 and 0.0 are one
    rest = different[:, 1:]
    rest = np.pad(rest, ((0, 0), (0, max(0, _PLANE - rest.shape[1]))))
    layers[known] = _layers_in_order(rest)[place.ravel()]
    return layers


def _layers_in_order(rest: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the (n,) layers of different candidates, small values good, sorted by all objectives.

    `rest` is (n, n_objective - 1), without the first.
    """
    fronts: list[_Front] = []
    layers = np.empty(len(rest), dtype=np.int64)
    in_plane = rest.shape[1] == _PLANE
    for i, row in enumerate(rest.tolist()):
        low, high = 0, len(fronts)
        while low < high:
            middle = (low + high) // 2
            if fronts[middle].beats(row):
                low = middle + 1
            else:
                high = middle
        if low == len(fronts):
            fronts.append(_Staircase() if in_plane else _Rows(rest.shape[1]))
        fronts[low].add(row)
        layers[i] = low + 1
    return layers


class _Front(Protocol):
    """A layer while it grows: whether one of its members is nowhere worse than a row, and a new member."""

    def beats(self, row: list[float]) -> bool: ...

    def add(self, row: list[float]) -> None: ...


class _Staircase:
    """A layer in two coordinates: of its members only those that no other is nowhere worse than, x up and y down."""

    def __init__(self) -> None:
        self._x: list[float] = []
        self._y: list[float] = []

    def beats(self, row: list[float]) -> bool:
        x, y = row
        step = bisect_right(self._x, x) - 1
        return step >= 0 and self._y[step] <= y

    def add(self, row: list[float]) -> None:
        x, y = row
        first = bisect_left(self._x, x)
        last = first
        while last < len(self._y) and self._y[last] >= y:
            last += 1
        self._x[first:last] = [x]
        self._y[first:last] = [y]


class _Rows:
    """A layer in any number of coordinates: all its members, in columns of an array that doubles as it fills."""

    def __init__(self, n_coordinate: int) -> None:
        self._columns = np.empty((n_coordinate, 16))
        self._n = 0

    def beats(self, row: list[float]) -> bool:
        first, *others = (column[: self._n] <= x for column, x in zip(self._columns, row, strict=True))
        for within in others:
            first &= within
        return bool(first.any())

    def add(self, row: list[float]) -> None:
        if self._n == self._columns.shape[1]:
            self._columns = np.concatenate([self._columns, np.empty_like(self._columns)], axis=1)
        self._columns[:, self._n] = row
        self._n += 1
