"""Rows of text under one another: columns as wide as their widest cell."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = "  "


def aligned(rows: Sequence[Sequence[str]], are_numeric: Sequence[bool], *, ruled: bool = False) -> list[str]:
    """Return rows as lines of one length, numbers to the right.

    Parameters
    ----------
    rows
        The heads first; each has a cell a column.
    are_numeric
        Whether each column holds numbers.
    ruled
        Whether a line stands below the heads.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    heads, *others = rows
    rule = [["─" * width for width in widths]] if ruled else []
    return [
        _GAP.join(
            cell.rjust(width) if is_numeric else cell.ljust(width)
            for cell, width, is_numeric in zip(line, widths, are_numeric, strict=True)
        )
        for line in (heads, *rule, *others)
    ]
