"""Patterns in the formats of diffractometers that the library geddes reads (Bruker, Rigaku, GSAS, chi)."""

from __future__ import annotations

import io
import re
import struct
import zipfile

import geddes
import numpy as np
from numpy.typing import NDArray

from matsift.errors import SourceError
from matsift_adapters.sources.compressed import ZIP_DAMAGE

#: Most that the parts of a zipped file may hold together, bytes; more is a mistake or an attack.
_LARGEST_UNPACKED = 256 << 20


#: Most scans of a file, and what geddes says of a scan after the last.
_MOST_SCANS, _NO_MORE = 200, "out of range"

Read = tuple[NDArray[np.float64], NDArray[np.float64]]


def read_vendor(content: bytes, file_format: str, path: str) -> list[Read]:
    """Return angles and intensities of the scans in a file in a format of geddes (raw, uxd, brml, ras, rasx, gsas).

    Raises
    ------
    SourceError
        If geddes cannot read it.
    """
    scans: list[Read] = []
    while len(scans) < _MOST_SCANS:
        try:
            pattern = geddes.read_bytes(content, f"pattern.{file_format}", index=len(scans))
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # noqa: BLE001  a panic of its Rust code is no Exception
            told = re.sub(r"\s+", " ", str(error)).strip()[:160]
            if scans and _NO_MORE in told:
                break
            raise SourceError(
                path, f"as a file of the kind {file_format} it cannot be read ({told})", "export it as two columns (xy)"
            ) from None
        scans.append((np.array(pattern.x, dtype=np.float64), np.array(pattern.y, dtype=np.float64)))
    return scans


def bruker_wavelength(content: bytes) -> float | None:
    """Return the wavelength (K-alpha1) that a Bruker RAW file states, None where it states none.

    The places follow the file structure in the manual of DIFFRAC plus XCH 5.0, appendix A, and that of version 4.
    """
    places = {b"RAW1.01": ("<d", 624), b"RAW2": ("<f", 190), b"RAW ": ("<f", 72)}
    for magic, (kind, place) in places.items():
        if content.startswith(magic):
            return _between(kind, content, place)
    return _segment_wavelength(content)


def _segment_wavelength(content: bytes) -> float | None:
    place = 61
    while place + 8 <= len(content):
        kind, length = struct.unpack_from("<II", content, place)
        if kind == 30:
            return _between("<d", content, place + 80)
        if kind in (0, 160) or length < 8:
            return None
        place += length
    return None


def _between(kind: str, content: bytes, place: int) -> float | None:
    if place + struct.calcsize(kind) > len(content):
        return None
    (value,) = struct.unpack_from(kind, content, place)
    return float(value) if 0.1 < value < 3.0 else None


def zipped_kind(content: bytes, path: str) -> str:
    """Return brml, rasx or xlsx: what a zip archive is by the names in it.

    Raises
    ------
    SourceError
        If it is broken, unreasonably large once unpacked, or another kind of archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            size = sum(part.file_size for part in archive.infolist())
    except ZIP_DAMAGE:
        raise SourceError(path, "its archive is broken", "copy it again") from None
    if size > _LARGEST_UNPACKED:
        raise SourceError(
            path, f"unpacked it has more than {_LARGEST_UNPACKED >> 20} MiB", "export the pattern as two columns (xy)"
        )
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    if any(re.search(r"Profile\d*\.txt$", name) for name in names):
        return "rasx"
    if any(re.search(r"RawData\d*\.xml$", name) for name in names):
        return "brml"
    raise SourceError(path, "it is an archive without a pattern that is known", "unpack it and give one file of it")


def zipped_text(content: bytes, path: str) -> str:
    """Return the texts of a zip archive, one after the other, without the columns of numbers.

    Raises
    ------
    SourceError
        If a part is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.read(part) for part in archive.infolist() if part.filename.endswith(".xml")]
    except ZIP_DAMAGE:
        raise SourceError(path, "a part of its archive is damaged", "copy it again") from None
    return "\n".join(part.decode("utf-8-sig", errors="replace")[:500_000] for part in parts)
