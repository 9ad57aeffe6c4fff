"""Structures and labels from a table whose columns the study names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from matsift.errors import BadLabelError
from matsift.records import EntryRecord, FailureRecord, LabelRecord, SourceItem
from matsift.study.sources import JoinedTable, TableSource
from matsift_adapters.sources.archives import content_hash
from matsift_adapters.sources.compressed import BrokenOffError
from matsift_adapters.sources.duplicates import Read, unique
from matsift_adapters.sources.files import failures_of
from matsift_adapters.sources.jobs import Done, Job, parse_all
from matsift_adapters.sources.parsed import Parsed
from matsift_adapters.sources.revisions import Revisions, revision
from matsift_adapters.sources.source import TRUNCATED, Known, Source, state_hash
from matsift_adapters.sources.table_rows import Row, rows
from matsift_adapters.sources.table_structures import jobs_of_cells, jobs_of_files
from matsift_adapters.sources.values import as_json, bad_label, from_value, is_absent


def open_table(settings: TableSource, base_dir: Path, *, n_worker: int) -> Source:
    """Return the source of a table.

    Raises
    ------
    SourceError
        If a file is missing or not readable. A column that does not exist, and a file in which nothing can be read,
        raise it when the source is iterated.
    """
    digest = state_hash(_digest(settings, base_dir), settings)
    version = settings.version or digest[:12]

    def read(known: Known) -> Iterator[SourceItem]:
        found = _joined(settings, base_dir)
        if settings.structure.files is None:
            return entries_of_cells(settings, version, found, known, n_worker=n_worker)
        jobs = jobs_of_files(settings, base_dir / settings.structure.files, found, Revisions(settings, known))
        return _entries(settings, version, jobs, n_worker)

    return Source(settings.name, settings.kind, version, settings.licence, settings.description, digest, read)


def entries_of_cells(
    settings: TableSource, version: str, found: Iterable[Row | FailureRecord], known: Known, *, n_worker: int
) -> Iterator[SourceItem]:
    """Return the entries of rows whose structures stand in their own cells; those of known revisions are not parsed."""
    return _entries(settings, version, jobs_of_cells(settings, found, Revisions(settings, known)), n_worker)


def _entries(settings: TableSource, version: str, jobs: Iterable[Job], n_worker: int) -> Iterator[SourceItem]:
    done = parse_all(jobs, n_worker=n_worker, time_limit_s=settings.time_limit_s)
    return unique(_entry(settings, version, finished) for finished in done)


def labels_of(
    settings: TableSource, cells: dict[str, Any], place: str
) -> tuple[list[LabelRecord], list[FailureRecord]]:
    """Return the labels of a row, and a failure for each label cell that holds text, NaN or an infinite number."""
    labels: list[LabelRecord] = []
    failures: list[FailureRecord] = []
    for column in settings.labels:
        raw = cells.get(column.column)
        if is_absent(raw):
            continue
        try:
            label = from_value(
                raw,
                property_name=column.property,
                unit=column.unit,
                method=column.method,
                origin=f"source:{settings.name}",
            )
        except BadLabelError as error:
            failures.append(bad_label(place, f"column {column.column}", error, "mend the cell or leave it empty"))
        else:
            labels.append(label)
    return labels, failures


def _digest(settings: TableSource, base_dir: Path) -> str:
    paths = [settings.path, *(join.path for join in settings.joins)]
    if settings.structure.files is not None:
        paths.append(settings.structure.files)
    hashes = [content_hash(base_dir / path, lambda _: True) for path in paths]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _joined(settings: TableSource, base_dir: Path) -> Iterator[Row | FailureRecord]:
    """Yield the rows with the columns of the joined tables, and a failure for each file that breaks off."""
    added: list[tuple[JoinedTable, dict[str, dict[str, Any]]]] = []
    for join in settings.joins:
        table, broken = _by_key(base_dir / join.path, join)
        added.append((join, table))
        if broken is not None:
            yield broken
    number = 0
    joined = {column for _, table in added for cells in table.values() for column in cells}
    wanted = [column for column in dict.fromkeys(_columns(settings)) if column not in joined]
    try:
        for row in rows(base_dir / settings.path, wanted=wanted, column_names=settings.column_names):
            number = row.number
            cells = dict(row.cells)
            for join, table in added:
                cells = {**table.get(str(cells.get(join.left)), {}), **cells}
            yield Row(row.number, cells, row.problem)
    except BrokenOffError as error:
        yield broken_off(settings.path, number, error)


def _by_key(path: Path, join: JoinedTable) -> tuple[dict[str, dict[str, Any]], FailureRecord | None]:
    table: dict[str, dict[str, Any]] = {}
    try:
        for row in rows(path, wanted=(join.right,), column_names=join.column_names):
            table.setdefault(str(row.cells.get(join.right)), row.cells)
    except BrokenOffError as error:
        return table, broken_off(join.path, len(table), error)
    return table, None


def _columns(settings: TableSource) -> Iterator[str]:
    if settings.id_column:
        yield settings.id_column
    yield settings.structure.column
    yield from (label.column for label in settings.labels)
    yield from settings.payload
    yield from (join.left for join in settings.joins)


def broken_off(path: str, number: int, error: BrokenOffError) -> FailureRecord:
    """Return the failure that stands for all rows behind the break of a file."""
    message = f"{path}: the table breaks off after row {number} ({error}), what stands before is kept; fetch it again"
    return FailureRecord("parse", path, TRUNCATED, message)


def _entry(settings: TableSource, version: str, finished: Done) -> Read:
    place = finished.job.place
    if finished.job.failure is not None:
        return place, finished.job.failure
    if finished.job.unchanged:
        return place, finished.job.unchanged[0]
    row: Row = finished.job.context
    parsed = _only(finished.parsed)
    external_id = f"row-{row.number}" if settings.id_column is None else row.cells.get(settings.id_column)
    if is_absent(external_id):
        problem = row.problem or f"the id column {settings.id_column!r} is empty"
        message = f"{place}: {problem}; mend the row and give it an id"
        return place, FailureRecord("parse", place, "MissingIdError", message)
    labels, failures = labels_of(settings, row.cells, place) if parsed.crystal else ([], [])
    return place, EntryRecord(
        str(external_id),
        parsed.crystal,
        version,
        settings.licence,
        url=None if settings.url is None else settings.url.replace("{}", str(external_id)),
        payload={**{name: as_json(row.cells.get(name)) for name in settings.payload}, **parsed.info},
        labels=tuple(labels),
        failures=(*failures_of(parsed, place, finished.seconds, "mend the row or take it out of the table"), *failures),
        holds=parsed.holds,
        facts=parsed.facts,
        revision=None if finished.job.digest is None else revision(finished.job.digest, 1),
    )


def _only(parsed: tuple[Parsed, ...]) -> Parsed:
    if len(parsed) == 1:
        return parsed[0]
    return Parsed(error_class="BadStructureError", message=f"one structure was looked for and {len(parsed)} were found")
