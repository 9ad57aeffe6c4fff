"""Patterns in Stoe's binary format, in JSON and in Excel workbooks."""

from __future__ import annotations

import io
import json
import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openpyxl import load_workbook

from matsift.errors import SourceError
from matsift_adapters.patterns.columns import check_run, choose, longest_run, to_numbers
from matsift_adapters.patterns.stated import number

#: Where a Stoe RAW file of version 1.06 says how its range runs, and where the counts begin.
_STOE_COUNT, _STOE_RANGE, _STOE_DATA = 2082, 2092, 2560

_MOST_ROWS = 400_000

Columns = tuple[NDArray[np.float64], NDArray[np.float64], str | None]


def read_stoe(content: bytes, path: str) -> Columns:
    """Return angles and counts of a Stoe RAW file with one range.

    The places were found by looking at a file of version 1.06; what they give is checked before it is believed.

    Raises
    ------
    SourceError
        If the file is shorter than it says, or its range makes no sense.
    """
    try:
        (n_point,) = struct.unpack_from("<H", content, _STOE_COUNT)
        first, _, last, _, step = struct.unpack_from("<5f", content, _STOE_RANGE)
        counts = np.frombuffer(content, dtype="<i4", count=n_point, offset=_STOE_DATA)
    except (struct.error, ValueError):
        raise SourceError(path, "this file of Stoe breaks off", "copy it again, or export it as xy") from None
    if not 0 < step < 1 or abs(first + step * (n_point - 1) - last) > 2 * step:
        raise SourceError(path, "this version of Stoe's format is not known", "export it as two columns (xy)")
    return first + step * np.arange(n_point), counts.astype(np.float64), None


def read_json(text: str, path: str) -> tuple[NDArray[np.float64], NDArray[np.float64], float | None]:
    """Return angles, intensities and wavelength of a JSON object with lists for them under telling names.

    Raises
    ------
    SourceError
        If it is damaged or holds no such lists.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError(path, "as JSON it is damaged", "write it again") from None
    columns = {name: values for name, values in _lists(found) if len(values) > 1}
    angle = next((values for name, values in columns.items() if re.search(r"(two|2)_?-?th", name, re.IGNORECASE)), None)
    counts = next((values for name, values in columns.items() if re.search(r"^(int|count)", name, re.IGNORECASE)), None)
    if angle is None or counts is None or len(angle) != len(counts):
        raise SourceError(
            path, "the JSON holds no pattern", "give the lists two_theta and intensity, as long as each other"
        )
    stated = re.search(r'"(?:primary_)?wavelength[a-z_]*"\s*:\s*\[?\s*([0-9.]+)', text)
    return to_numbers(angle), to_numbers(counts), number(stated.group(1)) if stated else None


def read_workbook(content: bytes, path: str) -> Columns:
    """Return angles, intensities and radiation of the first sheet of a workbook that holds a pattern.

    Raises
    ------
    SourceError
        If it cannot be opened, or no sheet holds two columns of numbers.
    """
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = [list(sheet.iter_rows(values_only=True, max_row=_MOST_ROWS)) for sheet in book.worksheets]
    except Exception as error:  # noqa: BLE001  openpyxl raises anything from KeyError to errors of lxml
        told = " ".join(str(error).split())[:80] or type(error).__name__
        raise SourceError(path, f"the workbook cannot be read ({told})", "save it as csv") from None
    rows = max(sheets, key=lambda sheet: sum(_is_data(row) for row in sheet), default=[])
    run = longest_run([_is_data(row) for row in rows], [len(row) for row in rows])
    check_run(run, path)
    chosen = rows[run]
    filled = max((place + 1 for place, cell in enumerate(chosen[0]) if cell is not None), default=0)
    before = rows[run.start - 1][:filled] if run.start else ()
    names = [str(cell) for cell in before] if before and all(isinstance(cell, str) for cell in before) else []
    x, y, radiation = choose(names, filled, path)
    return to_numbers([row[x] for row in chosen]), to_numbers([row[y] for row in chosen]), radiation


def _is_data(row: tuple[Any, ...]) -> bool:
    return len(row) >= 2 and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in row[:2])


def _lists(found: object, name: str = "") -> list[tuple[str, list[Any]]]:
    if isinstance(found, list):
        return [(name, found)] if all(isinstance(cell, int | float) for cell in found) else []
    if isinstance(found, dict):
        return [pair for key, value in found.items() for pair in _lists(value, str(key))]
    return []
