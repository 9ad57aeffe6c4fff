"""The rows of a CSV, JSON or JSON-lines table, each as a mapping of column to raw value."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from matsift.errors import SourceError
from matsift.suggestions import meant
from matsift_adapters.sources.compressed import BrokenOffError, check_readable, lines, plain_name, text
from matsift_adapters.sources.json_salvage import loads_salvaged

_LONGEST_CELL = 64 * 1024 * 1024
#: So many rows are looked at before a column counts as absent.
_PROBED_ROWS = 1000
_FORMATS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Row:
    """One row: its number, from 1, and its cells; or its number and what is wrong with it as a whole."""

    number: int
    cells: dict[str, Any]
    problem: str | None = None


def rows(path: Path, *, wanted: Collection[str], column_names: Sequence[str] | None = None) -> Iterator[Row]:
    """Return the rows of a table, drawn lazily where the format allows it.

    A CSV cell is text; the text ``NaN`` stays what it is, sodium nitride among others. JSON may be a list of records,
    pandas' ``split``, ``columns`` and ``index`` layouts, or one of these under a single key.

    Parameters
    ----------
    path
        .csv, .tsv, .json, .jsonl or .ndjson, also .gz, .bz2, .xz.
    wanted
        Columns that must exist.
    column_names
        Names of the columns of a CSV without header.

    Raises
    ------
    SourceError
        If the file cannot be read, has no rows, or lacks a wanted column.
    BrokenOffError
        While the rows are drawn: after the last whole row of a truncated or damaged file.
    """
    check_readable(path)
    ending = PurePath(plain_name(path.name)).suffix.lower()
    if ending not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise SourceError(
            str(path), f"a table does not end in {ending or 'nothing'!r}", f"give {known}, also compressed"
        )
    if ending in (".csv", ".tsv"):
        found = _csv(path, "\t" if ending == ".tsv" else ",", column_names)
    elif ending == ".json":
        found = _json(path, wanted)
    else:
        found = _json_lines(path)
    return _probed(path, found, wanted)


def _probed(path: Path, found: Iterator[Row], wanted: Collection[str]) -> Iterator[Row]:
    first: list[Row] = []
    broken: BrokenOffError | None = None
    try:
        for row in found:
            first.append(row)  # a row already drawn stays where the next one breaks off
            if len(first) == _PROBED_ROWS:
                break
    except BrokenOffError as error:
        broken = error
    columns = {column for row in first for column in row.cells}
    if not columns:
        problem = f"nothing can be read ({broken})" if broken else "it has no rows"
        raise SourceError(str(path), problem, "fetch or write the file again")
    if absent := [column for column in wanted if column not in columns]:
        has = ", ".join(sorted(map(str, columns))[:40])
        problem = f"it has no column {absent[0]!r}{meant(absent[0], map(str, columns))}"
        raise SourceError(str(path), problem, f"name one of its columns in the study: {has}")
    return _chained(first, broken, found)


def _chained(first: list[Row], broken: BrokenOffError | None, found: Iterator[Row]) -> Iterator[Row]:
    yield from first
    if broken is not None:
        raise broken
    yield from found


def _csv(path: Path, delimiter: str, column_names: Sequence[str] | None) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(lines(path), delimiter=delimiter)
    try:
        names = list(column_names) if column_names else [name.strip() for name in next(reader, [])]
        full = (cells for cells in reader if any(cell.strip() for cell in cells))
        for number, cells in enumerate(full, start=1):
            problem = None
            if len(cells) != len(names):
                problem = f"it has {len(cells)} fields where the header has {len(names)}"
            yield Row(number, dict(zip(names, cells, strict=False)), problem)
    except csv.Error as error:
        raise BrokenOffError(f"line {reader.line_num}: {error}") from error


def _json_lines(path: Path) -> Iterator[Row]:
    number = 0
    for line in lines(path):
        if not line.strip():
            continue
        number += 1
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Row(number, {}, f"it is not valid JSON ({error})")
            continue
        if isinstance(record, dict):
            yield Row(number, record)
        else:
            yield Row(number, {}, "it is not a JSON object")


def _json(path: Path, wanted: Collection[str]) -> Iterator[Row]:
    content, damage = text(path)
    try:
        document, broken = loads_salvaged(content)
    except RecursionError:
        raise SourceError(str(path), "its JSON is nested too deeply", "write the table again") from None
    records = _records(document, wanted)
    for number, record in enumerate(records, start=1):
        if isinstance(record, dict):
            yield Row(number, record)
        else:
            yield Row(number, {}, "it is not a JSON object")
    if broken or damage:
        raise BrokenOffError(damage or broken)


def _records(document: Any, wanted: Collection[str]) -> Iterable[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return []
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        return _of_split(document)
    if any(column in document for column in wanted):
        return _of_columns({name: cells for name, cells in document.items() if isinstance(cells, (dict, list))})
    values = list(document.values())
    lists = [value for value in values if isinstance(value, list) and value and isinstance(value[0], dict)]
    if len(lists) == 1:
        return list(lists[0])
    return [{"index": key, **record} for key, record in document.items() if isinstance(record, dict)]


def _of_split(document: dict[str, Any]) -> Iterator[Any]:
    data = document["data"]
    index = document.get("index")
    if not isinstance(index, list) or len(index) < len(data):
        index = range(len(data))
    names = [name if isinstance(name, str) else json.dumps(name) for name in document["columns"]]
    for key, cells in zip(index, data, strict=False):  # where the file broke off, more keys stand than rows
        yield {"index": key, **dict(zip(names, cells, strict=False))} if isinstance(cells, list) else cells


def _of_columns(columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    keyed = {
        name: cells if isinstance(cells, dict) else {str(i): cell for i, cell in enumerate(cells)}
        for name, cells in columns.items()
    }
    for key in dict.fromkeys(key for cells in keyed.values() for key in cells):
        yield {"index": key, **{name: cells[key] for name, cells in keyed.items() if key in cells}}
