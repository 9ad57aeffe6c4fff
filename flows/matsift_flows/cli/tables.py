"""Lines for the terminal: below a title, and in tables that leave out columns and cut texts where it is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from matsift_flows.cli.look import Role, painted

_GAP = "  "
_CUT = "…"
_SHORTEST = 8

#: The text of a cell, or the text and the role that gives it a colour.
Cell = str | tuple[str, Role]
Row = Sequence[Cell]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Where the terminal is too narrow, those with the largest `can_wait` are left out first (0: never), and then the
    texts of those that `can_shrink` are cut.
    """

    header: str
    is_numeric: bool = False
    can_wait: int = 0
    can_shrink: bool = False


def table_lines(columns: Sequence[Column], rows: Sequence[Row], width: int | None, indent: str = "  ") -> list[str]:
    """Return a table as lines: heads, rows; no line is longer than `width`, unless that leaves no column.

    Parameters
    ----------
    columns, rows
        What to show; each row has a cell a column.
    width
        Columns of the terminal; None for a file, where rows stay whole.
    indent
        What each line begins with.
    """
    kept = [i for i, _ in enumerate(columns)]
    widths = [max(len(column.header), *(len(_text(row[i])) for row in rows), 0) for i, column in enumerate(columns)]
    if width is not None:
        room = width - len(indent)
        while _total(widths, kept) > room and (can_go := [i for i in kept if columns[i].can_wait]):
            kept.remove(max(can_go, key=lambda i: (columns[i].can_wait, i)))
        _shrink(widths, [i for i in kept if columns[i].can_shrink], _total(widths, kept) - room)
    heads: Row = [(column.header, Role.ASIDE) for column in columns]
    return [
        indent + _GAP.join(_padded(row[i], widths[i], is_numeric=columns[i].is_numeric) for i in kept).rstrip()
        for row in (heads, *rows)
    ]


def print_titled(lines: Sequence[str]) -> None:
    """Print lines to stdout, the first as a heading."""
    title, *others = lines
    typer.echo(painted(title, Role.HEADING))
    for line in others:
        typer.echo(line.rstrip())


def _total(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[i] for i in kept) + len(_GAP) * (len(kept) - 1)


def _shrink(widths: list[int], which: Sequence[int], surplus: int) -> None:
    """Take columns away from the widest texts, one by one, until the surplus is gone."""
    for _ in range(surplus):
        widest = max(which, key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= _SHORTEST:
            return
        widths[widest] -= 1


def _padded(cell: Cell, width: int, *, is_numeric: bool) -> str:
    text = _text(cell)
    text = text if len(text) <= width else text[: width - 1] + _CUT
    text = text.rjust(width) if is_numeric else text.ljust(width)
    return text if isinstance(cell, str) else painted(text, cell[1])


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]
