"""Where the structure of a table's row is: in a cell, or in a file that the cell names."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from matsift.errors import BadStructureError
from matsift.records import FailureRecord, UnchangedRecord
from matsift.study.sources import TableSource
from matsift_adapters.sources.archives import walk
from matsift_adapters.sources.compressed import BrokenOffError
from matsift_adapters.sources.files import broken_off, member_job
from matsift_adapters.sources.jobs import Job
from matsift_adapters.sources.parsed import Parsed, unreadable
from matsift_adapters.sources.parsing import Member, within
from matsift_adapters.sources.pymatgen_json import from_pymatgen, structures
from matsift_adapters.sources.revisions import Revisions, revision
from matsift_adapters.sources.table_rows import Row
from matsift_adapters.sources.values import is_absent

Found = Iterable[Row | FailureRecord]


def jobs_of_cells(settings: TableSource, found: Found, revisions: Revisions) -> Iterator[Job]:
    """Yield a job a row whose structure stands in its own cell; JSON is read at once, text by the workers."""
    for row in found:
        if isinstance(row, FailureRecord):
            yield Job(row.subject, failure=row)
            continue
        place = place_of(settings, row)
        raw = row.cells.get(settings.structure.column)
        digest = _digest(settings, row, revisions)
        if unchanged := _unchanged(digest, revisions):
            yield Job(place, unchanged=unchanged)
        elif row.problem is not None or is_absent(raw):
            yield Job(place, row, ready=(_without(settings, row),), digest=digest)
        elif (file_format := _format(settings.structure.format, raw)) == "pymatgen":
            yield Job(place, row, ready=(_of_json(raw, settings.max_site),), digest=digest)
        else:
            yield Job(
                place,
                row,
                Member("cell", file_format, str(raw).encode("utf-8", "replace"), settings.max_site),
                digest=digest,
            )


def jobs_of_files(settings: TableSource, files: Path, found: Found, revisions: Revisions) -> Iterator[Job]:
    """Yield a job a row whose structure stands in a file, in the order of the files; last the rows without file."""
    waiting: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        if isinstance(row, FailureRecord):
            yield Job(row.subject, failure=row)
        elif row.problem is not None or is_absent(row.cells.get(settings.structure.column)):
            yield Job(place_of(settings, row), row, ready=(_without(settings, row),))
        else:
            waiting[settings.structure.file_name.replace("{}", str(row.cells[settings.structure.column]))].append(row)
    assert settings.structure.files is not None
    try:
        for member in walk(files, lambda name: name in waiting or PurePosixPath(name).name in waiting):
            key = member.name if member.name in waiting else PurePosixPath(member.name).name
            for row in waiting.pop(key):
                place = place_of(settings, row)
                digest = _digest(settings, row, revisions, member.problem or member.content)
                if unchanged := _unchanged(digest, revisions):
                    yield Job(place, unchanged=unchanged)
                    continue
                job = member_job(member, place, max_site=settings.max_site)
                yield Job(place, row, job.member, job.ready, digest=digest)
    except BrokenOffError as error:
        yield Job(settings.structure.files, failure=broken_off(settings.structure.files, error))
    for name, left in waiting.items():
        for row in left:
            problem = BadStructureError(f"there is no file {name!r} in {settings.structure.files}")
            yield Job(place_of(settings, row), row, ready=(unreadable(problem),))


def place_of(settings: TableSource, row: Row) -> str:
    """Return the name of a row for a person: the table, the row's number and its id."""
    stated = row.cells.get(settings.id_column) if settings.id_column else None
    return f"{settings.path}:row {row.number}" + ("" if is_absent(stated) else f" ({stated})")


def _digest(settings: TableSource, row: Row, revisions: Revisions, file_content: bytes | str = b"") -> str | None:
    """Return the mark of a row and the file that it names; None where the row has no id to be known by."""
    if settings.id_column is None or is_absent(row.cells.get(settings.id_column)):
        return None
    said = json.dumps([row.cells, row.problem], sort_keys=True, default=str).encode()
    file_hash = hashlib.sha256(file_content.encode() if isinstance(file_content, str) else file_content).digest()
    return revisions.digest(str(row.cells[settings.id_column]), said + file_hash)


def _unchanged(digest: str | None, revisions: Revisions) -> tuple[UnchangedRecord, ...]:
    ids = [] if digest is None else revisions.known_ids(digest)
    return tuple(UnchangedRecord(key, revision(str(digest), len(ids))) for key in ids)


def _without(settings: TableSource, row: Row) -> Parsed:
    return unreadable(BadStructureError(row.problem or f"the column {settings.structure.column!r} is empty"))


def _format(stated: str, raw: Any) -> str:
    if stated != "auto":
        return stated
    if isinstance(raw, dict) or str(raw).lstrip().startswith(("{", "[")):
        return "pymatgen"
    return "cif" if "_cell_length_a" in str(raw) or "data_" in str(raw) else "poscar"


def _of_json(raw: Any, max_site: int) -> Parsed:
    try:
        document = json.loads(raw) if isinstance(raw, str) else raw
        ((_, _, structure),) = structures(document, None)
        return within(Parsed("", from_pymatgen(structure)), max_site)
    except BadStructureError as error:
        return unreadable(error)
    except (ValueError, RecursionError) as error:
        return unreadable(error, f"the cell holds no structure in JSON ({error})")
