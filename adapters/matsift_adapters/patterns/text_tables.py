"""Patterns in text: columns with any delimiter, decimal commas and headers, or a first angle, a step and counts."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from matsift.errors import SourceError
from matsift_adapters.patterns.checks import LEAST_POINTS
from matsift_adapters.patterns.columns import check_run, choose, longest_run, to_numbers

#: Delimiter (None is any blank) and decimal mark, in the order in which they are preferred.
_WAYS = ((None, "."), (",", "."), (";", "."), ("\t", "."), (";", ","), ("\t", ","), (None, ","))
_NUMBER = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d+)?$|^nan$|^[+-]?inf$", re.IGNORECASE)
_TRIED_LINES = 400
_COMMENT = re.compile(r"^\s*([#!;%*'/]|\"[^\"]*$)")

#: Lines of a file of counts among which the first angle, the step and the last angle stand.
_HEAD_LINES = 12

Columns = tuple[NDArray[np.float64], NDArray[np.float64], str | None]


def read_table(text: str, path: str) -> Columns:
    """Return angles, intensities and the radiation that a column's name tells, of the longest table in a text.

    Raises
    ------
    SourceError
        If the text holds no table of two columns of numbers.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter, mark = max(_WAYS, key=lambda way: (_fitting(lines, *way), -_WAYS.index(way)))
    rows = [_cells(line, delimiter, mark) for line in lines]
    is_data = [len(row) >= 2 and _is_number(row[0]) and _is_number(row[1]) for row in rows]
    if sum(is_data) < LEAST_POINTS and _one_column(lines):
        choose((), 1, path)
    widths = [len(row) for row in rows]
    run = longest_run(is_data, widths)
    check_run(run, path)
    x, y, radiation = choose(_names(lines, rows, run, delimiter), widths[run.start], path)
    chosen = rows[run]
    return to_numbers([row[x] for row in chosen]), to_numbers([row[y] for row in chosen]), radiation


def read_counts(text: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return angles and counts of a text that gives first angle, step and last angle, then the counts row by row.

    None if the text is not of this kind. RIET7, DBWS and many Rietveld programs write it.
    """
    lines = text.splitlines()
    for place, line in enumerate(lines[:_HEAD_LINES]):
        head = to_numbers([cell for cell in line.split()[:3] if _is_number(cell)]).tolist()
        if len(head) < 3 or not all(map(math.isfinite, head)):
            continue
        for first, step, last in ((head[0], head[1], head[2]), (head[0], head[2], head[1])):
            n_point = (last - first) / step + 1 if step > 0 else 0.0
            if not LEAST_POINTS <= n_point < 1e6 or not 0 <= first < last <= 180:
                continue
            counts = _all_numbers(lines[place + 1 :])
            if counts is not None and abs(len(counts) - n_point) < max(12.0, 0.01 * n_point):
                counts = counts[: round(n_point)]
                return first + step * np.arange(len(counts), dtype=np.float64), counts
    return None


def _fitting(lines: list[str], delimiter: str | None, mark: str) -> int:
    tried = lines[len(lines) // 2 : len(lines) // 2 + _TRIED_LINES]
    rows = (_cells(line, delimiter, mark) for line in tried)
    return sum(len(row) >= 2 and _is_number(row[0]) and _is_number(row[1]) for row in rows)


def _cells(line: str, delimiter: str | None, mark: str) -> list[str]:
    if _COMMENT.match(line):
        return []
    cells = [cell.strip().strip("\"'") for cell in line.strip().split(delimiter)]
    if delimiter is not None and cells and not cells[-1]:
        cells.pop()
    return [cell.replace(",", ".") for cell in cells] if mark == "," else cells


def _names(lines: list[str], rows: list[list[str]], run: slice, delimiter: str | None) -> list[str]:
    """Return the names over a table: the cells of the line before it, comment or not, if they are as many."""
    if run.start == 0:
        return []
    before = re.sub(r"^\s*[#!;%*'/]+\s*", "", lines[run.start - 1])
    names = [cell.strip().strip("\"'") for cell in before.strip().split(delimiter)]
    return names if len(names) == len(rows[run.start]) else []


def _one_column(lines: list[str]) -> bool:
    return sum(_is_number(line.strip()) for line in lines) > len(lines) // 2


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.match(cell))


def _all_numbers(lines: list[str]) -> NDArray[np.float64] | None:
    cells = " ".join(lines).split()
    while cells and not _is_number(cells[-1]):
        cells.pop()
    if len(cells) < LEAST_POINTS or not all(_is_number(cell) for cell in cells):
        return None
    return to_numbers(cells)


def decoded(content: bytes, path: str) -> str:
    """Return the text of a file: UTF-8, UTF-16 or Latin-1.

    Raises
    ------
    SourceError
        If it is no text.
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    strange = sum(ord(letter) < 32 and letter not in "\t\r\n\x0c\x1a" for letter in text[:4096])
    if strange > 0.02 * min(len(text), 4096):
        raise SourceError(
            path, "it is neither text nor a format that is known", "export the pattern as two columns (xy)"
        )
    return text
