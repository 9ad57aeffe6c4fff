"""Tables as files, written chunk by chunk: CSV, Parquet, JSON Lines."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO, cast, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from matsift.exchange.columns import Column, Kind
from matsift_adapters.exporters.formats import format_of
from matsift_adapters.exporters.whole import whole_file

TableFormat = Literal["csv", "parquet", "jsonl"]

_BY_SUFFIX: dict[str, TableFormat] = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_ARROW: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "moment": pa.timestamp("us", tz="UTC"),
    "json": pa.string(),
    "texts": pa.list_(pa.string()),
    "integers": pa.list_(pa.int64()),
    "numbers": pa.list_(pa.float64()),
    "singles": pa.list_(pa.float32()),
}


class TableWriter(Protocol):
    """Takes the rows of a table."""

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Append rows, a value for each column."""


def table_format(path: Path, asked: str | None = None) -> TableFormat:
    """Return the format of a table: the one asked for, or the one that the name of the file says.

    Raises
    ------
    UserInputError
        If there is no such format, or the name says none.
    """
    known = get_args(TableFormat)
    found = format_of(path, asked, known, _BY_SUFFIX, what="a table", endings=".csv, .parquet or .jsonl")
    return cast("TableFormat", found)


@contextmanager
def table_file(path: Path, columns: Sequence[Column], form: TableFormat) -> Iterator[TableWriter]:
    """Yield what takes the rows of a table; the file appears at the end, whole or not at all.

    CSV has lists and objects as JSON and an empty field for what is unknown; JSON Lines has null for it, and for
    numbers that are none. Parquet has the comments of the columns, with their units, in its schema.
    """
    with whole_file(path) as passing:
        if form == "parquet":
            with parquet_writer(passing, columns) as writer:
                yield writer
            return
        with passing.open("x", encoding="utf-8", newline="") as stream:
            yield _CsvWriter(stream, columns) if form == "csv" else _JsonLinesWriter(stream, columns)


@contextmanager
def parquet_writer(path: Path, columns: Sequence[Column]) -> Iterator[TableWriter]:
    """Yield what takes the rows of a Parquet file; every chunk of rows is a row group of it."""
    with pq.ParquetWriter(path, arrow_schema(columns), compression="zstd") as writer:
        yield _ParquetWriter(writer, columns)


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of columns, with their comments."""
    return pa.schema(
        [
            pa.field(column.name, _ARROW[column.kind], metadata={"comment": column.comment} if column.comment else None)
            for column in columns
        ]
    )


class _ParquetWriter:
    def __init__(self, writer: Any, columns: Sequence[Column]) -> None:
        self._writer, self._columns = writer, columns

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        by_column = zip(self._columns, zip(*rows, strict=True), strict=True)
        arrays = [
            pa.array([_json(v) for v in values] if column.kind == "json" else values, _ARROW[column.kind])
            for column, values in by_column
        ]
        self._writer.write_table(pa.table(arrays, schema=self._writer.schema))


class _CsvWriter:
    def __init__(self, stream: TextIO, columns: Sequence[Column]) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow([column.name for column in columns])
        self._is_json = [column.kind == "json" for column in columns]

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        self._writer.writerows([[_cell(v, j) for v, j in zip(row, self._is_json, strict=True)] for row in rows])


class _JsonLinesWriter:
    def __init__(self, stream: TextIO, columns: Sequence[Column]) -> None:
        self._stream, self._names = stream, [column.name for column in columns]

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            line = dict(zip(self._names, map(_plain, row), strict=True))
            self._stream.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def _cell(value: Any, is_json: bool) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_json or isinstance(value, (list, dict)):
        return _json(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
