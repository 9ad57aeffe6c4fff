"""Forms that came back: values with their units checked, each oddity in one sentence, everything else taken."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matsift.errors import BadLabelError, OracleError, SourceError
from matsift.study.handoff import ManualOracle
from matsift.unit_conversion import known_units
from matsift.units import PROPERTIES, property_definition
from matsift_adapters.oracles.manual import COMMON_COLUMNS, FAILED_COLUMN, FORM, ID_COLUMN, delimiter_of, short_id
from matsift_adapters.oracles.returned import Failed, Finished, Returned, Running
from matsift_adapters.sources.values import from_value

_HEADING = re.compile(r"^(?P<name>[^()\[\]]+?)\s*(?:[(\[]\s*(?P<unit>.+?)\s*[)\]])?$")
_DECIMAL_COMMA = re.compile(r"^(-?\d+),(\d+)$")
_ID = re.compile(rf"^(?:{short_id('')})?(?P<digits>[0-9a-f]{{12,64}})(?:-(?P<attempt>\d{{1,4}}))?$")


@dataclass(frozen=True)
class TableRow:
    """What a row of a table says of an attempt at a structure, and in which line it stands."""

    line: int
    structure_hash: str
    attempt: int
    returned: Finished | Failed


@dataclass(frozen=True)
class ReturnedTable:
    """A table read: rows that say something, one sentence for each oddity, and how many rows are still empty."""

    rows: tuple[TableRow, ...]
    complaints: tuple[str, ...]
    n_open: int


@dataclass(frozen=True)
class _ValueColumn:
    heading: str
    property: str
    unit: str


@dataclass(frozen=True)
class _Sheet:
    headings: list[str]
    columns: list[_ValueColumn]
    lines: list[tuple[int, list[str]]]


def read_table(
    settings: ManualOracle, path: Path, known: Iterable[str], wanted: Iterable[str] | None = None
) -> ReturnedTable:
    """Return what a table says of structures that were handed out.

    A row counts once it holds all values that are wanted, or the reason why one cannot be had; before, it is open.

    Parameters
    ----------
    known
        Content hashes of the structures that were handed out.
    wanted
        Properties that a row must have; all of the oracle's by default.

    Raises
    ------
    SourceError
        If the file is missing or no table, or a column has no unit, a strange one, or is no property of this oracle.
    """
    sheet = _sheet(settings, path)
    hashes, needed = sorted(set(known)), tuple(wanted or settings.properties)
    rows: dict[tuple[str, int], TableRow] = {}
    complaints: list[str] = []
    n_open = 0
    for line, cells in sheet.lines:
        row, place = dict(zip(sheet.headings, cells, strict=False)), f"{path.name}, line {line}"
        meant = _found(hashes, row.get(ID_COLUMN, ""))
        if meant is None or len(cells) > len(sheet.headings):
            complaints.append(f"{place}: {_misfit(sheet, row, cells)}")
            continue
        returned, oddities = _returned(settings, sheet, row, place, needed)
        complaints += oddities
        if returned is None:
            n_open += 1
        elif meant not in rows:
            rows[meant] = TableRow(line, *meant, returned)
        elif rows[meant].returned != returned:
            first = rows[meant].line
            complaints.append(f"{place}: line {first} says otherwise about the same structure, and counts; keep one")
    return ReturnedTable(tuple(rows.values()), tuple(complaints), n_open)


def read(settings: ManualOracle, folder: Path, card: Mapping[str, Any]) -> Returned:
    """Return what the form of a folder says.

    Raises
    ------
    OracleError
        If the form has a slip: the structure has not failed for it.
    SourceError
        If it is no form.
    """
    path = folder / FORM
    if not path.is_file():
        return Running(f"{FORM} is not in the folder")
    table = read_table(settings, path, [str(card["handed_out"].get("structure_hash", ""))], card.get("properties"))
    if table.complaints:
        raise OracleError(f"{folder.name}/{table.complaints[0]}")
    return table.rows[0].returned if table.rows else Running(f"{FORM} is not filled in yet")


def _sheet(settings: ManualOracle, path: Path) -> _Sheet:
    lines = _text(path).splitlines()
    if not lines:
        raise SourceError(str(path), "the table is empty", "write the heading of the form and the rows")
    delimiter = delimiter_of(lines[0])
    table = csv.reader(lines, delimiter=delimiter)
    try:
        (_, headings), *rows = [(table.line_num, [cell.strip() for cell in row]) for row in table]
    except csv.Error as error:  # a cell of more than 131,072 characters, or a line end within one
        raise SourceError(
            str(path), f"line {table.line_num} cannot be read ({error})", "start from the form that was handed out"
        ) from None
    if ID_COLUMN not in headings:
        raise SourceError(str(path), f"there is no column {ID_COLUMN!r}", "start from the form that was handed out")
    columns = [column for heading in headings if (column := _value_column(settings, path, heading)) is not None]
    if twice := [name for name, number in Counter(column.property for column in columns).items() if number > 1]:
        raise SourceError(str(path), f"two columns hold {twice[0]}", "keep one")
    if not columns and FAILED_COLUMN not in headings:
        wanted = ", ".join(f"{name} ({settings.unit(name)})" for name in settings.properties)
        raise SourceError(str(path), "there is no column with values", f"name one as {wanted}")
    if delimiter != ",":
        rows = [(line, [_DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in row]) for line, row in rows]
    return _Sheet(headings, columns, [(line, row) for line, row in rows if any(row)])


def _misfit(sheet: _Sheet, row: Mapping[str, str], cells: list[str]) -> str:
    """Return why a row belongs to no structure."""
    if len(cells) > len(sheet.headings):
        return f"the row has {len(cells)} cells under {len(sheet.headings)} headings; write a decimal point, no comma"
    said = row.get(ID_COLUMN, "")
    return f"there is no structure {said!r:.60} among those handed out; copy the column {ID_COLUMN!r} from the form"


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(str(path), error.strerror or str(error), "name the table that came back") from None
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SourceError(str(path), "it is no text", "save the table as CSV")


def _value_column(settings: ManualOracle, path: Path, heading: str) -> _ValueColumn | None:
    """Return the column of a property, None for one that holds no values.

    Raises
    ------
    SourceError
        If its unit is missing or strange, or it is none of this oracle's properties.
    """
    match = _HEADING.match(heading)
    name, unit = (match["name"], match["unit"]) if match else (heading, None)
    if name in COMMON_COLUMNS or (unit is None and name not in PROPERTIES):
        return None
    wanted = ", ".join(settings.properties)
    if name not in settings.properties:
        raise SourceError(str(path), f"the column {heading!r:.60} is none of this oracle's properties", f"use {wanted}")
    target = property_definition(name).unit
    if unit is None:
        raise SourceError(str(path), f"the column {name!r} names no unit", f"write for example {name} ({target})")
    if unit not in known_units(target):
        units = ", ".join(known_units(target))
        raise SourceError(str(path), f"{name} cannot be converted from {unit!r:.60}", f"use one of {units}")
    return _ValueColumn(heading, name, unit)


def _found(hashes: Iterable[str], said: str) -> tuple[str, int] | None:
    """Return the hash and attempt that a cell means: the id of the form, the hash itself, or a beginning of either."""
    match = _ID.match(said.strip().lower())
    matches = [found for found in hashes if match and found.startswith(match["digits"])]
    return (matches[0], int(match["attempt"] or 1)) if match and len(matches) == 1 else None


def _returned(
    settings: ManualOracle, sheet: _Sheet, row: Mapping[str, str], place: str, needed: tuple[str, ...]
) -> tuple[Finished | Failed | None, list[str]]:
    """Return what a row says, None if it is open, and one sentence for each cell that is to be mended."""
    values: dict[str, float] = {}
    oddities: list[str] = []
    for column in sheet.columns:
        if not (cell := row.get(column.heading, "")):
            continue
        try:
            values[column.property] = _value(settings, column, cell)
        except BadLabelError as error:
            oddities.append(f"{place}, {column.heading}: {error}; mend the cell or leave it empty")
    reason, note = " ".join(row.get(FAILED_COLUMN, "").split()), row.get("note", "")
    told = {name: text for name, text in ((FAILED_COLUMN, reason), ("note", note)) if text}
    lacking = [name for name in needed if name not in values]
    if oddities:
        return None, oddities
    if reason and not values:
        return Failed("GivenUpError", f"the operator gave up: {reason:.1000}"), []
    if lacking and not reason:
        said = f"{place}: {', '.join(lacking)} is still empty; fill it in, or write into {FAILED_COLUMN!r} why not"
        return None, [said] if values else []
    return Finished(values, told), []


def _value(settings: ManualOracle, column: _ValueColumn, cell: str) -> float:
    label = from_value(cell, property_name=column.property, unit=column.unit, method=settings.method, origin="manual")
    definition = property_definition(column.property)
    low, high = definition.lower_bound, definition.upper_bound
    if (low is not None and label.value < low) or (high is not None and label.value > high):
        bounds = f"{low:g} to {high:g}" if low is not None and high is not None else f"{low} to {high}"
        raise BadLabelError(f"{label.value:g} {definition.unit} lies outside {bounds}")
    return label.value
