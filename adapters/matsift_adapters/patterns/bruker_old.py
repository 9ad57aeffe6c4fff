"""Patterns in versions 1 and 2 of Siemens' and Bruker's RAW files, which geddes does not read."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from matsift.errors import SourceError

_MAGIC_1, _MAGIC_2 = b"RAW ", b"RAW2"

#: Length of a range's header in version 1 behind "RAW ", and of the file's header in version 2.
_RANGE_1, _FILE_2 = 152, 256

_MOST_SCANS = 200

Read = tuple[NDArray[np.float64], NDArray[np.float64]]


def is_old(content: bytes) -> bool:
    """Return whether a file is a RAW file of version 1 or 2."""
    return content.startswith((_MAGIC_1, _MAGIC_2))


def read_old(content: bytes, path: str) -> list[Read]:
    """Return angles and intensities of the ranges in a RAW file of version 1 or 2.

    Raises
    ------
    SourceError
        If it breaks off, or a range makes no sense.
    """
    try:
        scans = list(_version_1(content) if content.startswith(_MAGIC_1) else _version_2(content))
    except (struct.error, ValueError):
        raise SourceError(path, "this RAW file breaks off", "copy it again, or export it as two columns (xy)") from None
    if not scans:
        raise SourceError(path, "this RAW file holds no range that makes sense", "export it as two columns (xy)")
    return scans


def _version_1(content: bytes) -> Iterator[Read]:
    place, following = 4, 1
    for _ in range(_MOST_SCANS):
        if not following:
            return
        if content[place : place + 4] == _MAGIC_1:
            place += 4
        n_point, _, step, _, _, first = struct.unpack_from("<IffIIf", content, place)
        (following,) = struct.unpack_from("<I", content, place + _RANGE_1 - 4)
        yield _columns(content, place + _RANGE_1, n_point, first, step)
        place += _RANGE_1 + 4 * n_point


def _version_2(content: bytes) -> Iterator[Read]:
    (n_range,) = struct.unpack_from("<H", content, 4)
    place = _FILE_2
    for _ in range(min(n_range, _MOST_SCANS)):
        length, n_point, _, step, first = struct.unpack_from("<HH4xfff", content, place)
        yield _columns(content, place + length, n_point, first, step)
        place += length + 4 * n_point


def _columns(content: bytes, place: int, n_point: int, first: float, step: float) -> Read:
    """Return a range's columns; an angle of four bytes is taken as the short decimal number that was meant."""
    if not 0 < step < 1 or not -180 <= first <= 180:
        raise ValueError
    counts = np.frombuffer(content, dtype="<f4", count=n_point, offset=place).astype(np.float64)
    return round(first, 5) + round(step, 6) * np.arange(n_point, dtype=np.float64), counts
