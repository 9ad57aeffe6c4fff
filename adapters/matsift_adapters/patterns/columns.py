"""Which columns of a table are angle and intensity, by their names and by what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.errors import SourceError
from matsift_adapters.patterns.checks import LEAST_POINTS

_COPPER = re.compile(r"(2|two)[-_ ]*(theta|th|θ).*cu[-_ ]*k", re.IGNORECASE)
_ANGLE = re.compile(r"^\W*((2|two)[-_ ]*(theta|th|θ)|tth|ttheta|angle|pos)", re.IGNORECASE)
_INTENSITY = re.compile(r"^\W*(i\b|int|count|cps|yobs|y_?obs|iobs|i_?obs|y\b|signal|detector)", re.IGNORECASE)
_OTHER_AXIS = re.compile(
    r"^\W*(q\b|q[-_ (]|qvalue|d\b|d[-_ (]|dspac|energy|channel|tof|time|s\b|theta\b|omega)", re.IGNORECASE
)

#: Name of the radiation that the second item of `choose` may name.
COPPER = "CuKa1"


def choose(names: Sequence[str], n_column: int, path: str) -> tuple[int, int, str | None]:
    """Return the columns of angle and intensity, and the radiation that the angle's name tells ("CuKa1") or None.

    Parameters
    ----------
    names
        Names of the columns, empty where the table has none.
    n_column
        How many columns there are.
    path
        For the sentence.

    Raises
    ------
    SourceError
        If there is one column only, or the axis is named and is no 2theta.
    """
    if n_column < 2:
        raise SourceError(path, "it holds one column of numbers", "give 2theta in degrees and the intensity beside it")
    if len(names) != n_column:
        return 0, 1, None
    copper = [place for place, name in enumerate(names) if _COPPER.search(name)]
    angle = copper or [place for place, name in enumerate(names) if _ANGLE.search(name)]
    if not angle and _OTHER_AXIS.search(names[0]):
        raise SourceError(
            path, f"its axis is {names[0].strip()!r}", "convert it to 2theta in degrees, or name it 2theta"
        )
    x = angle[0] if angle else 0
    counted = [place for place, name in enumerate(names) if place != x and _INTENSITY.search(name)]
    y = counted[0] if counted else (x + 1 if x + 1 < n_column else 0)
    return x, y, COPPER if copper else None


def to_numbers(cells: Sequence[object]) -> NDArray[np.float64]:
    """Return the numbers of a column, NaN where a cell holds none."""
    return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: object) -> float:
    if isinstance(cell, bool) or cell is None:
        return np.nan
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return np.nan


def longest_run(is_data: Sequence[bool], widths: Sequence[int]) -> slice:
    """Return the longest run of rows that hold data in the same number of columns."""
    best, first = slice(0, 0), 0
    for row in range(len(is_data) + 1):
        inside = row < len(is_data) and is_data[row]
        if inside and (row == first or widths[row] == widths[first]):
            continue
        if row - first > best.stop - best.start:
            best = slice(first, row)
        first = row if inside else row + 1
    return best


def check_run(run: slice, path: str) -> None:
    """Raise SourceError if a run of rows is too short to be a pattern."""
    length = run.stop - run.start
    if length < LEAST_POINTS:
        told = "it holds no table of numbers" if length == 0 else f"its longest table of numbers has {length} rows"
        raise SourceError(path, told, "give two columns, 2theta in degrees and the intensity")
