"""Writes the output below each query of docs/sql.md: ``python -m matsift_schema.document_queries URL [FILE]``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from matsift.sentences import brief
from matsift_schema.engine import make_engine

_BLOCK = re.compile(r"```sql\n(?P<query>.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)
_MOST_ROWS = 6
_WIDEST_CELL = 44


def with_outputs(page: str, connection: Connection) -> str:
    """Return the page with the first rows of each query below it, in place of what stood there."""

    def answered(block: re.Match[str]) -> str:
        return f"```sql\n{block['query']}```\n\n```text\n{_output(connection, block['query'])}\n```\n"

    return _BLOCK.sub(answered, page)


def _output(connection: Connection, query: str) -> str:
    result = connection.exec_driver_sql(query.replace("%", "%%"))
    names = list(result.keys())
    rows = result.all()
    shown = [[_cell(value) for value in row] for row in rows[:_MOST_ROWS]]
    widths = [max(len(line[i]) for line in [names, *shown]) for i in range(len(names))]
    lines = [_line(names, widths), "-+-".join("-" * width for width in widths)]
    lines += [_line(row, widths) for row in shown]
    if len(rows) > len(shown):
        lines.append(f"... {len(rows)} rows")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    written = "" if value is None else str(value)
    return brief(written, _WIDEST_CELL)


def main(arguments: list[str]) -> None:
    """Rewrite the page, docs/sql.md unless told, with the answers of the database at the address."""
    url, path = arguments[0], Path(arguments[1] if len(arguments) > 1 else "docs/sql.md")
    engine = make_engine(url)
    with engine.connect() as connection:
        page = with_outputs(path.read_text(encoding="utf-8"), connection)
    engine.dispose()
    path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
