"""Special positions of the 230 space groups, derived from their operations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import spglib
from numpy.typing import NDArray

#: Coordinates of positions without a free one, in the settings of International Tables.
_COORDINATES = np.unique(np.append(np.arange(8) / 8, np.arange(12) / 12))

_SAME = 1e-6
_GENERIC = np.array([0.1357, 0.2913, 0.4179])
_N_HALL = 530
_CHUNK = 2048


@dataclass(frozen=True, eq=False)
class Position:
    """Points of one site symmetry: the images of `projector` @ x + `origin` for any fractional x.

    Parameters
    ----------
    multiplicity
        Points in the conventional cell.
    n_free
        Free coordinates, 0 to 3.
    projector
        (3, 3).
    origin
        (3,).
    rotations, translations
        (multiplicity, 3, 3) and (multiplicity, 3), the operations that make all points of one, itself first.
    """

    multiplicity: int
    n_free: int
    projector: NDArray[np.float64]
    origin: NDArray[np.float64]
    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]

    def points(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the points (multiplicity, 3) of the conventional cell that belong to free coordinates x (3,)."""
        return (self.rotations @ (self.projector @ x + self.origin) + self.translations) % 1.0


@cache
def operations(space_group: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rotations (n, 3, 3) and translations (n, 3) of the conventional cell, centring included.

    The setting is the first of International Tables, as in spglib: unique axis b, origin choice 1, hexagonal axes.
    """
    found = spglib.get_symmetry_from_database(_hall_numbers()[space_group])
    assert found is not None
    return np.asarray(found["rotations"], dtype=np.int64), np.asarray(found["translations"], dtype=np.float64)


@cache
def special_positions(space_group: int) -> tuple[Position, ...]:
    """Return the positions of a space group, the general one first; copies of one under the group are all there."""
    rotations, translations = operations(space_group)
    found: dict[tuple[float, ...], Position] = {}
    lines = _points_of_single_operations(rotations, translations)
    single = _stabilisers(rotations, translations, _grid_points(), only_single=True)
    for stabiliser, point in [*single, *_stabilisers(rotations, translations, lines)]:
        turns, shifts = rotations[stabiliser], translations[stabiliser]
        shifts = shifts + np.rint(point - turns @ point - shifts)  # the lattice vector that brings the point back
        projector, origin = turns.mean(axis=0), shifts.mean(axis=0)
        n_free = int(np.rint(np.trace(projector)))
        key = tuple(np.round(np.append(projector.ravel(), origin), 5).tolist())
        if key not in found:
            found[key] = _position(rotations, translations, n_free, projector, origin)
    special = sorted(found.items(), key=lambda item: (-item[1].n_free, -item[1].multiplicity, item[0]))
    general = _position(rotations, translations, 3, np.eye(3), np.zeros(3))
    return general, *(position for _, position in special)


def _position(
    rotations: NDArray[np.int64],
    translations: NDArray[np.float64],
    n_free: int,
    projector: NDArray[np.float64],
    origin: NDArray[np.float64],
) -> Position:
    """Return a position with the operations that make its copies, each copy once."""
    images = np.round((rotations @ (projector @ _GENERIC + origin) + translations) % 1.0, 5) % 1.0
    _, first = np.unique(images, axis=0, return_index=True)
    kept = np.sort(first)
    return Position(len(kept), n_free, projector, origin, rotations[kept].astype(np.float64), translations[kept])


@cache
def _hall_numbers() -> dict[int, int]:
    """Return space group -> its first Hall number."""
    first: dict[int, int] = {}
    for hall in range(1, _N_HALL + 1):
        kind = spglib.get_spacegroup_type(hall)
        assert kind is not None
        first.setdefault(int(kind.number), hall)
    return first


def _grid_points() -> NDArray[np.float64]:
    return np.stack(np.meshgrid(*[_COORDINATES] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def _points_of_single_operations(
    rotations: NDArray[np.int64], translations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a generic point on each axis and plane that passes through the cell."""
    shifts = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    points = []
    for turn, translation in zip(rotations, translations, strict=True):
        powers = [np.eye(3, dtype=np.int64)]
        while not np.array_equal(last := powers[-1] @ turn, powers[0]):
            powers.append(last)
        if len(powers) == 1:
            continue
        mean = np.mean(powers, axis=0)
        if round(float(np.trace(mean))) == 0:
            continue  # a single point: the grid has it
        partial = np.mean(np.cumsum(np.concatenate([np.zeros((1, 3, 3)), powers[:-1]]), axis=0), axis=0)
        moved = translation + shifts
        fixed = np.abs(moved @ mean.T).max(axis=1) < _SAME  # no screw, no glide
        points.append(mean @ _GENERIC + moved[fixed] @ partial.T)
    return np.concatenate(points) % 1.0 if points else np.zeros((0, 3))


def _stabilisers(
    rotations: NDArray[np.int64],
    translations: NDArray[np.float64],
    points: NDArray[np.float64],
    *,
    only_single: bool = False,
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return the operations (numbers) that leave points where they are, up to the lattice, with each such point.

    With `only_single`, points on lines and planes of one site symmetry are left out.
    """
    kept = []
    traces = rotations.trace(axis1=1, axis2=2)
    flat = rotations.reshape(-1, 3).T.astype(np.float64)
    for start in range(0, len(points), _CHUNK):
        chunk = points[start : start + _CHUNK]
        moved = (chunk @ flat).reshape(len(chunk), -1, 3) + translations - chunk[:, None, :]
        same = np.all(np.abs(moved - np.rint(moved)) < _SAME, axis=2)
        n_same = same.sum(axis=1)
        wanted = (n_same > 1) & ((same @ traces == 0) | (not only_single))
        kept += [(np.flatnonzero(same[i]), chunk[i]) for i in np.flatnonzero(wanted).tolist()]
    return kept
