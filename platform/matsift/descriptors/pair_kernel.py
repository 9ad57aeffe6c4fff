"""Compiled loops over the pairs of atoms of periodic crystals, spread over bins by their scaled distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

_SHORTEST = 1e-9


@compiled
def _add(bins: NDArray[np.float64], place: float, weight: float, marks: NDArray[np.float64], i: int, j: int) -> None:
    """Share a weight, times both atoms' marks, between the four B-splines (n_channel, n_bin) that are not 0 there."""
    n_channel, n_bin = bins.shape
    inside = min(max(place, 0.0), n_bin - 3 - 1e-9)
    b = int(inside)
    u = inside - b
    v = 1.0 - u
    one, four = v * v * v / 6.0, u * u * u / 6.0
    two = (3.0 * u * u * u - 6.0 * u * u + 4.0) / 6.0
    three = (3.0 * v * v * v - 6.0 * v * v + 4.0) / 6.0
    for c in range(n_channel):
        value = weight * marks[c, i] * marks[c, j]
        bins[c, b] += one * value
        bins[c, b + 1] += two * value
        bins[c, b + 2] += three * value
        bins[c, b + 3] += four * value


@compiled
def spread_pairs(
    triangles: NDArray[np.float64],
    frac_coords: NDArray[np.float64],
    start: NDArray[np.int64],
    scale: NDArray[np.float64],
    marks: NDArray[np.float64],
    first: float,
    width: float,
    reach: float,
    n_bin: int,
) -> NDArray[np.float64]:
    """Return what the neighbours of an atom add to each bin of the scaled distance, on average over the atoms.

    A neighbour at the distance x counts (1 - (x / reach)^4)^2 / (1 + x^3), which goes to 0 smoothly, times the product
    of both atoms' marks, and is shared between the four cubic B-splines of the axis ln x that are not 0 there; what
    lies before the axis stands at its beginning.

    Parameters
    ----------
    triangles
        (n, 3, 3), lattice vectors turned to be lower triangles with positive diagonals, angstrom; any choice of cell.
    frac_coords
        (n_site, 3) of all structures.
    start
        (n + 1,), where the sites of a structure begin.
    scale
        (n,), the unit of scaled distances, angstrom.
    marks
        (n_channel, n_site).
    first, width
        Where the first bin begins on the axis ln x, and the distance between bins.
    reach
        Largest scaled distance.
    n_bin
        Number of bins.

    Returns
    -------
    (n, n_channel, n_bin).
    """
    bins = np.zeros((len(scale), len(marks), n_bin))
    for s in range(len(scale)):
        a = triangles[s] / scale[s]
        n = start[s + 1] - start[s]
        for i in range(start[s], start[s + 1]):
            for j in range(i, start[s + 1]):
                fx = frac_coords[j, 0] - frac_coords[i, 0]
                fy = frac_coords[j, 1] - frac_coords[i, 1]
                fz = frac_coords[j, 2] - frac_coords[i, 2]
                share = (1.0 if i == j else 2.0) / n
                z_reach = reach / a[2, 2]
                for k in range(int(np.ceil(-z_reach - fz)), int(np.floor(z_reach - fz)) + 1):
                    z = (fz + k) * a[2, 2]
                    y_left = reach * reach - z * z
                    if y_left < 0.0:
                        continue
                    y_reach = np.sqrt(y_left) / a[1, 1]
                    y_from = fy + (fz + k) * a[2, 1] / a[1, 1]
                    for m in range(int(np.ceil(-y_reach - y_from)), int(np.floor(y_reach - y_from)) + 1):
                        y = (y_from + m) * a[1, 1]
                        x_left = y_left - y * y
                        if x_left < 0.0:
                            continue
                        x_reach = np.sqrt(x_left) / a[0, 0]
                        x_from = fx + ((fz + k) * a[2, 0] + (fy + m) * a[1, 0]) / a[0, 0]
                        for step in range(int(np.ceil(-x_reach - x_from)), int(np.floor(x_reach - x_from)) + 1):
                            if i == j and k == 0 and m == 0 and step == 0:
                                continue
                            x = (x_from + step) * a[0, 0]
                            d = np.sqrt(x * x + y * y + z * z)
                            fade = 1.0 - (d / reach) ** 4
                            weight = share * fade * fade / (1.0 + d**3)
                            place = (np.log(max(d, _SHORTEST)) - first) / width
                            _add(bins[s], place, weight, marks, i, j)
    return bins
