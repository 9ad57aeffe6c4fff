"""Compiled loops over the Voronoi cells of periodic crystals, in double precision and without supercells.

The facet that an atom shares with a neighbour at v is the part of the plane x·v = v·v/2 on which x·r <= r·r/2 for the
vectors r to all other neighbours: a square, larger than any cell, cut by one half-plane after the other, nearest first,
until the next neighbour is too far away to reach what is left. Each facet is found for itself, so vertices where more
than three facets meet need no care: a facet that only touches there has an area of rounding size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

COINCIDENT, UNFILLED, TOO_LONG = 1, 2, 3
COINCIDENT_ANGSTROM = 0.01

_FIRST_REACH = 1.9  # in cube roots of the volume an atom; twice the circumradius of a cell of fcc is 1.59, of sc 1.73
_MOST_NEIGHBOURS = 100_000
_NEGLIGIBLE_AREA = 1e-10  # of the atom's largest facet
_UNFILLED_SHARE = 1e-6  # of the volume that the Voronoi cells may miss

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@compiled
def reduce_lattices(lattices: Floats) -> None:
    """Shorten the vectors of (n, 3, 3) lattices in place by multiples of one another while any gets shorter."""
    for vectors in lattices:
        changed = True
        while changed:
            changed = False
            for step in range(9):
                i, j = step // 3, step % 3
                if i == j:
                    continue
                square, product = 0.0, 0.0
                for k in range(3):
                    square += vectors[j, k] * vectors[j, k]
                    product += vectors[i, k] * vectors[j, k]
                times = np.rint(product / square * (1 - 1e-12))
                if times != 0:
                    changed = True
                    for k in range(3):
                        vectors[i, k] -= times * vectors[j, k]


@compiled
def tessellate(
    lattices: Floats,
    spacings: Floats,
    volumes: Floats,
    coords: Floats,
    start: Ints,
    who_of: Ints,
    area_of: Floats,
    distance_of: Floats,
    status: Ints,
) -> int:
    """Write the facets of all atoms of a chunk of structures; return how many there are, -1 where there is no room.

    Parameters
    ----------
    lattices
        (n, 3, 3), angstrom, reduced.
    spacings
        (n, 3), distances between the lattice planes, angstrom.
    volumes
        (n,), cubic angstrom.
    coords
        (n_site, 3), fractional coordinates of all structures' sites, 0 to 1.
    start
        (n + 1,), where the sites of a structure begin.
    who_of
        (room, 5), to be written: site, neighbour, and the neighbour's image.
    area_of, distance_of
        (room,), to be written: square angstrom, angstrom.
    status
        (n,), to be written: 0, `COINCIDENT`, `UNFILLED` or `TOO_LONG`; a structure whose status is not 0 has no facets.
    """
    total = 0
    for structure in range(len(lattices)):
        first, begin, filled = start[structure], total, 0.0
        inside = coords[first : start[structure + 1]]
        status[structure] = 0
        for site in range(len(inside)):
            problem, who, square, area = _cell(
                site, lattices[structure], spacings[structure], volumes[structure], inside
            )
            if problem:
                status[structure] = problem
                break
            count = _keep(first, site, who, square, area, who_of[total:], area_of[total:], distance_of[total:])
            if count < 0:
                return -1
            for item in range(total, total + count):
                filled += area_of[item] * distance_of[item] / 6
            total += count
        if status[structure] == 0 and abs(filled / volumes[structure] - 1) > _UNFILLED_SHARE:
            status[structure] = UNFILLED
        if status[structure]:
            total = begin
    return total


@compiled
def _keep(
    first: int,
    site: int,
    who: Ints,
    square: Floats,
    area: Floats,
    who_of: Ints,
    area_of: Floats,
    distance_of: Floats,
) -> int:
    """Write the facets of one site that are not negligible; return how many there are, -1 where there is no room."""
    largest, count = 0.0, 0
    for item in range(len(area)):
        largest = max(largest, area[item])
    for item in range(len(area)):
        if area[item] > _NEGLIGIBLE_AREA * largest:
            if count == len(area_of):
                return -1
            who_of[count, 0], who_of[count, 1] = first + site, first + who[item, 0]
            for axis in range(3):
                who_of[count, 2 + axis] = who[item, 1 + axis]
            area_of[count], distance_of[count] = area[item], np.sqrt(square[item])
            count += 1
    return count


@compiled
def _cell(
    site: int, lattice: Floats, spacing: Floats, volume: float, coords: Floats
) -> tuple[int, Ints, Floats, Floats]:
    """Return what hinders the cell (0: nothing), and of the neighbours who they are, squared distance, facet's area.

    The neighbours within a reach give the cell once the reach is its diameter or more; no cell is wider than `widest`.
    """
    widest = 0.0
    for k in range(3):
        widest += 1.01 * np.sqrt(lattice[k, 0] ** 2 + lattice[k, 1] ** 2 + lattice[k, 2] ** 2)
    polygon = np.empty((2, 64, 2))
    reach = min(_FIRST_REACH * (volume / len(coords)) ** (1 / 3), widest)
    while True:
        who, vector, square = _neighbours(site, lattice, spacing, coords, reach, volume)
        count = len(square)
        area = np.zeros(count)
        if count >= _MOST_NEIGHBOURS:
            return TOO_LONG, who, square, area
        if count > 0 and square[0] < COINCIDENT_ANGSTROM**2:
            return COINCIDENT, who, square, area
        if len(polygon[0]) < count + 8:
            polygon = np.empty((2, 2 * count + 8, 2))
        furthest = 0.0 if count > 0 else widest * widest
        for own in range(count):
            area[own], corner = _facet(own, vector, square, widest / 2, polygon)
            furthest = max(furthest, corner)
        needed = 2 * np.sqrt(furthest)
        if needed <= reach or (reach >= widest and count > 0):
            return 0, who, square, area
        reach = min(needed, 1.6 * reach) * (1 + 1e-9)


@compiled
def _neighbours(
    site: int, lattice: Floats, spacing: Floats, coords: Floats, reach: float, volume: float
) -> tuple[Ints, Floats, Floats]:
    """Return atom and image (k, 4), vector (k, 3) and squared distance (k,) of what is within reach, nearest first."""
    room = 32 + int(5.0 * reach**3 * len(coords) / volume)
    while True:
        room = min(room, _MOST_NEIGHBOURS)
        who, vector, square = np.empty((room, 4), np.int64), np.empty((room, 3)), np.empty(room)
        count = _collect(site, lattice, spacing, coords, reach, who, vector, square)
        if count < room or room == _MOST_NEIGHBOURS:
            break
        room *= 2
    return _sorted(count, who, vector, square)


@compiled
def _collect(
    site: int,
    lattice: Floats,
    spacing: Floats,
    coords: Floats,
    reach: float,
    who: Ints,
    vector: Floats,
    square: Floats,
) -> int:
    """Write what is within reach of a site into the arrays until they are full; return how many were written."""
    count = 0
    rx, ry, rz = reach / spacing[0], reach / spacing[1], reach / spacing[2]
    for atom in range(len(coords)):
        fx = coords[atom, 0] - coords[site, 0]
        fy = coords[atom, 1] - coords[site, 1]
        fz = coords[atom, 2] - coords[site, 2]
        for i in range(int(np.ceil(-rx - fx)), int(np.floor(rx - fx)) + 1):
            for j in range(int(np.ceil(-ry - fy)), int(np.floor(ry - fy)) + 1):
                for k in range(int(np.ceil(-rz - fz)), int(np.floor(rz - fz)) + 1):
                    if atom == site and i == 0 and j == 0 and k == 0:
                        continue
                    distance = 0.0
                    for axis in range(3):
                        along = (fx + i) * lattice[0, axis] + (fy + j) * lattice[1, axis] + (fz + k) * lattice[2, axis]
                        vector[count, axis] = along
                        distance += along * along
                    if distance > reach * reach:
                        continue
                    who[count, 0], who[count, 1], who[count, 2], who[count, 3] = atom, i, j, k
                    square[count] = distance
                    count += 1
                    if count == len(square):
                        return count
    return count


@compiled
def _sorted(count: int, who: Ints, vector: Floats, square: Floats) -> tuple[Ints, Floats, Floats]:
    """Return the first entries by ascending squared distance."""
    order = _ascending(count, square)
    whose, towards, distance = np.empty((count, 4), np.int64), np.empty((count, 3)), np.empty(count)
    for place in range(count):
        item = order[place]
        distance[place] = square[item]
        for k in range(3):
            towards[place, k] = vector[item, k]
        for k in range(4):
            whose[place, k] = who[item, k]
    return whose, towards, distance


@compiled
def _ascending(count: int, values: Floats) -> Ints:
    """Return the order (count,) that sorts the first values: shell sort."""
    order = np.empty(count, np.int64)
    for i in range(count):
        order[i] = i
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, count):
            item, j = order[i], i
            while j >= gap and values[order[j - gap]] > values[item]:
                order[j] = order[j - gap]
                j -= gap
            order[j] = item
        gap //= 3
    return order


@compiled
def _facet(own: int, vector: Floats, square: Floats, limit: float, polygon: Floats) -> tuple[float, float]:
    """Return the area of one neighbour's facet, and the largest squared distance from the atom to a corner of it.

    `polygon` (2, k, 2) is room to work in: corners in the facet's plane, from the foot of the perpendicular to it.
    """
    v = vector[own]
    ex, ey, ez, gx, gy, gz = _axes(v[0], v[1], v[2])
    polygon[0, 0, 0], polygon[0, 0, 1], polygon[0, 1, 0], polygon[0, 1, 1] = -limit, -limit, limit, -limit
    polygon[0, 2, 0], polygon[0, 2, 1], polygon[0, 3, 0], polygon[0, 3, 1] = limit, limit, -limit, limit
    here, n = 0, 4
    foot = square[own] / 4
    furthest = foot + 2 * limit * limit
    for other in range(len(square)):
        r = vector[other]
        if square[other] / 4 >= furthest:
            break
        if other == own:
            continue
        a = ex * r[0] + ey * r[1] + ez * r[2]
        b = gx * r[0] + gy * r[1] + gz * r[2]
        c = (square[other] - (v[0] * r[0] + v[1] * r[1] + v[2] * r[2])) / 2
        is_cut = False
        for i in range(n):
            if a * polygon[here, i, 0] + b * polygon[here, i, 1] > c:
                is_cut = True
                break
        if is_cut:
            n, most = _cut(polygon[here], n, a, b, c, polygon[1 - here])
            here, furthest = 1 - here, foot + most
            if n < 3:
                return 0.0, 0.0
    area = 0.0
    for i in range(1, n - 1):
        px, py = polygon[here, i, 0] - polygon[here, 0, 0], polygon[here, i, 1] - polygon[here, 0, 1]
        qx, qy = polygon[here, i + 1, 0] - polygon[here, 0, 0], polygon[here, i + 1, 1] - polygon[here, 0, 1]
        area += px * qy - qx * py
    return abs(area) / 2, furthest


@compiled
def _axes(x: float, y: float, z: float) -> tuple[float, float, float, float, float, float]:
    """Return two unit vectors that are perpendicular to (x, y, z) and to each other."""
    if abs(x) <= abs(y) and abs(x) <= abs(z):
        ex, ey, ez = 0.0, z, -y
    elif abs(y) <= abs(z):
        ex, ey, ez = -z, 0.0, x
    else:
        ex, ey, ez = y, -x, 0.0
    length = np.sqrt(ex * ex + ey * ey + ez * ez)
    ex, ey, ez = ex / length, ey / length, ez / length
    length = np.sqrt(x * x + y * y + z * z)
    return ex, ey, ez, (y * ez - z * ey) / length, (z * ex - x * ez) / length, (x * ey - y * ex) / length


@compiled
def _cut(old: Floats, n: int, a: float, b: float, c: float, new: Floats) -> tuple[int, float]:
    """Write the part of a polygon of n corners on which a x + b y <= c; return its corners and largest x² + y²."""
    m, most = 0, 0.0
    sx, sy = old[n - 1, 0], old[n - 1, 1]
    before = a * sx + b * sy - c
    for i in range(n):
        tx, ty = old[i, 0], old[i, 1]
        now = a * tx + b * ty - c
        if (before > 0) != (now > 0):
            share = before / (before - now)
            px, py = sx + share * (tx - sx), sy + share * (ty - sy)
            new[m, 0], new[m, 1] = px, py
            most = max(most, px * px + py * py)
            m += 1
        if now <= 0:
            new[m, 0], new[m, 1] = tx, ty
            most = max(most, tx * tx + ty * ty)
            m += 1
        sx, sy, before = tx, ty, now
    return m, most
