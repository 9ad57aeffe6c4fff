"""Tables as files: every kind of column in every format, and files that appear whole or not at all."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from matsift.errors import UserInputError
from matsift.exchange.columns import Column
from matsift_adapters.exporters.tables import TableFormat, TableWriter, table_file, table_format

MOMENT = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)
COLUMNS = (
    Column("name", "text", "a name; NULL = none"),
    Column("n", "integer", "count"),
    Column("k_gpa", "number", "modulus, GPa"),
    Column("is_so", "boolean"),
    Column("at", "moment"),
    Column("about", "json"),
    Column("elements", "texts"),
    Column("values", "numbers"),
)
ROWS: list[tuple[Any, ...]] = [
    ('a, "b"\nµ', 2**40, 0.1, True, MOMENT, {"b": [1, None], "a": 1.5}, ["Na", "Cl"], [0.1, -2.0]),
    (None, None, None, None, None, None, None, None),
    ("", -1, 1e-300, False, MOMENT, {}, [], []),
]


def written(path: Path, form: TableFormat, rows: list[tuple[Any, ...]]) -> Path:
    with table_file(path, COLUMNS, form) as writer:
        writer.write(rows[:1])
        writer.write([])
        writer.write(rows[1:])
    return path


def test_parquet_gives_the_same_values_and_the_comments(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path / "x.parquet", "parquet", ROWS))
    found = [tuple(row.values()) for row in table.to_pylist()]
    expected = [(*row[:5], None if row[5] is None else json.dumps(row[5], sort_keys=True), *row[6:]) for row in ROWS]
    assert found == expected
    assert table.schema.field("k_gpa").metadata == {b"comment": b"modulus, GPa"}


def test_json_lines_give_the_same_values(tmp_path: Path) -> None:
    lines = written(tmp_path / "x.jsonl", "jsonl", ROWS).read_text("utf-8").splitlines()
    found = [tuple(json.loads(line).values()) for line in lines]
    assert found == [tuple(MOMENT.isoformat() if v == MOMENT else v for v in row) for row in ROWS]


def test_csv_gives_the_same_values(tmp_path: Path) -> None:
    with written(tmp_path / "x.csv", "csv", ROWS).open(newline="", encoding="utf-8") as stream:
        header, first, empty, last = csv.reader(stream)
    assert header == [column.name for column in COLUMNS]
    assert first == [
        *('a, "b"\nµ', str(2**40), "0.1", "true", "2026-11-22T01:02:03.456789+00:00", '{"a": 1.5, "b": [1, null]}'),
        *('["Na", "Cl"]', "[0.1, -2.0]"),
    ]
    assert empty == [""] * len(COLUMNS)
    assert float(last[2]) == 1e-300


def test_a_number_that_is_none_is_null_in_json(tmp_path: Path) -> None:
    row: tuple[Any, ...] = ("x", 1, math.nan, True, MOMENT, {"a": math.inf}, [], [math.nan])
    found = json.loads(written(tmp_path / "x.jsonl", "jsonl", [row]).read_text("utf-8"))
    assert (found["k_gpa"], found["about"], found["values"]) == (None, {"a": None}, [None])


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_what_breaks_off_leaves_the_file_of_before(tmp_path: Path, form: TableFormat) -> None:
    path = tmp_path / "x"
    path.write_text("before")
    with pytest.raises(ValueError, match="other columns"), table_file(path, COLUMNS, form) as writer:
        _write_and_fail(writer)
    assert [file.name for file in tmp_path.iterdir()] == ["x"]
    assert path.read_text() == "before"


def _write_and_fail(writer: TableWriter) -> None:
    writer.write(ROWS)
    raise ValueError("other columns")


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    assert pq.read_table(written(tmp_path / "x.parquet", "parquet", [])).column_names == [c.name for c in COLUMNS]
    assert written(tmp_path / "x.csv", "csv", []).read_text("utf-8").count("\n") == 1


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="is a folder; name a file to write"):
        written(tmp_path, "csv", ROWS)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserInputError, match=r"it cannot be written .*; name another place"):
        written(tmp_path / "file" / "x.csv", "csv", ROWS)


@pytest.mark.parametrize(
    ("name", "asked", "sentence"), [("x.txt", None, "says no format"), ("x.csv", "xlsx", "cannot be written as 'xlsx'")]
)
def test_an_unknown_format_of_a_table_is_told(name: str, asked: str | None, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        table_format(Path(name), asked)
