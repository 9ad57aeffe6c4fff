"""A measured pattern from a file, whatever the format: what it is told by its content, then by its name."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.grid import wavelength_angstrom
from matsift.diffraction.measured import MeasuredPattern
from matsift.errors import SourceError
from matsift_adapters.patterns.bruker_old import is_old, read_old
from matsift_adapters.patterns.checks import checked, scans
from matsift_adapters.patterns.keyed_counts import read_keyed
from matsift_adapters.patterns.other_formats import read_json, read_stoe, read_workbook
from matsift_adapters.patterns.pdcif import read_pdcif
from matsift_adapters.patterns.stated import stated_sample, stated_wavelength
from matsift_adapters.patterns.text_tables import decoded, read_counts, read_table
from matsift_adapters.patterns.vendor import bruker_wavelength, read_vendor, zipped_kind, zipped_text
from matsift_adapters.patterns.xrdml import read_xrdml

#: Largest file that is read, bytes.
LARGEST = 64 << 20

_PICTURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a bitmap picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Office document (xls or doc)",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
}

#: Signs of the text formats that geddes reads.
_TEXT_FORMATS = {
    "ras": re.compile(r"^\*RAS_DATA_START", re.MULTILINE),
    "uxd": re.compile(r"^_(FILEVERSION|STEPSIZE|2THETACOUNTS|2THETACPS)\b", re.MULTILINE),
    "gsas": re.compile(r"^BANK\s+\d+\s+\d+", re.MULTILINE),
}
_CIF, _CIF_TAG = re.compile(r"^\s*data_\S*", re.MULTILINE | re.IGNORECASE), re.compile(r"^\s*_[a-z]\w+_", re.MULTILINE)
_JSON = re.compile(r"\s*(\{|\[\s*[\d\[{\"-])")
_HEAD = 20_000


def read_pattern(path: Path) -> MeasuredPattern:
    """Return the pattern of a file; of a file with several, the first (a note says so).

    Raises
    ------
    SourceError
        If there is no such file, or it holds no powder pattern; one sentence that says why and what to do.
    """
    return read_patterns(path)[0]


def read_patterns(path: Path) -> list[MeasuredPattern]:
    """Return all patterns of a file, in its order, at least one.

    Raises
    ------
    SourceError
        As `read_pattern`.
    """
    content = _content(path)
    patterns = _patterns(content, path)
    if len(patterns) == 1:
        return patterns
    note = f"the file holds {len(patterns)} patterns, this is one of them"
    return [
        MeasuredPattern(one.two_theta_deg, one.intensity, one.wavelength_angstrom, one.name, (*one.notes, note))
        for one in patterns
    ]


def _patterns(content: bytes, path: Path) -> list[MeasuredPattern]:
    shown = str(path)
    for magic, what in _PICTURES.items():
        if content.startswith(magic):
            raise SourceError(shown, f"it is {what}", "give the measured pattern, for example as two columns (xy)")
    if content.startswith(b"RAW_"):
        return _checked(*read_stoe(content, shown), path)
    if content.startswith((b"RAW ", b"RAW1", b"RAW2", b"RAW4")):
        wavelength = bruker_wavelength(content)
        ranges = read_old(content, shown) if is_old(content) else read_vendor(content, "raw", shown)
        return _all(_checked(*read, wavelength, path) for read in ranges)
    if content.startswith(b"PK"):
        kind = zipped_kind(content, shown)
        if kind == "xlsx":
            return _checked(*read_workbook(content, shown), path)
        text = zipped_text(content, shown)
        stated, sample = stated_wavelength(text), stated_sample(text)
        return _all(_checked(*read, stated, path, sample) for read in read_vendor(content, kind, shown))
    return _text_patterns(decoded(content, shown), content, path)


def _text_patterns(text: str, content: bytes, path: Path) -> list[MeasuredPattern]:
    shown, head = str(path), text[:_HEAD]
    if "<xrdMeasurement" in head:
        read = read_xrdml(text, shown)
        return _all(_checked(one.two_theta_deg, one.intensity, one.wavelength, path, one.sample) for one in read)
    if _CIF.search(head) and _CIF_TAG.search(text):
        blocks = read_pdcif(text, shown)
        return _all(_checked(angles, counts, stated, path, name) for name, angles, counts, stated in blocks)
    if _JSON.match(text):
        return _checked(*read_json(text, shown), path)
    return _plain_patterns(text, content, path)


def _plain_patterns(text: str, content: bytes, path: Path) -> list[MeasuredPattern]:
    shown, stated, sample = str(path), stated_wavelength(text), stated_sample(text[:_HEAD])
    for file_format, sign in _TEXT_FORMATS.items():
        if sign.search(text):
            return _all(_checked(*one, stated, path, sample) for one in read_vendor(content, file_format, shown))
    if keyed := read_keyed(text):
        return _all(_checked(*one, stated, path, sample) for one in keyed)
    counts = read_counts(text)
    if counts is not None:
        return _checked(*counts, stated, path, sample)
    angles, intensity, radiation = read_table(text, shown)
    return _checked(angles, intensity, radiation or stated, path, sample)


def _checked(
    angles: NDArray[np.float64],
    counts: NDArray[np.float64],
    stated: float | str | None,
    path: Path,
    sample: str = "",
) -> list[MeasuredPattern]:
    """Return the pattern of two columns, or the patterns if several scans stand in them one after the other."""
    wavelength = wavelength_angstrom(stated) if isinstance(stated, str) else stated
    name = sample or path.stem
    return [
        checked(angles[part], counts[part], path=str(path), wavelength=wavelength, name=name) for part in scans(angles)
    ]


def _all(read: Iterable[list[MeasuredPattern]]) -> list[MeasuredPattern]:
    return list(itertools.chain.from_iterable(read))


def _content(path: Path) -> bytes:
    """Return the content of a file, unpacked if it is gzipped."""
    shown = str(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise SourceError(shown, "it is a folder", "give one file")
        if size > LARGEST:
            raise SourceError(shown, f"it has {size / 2**20:.0f} MB, too much for one pattern", "give one scan a file")
        content = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(shown, "there is no such file", "correct the path") from None
    except OSError as error:
        raise SourceError(shown, f"it cannot be read ({error.strerror})", "correct its permissions") from None
    if content.startswith(b"\x1f\x8b"):
        content = _unpacked(content, shown)
    if not content.strip():
        raise SourceError(shown, "it is empty", "export the pattern again")
    return content


def _unpacked(content: bytes, shown: str) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        unpacked = unpacker.decompress(content, LARGEST + 1)
    except zlib.error:
        raise SourceError(shown, "its compression is damaged", "copy it again") from None
    if len(unpacked) > LARGEST:
        raise SourceError(shown, "unpacked it has more than 64 MB", "give one scan a file")
    return unpacked
