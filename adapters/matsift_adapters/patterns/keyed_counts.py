"""Patterns in text that names first angle and step and then lists the counts: Rigaku's (dat, asc), Philips' UDF."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from matsift_adapters.patterns.stated import number

_FIRST = re.compile(r"^(?:\*START\s*=|DataAngleRange\s*,)\s*([0-9.]+)", re.MULTILINE)
_STEP = re.compile(r"^(?:\*STEP\s*=|ScanStepSize\s*,)\s*([0-9.]+)", re.MULTILINE)
_BEGIN = re.compile(r"^(?:\*COUNT\s*=[^\n]*|RawScan[^\n]*)$", re.MULTILINE)
_END = re.compile(r"^\*|/", re.MULTILINE)

Read = tuple[NDArray[np.float64], NDArray[np.float64]]


def read_keyed(text: str) -> list[Read]:
    """Return angles and counts of each range of such a text; none if it is of another kind."""
    ranges = []
    for begin in _BEGIN.finditer(text):
        first, step = _last(_FIRST, text, begin.start()), _last(_STEP, text, begin.start())
        end = _END.search(text, begin.end())
        body = text[begin.end() : end.start() if end else len(text)]
        if first is None or not step:
            continue
        try:
            counts = np.array(body.replace(",", " ").split(), dtype=np.float64)
        except ValueError:
            continue
        if len(counts):
            ranges.append((first + step * np.arange(len(counts), dtype=np.float64), counts))
    return ranges


def _last(pattern: re.Pattern[str], text: str, before: int) -> float | None:
    found = pattern.findall(text, 0, before)
    return number(found[-1]) if found else None
