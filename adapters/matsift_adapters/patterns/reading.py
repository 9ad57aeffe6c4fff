"""A measured pattern from a file, whatever the format."""

from __future__ import annotations

from pathlib import Path

from matsift.diffraction.measured import MeasuredPattern


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
    raise NotImplementedError
