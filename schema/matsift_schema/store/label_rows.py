"""Rows of labels: those of new structures go straight into the table, others are compared with what is there."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import FailureRecord, LabelRecord
from matsift_schema.store.copying import incoming
from matsift_schema.store.failures import write_failures
from matsift_schema.store.packing import float8_field, frequent_text_field, int8_field, microseconds, storable

#: A label with the content hash of its structure and its source entry.
Stated = tuple[str, LabelRecord, int | None]

NOTHING_NEW: Mapping[str, int] = MappingProxyType({})

#: Columns of `packed_labels`.
COLUMNS = (
    *("structure_id", "property_id", "value", "run_id", "created_at"),
    *("method", "origin", "uncertainty", "source_entry_id"),
)
_NUMBERS = struct.Struct(">hiqiqidiqiq")  # the number of fields, then length and value of the first five
_LABEL_COLUMNS = {
    "position": "int4",
    "structure_hash": "text",
    "property_id": "int8",
    "method": "text",
    "origin": "text",
    "value": "float8",
    "uncertainty": "float8",
    "source_entry_id": "int8",
}
# The newest revision of the key decides: none is there -> revision 1; it has another value and came from an earlier
# state of the same entry -> the next revision; it has another value and came from elsewhere -> a conflict.
_CLASSIFIED = """
    WITH first AS (
        SELECT DISTINCT ON (structure_hash, property_id, method, origin) *
        FROM incoming ORDER BY structure_hash, property_id, method, origin, position
    ), classified AS (
        SELECT i.*, s.id AS structure_id, coalesce(l.revision, 0) AS revision, l.value AS known_value,
               l.value IS DISTINCT FROM i.value AS differs,
               l.id IS NULL OR (mine.source_id, mine.external_id) = (theirs.source_id, theirs.external_id) AS may_follow
        FROM {origin} i
        JOIN matsift.structure s ON s.content_hash = i.structure_hash
        LEFT JOIN LATERAL (
            SELECT * FROM matsift.label l
            WHERE (l.structure_id, l.property_id, l.method, l.origin) = (s.id, i.property_id, i.method, i.origin)
            ORDER BY l.revision DESC LIMIT 1
        ) l ON true
        LEFT JOIN matsift.source_entry mine ON mine.id = i.source_entry_id
        LEFT JOIN matsift.source_entry theirs ON theirs.id = l.source_entry_id
    )
"""
_INSERT = text(
    _CLASSIFIED.format(origin="first")  # noqa: S608  constants of this module
    + """
    INSERT INTO matsift.label (structure_id, property_id, method, origin, revision, value, uncertainty, source_entry_id,
                               run_id)
    SELECT structure_id, property_id, method, origin, revision + 1, value, uncertainty, source_entry_id, :run_id
    FROM classified WHERE differs AND coalesce(may_follow, false)
    ORDER BY structure_hash, property_id, method, origin
    ON CONFLICT (structure_id, property_id, method, origin, revision) DO NOTHING
    RETURNING id
    """
)
_CONFLICTS = text(
    _CLASSIFIED.format(origin="incoming")  # noqa: S608  constants of this module
    + """
    SELECT structure_hash, property_id, method, origin, value, known_value, source_entry_id
    FROM classified WHERE differs AND source_entry_id IS NOT NULL ORDER BY position
    """
)


@dataclass(frozen=True)
class LabelCounts:
    """How many labels are new, and how many contradict one that is there."""

    inserted: int
    conflicts: int


def first_and_others(
    labels: Sequence[Stated], ids: Mapping[str, int], new: Mapping[str, int]
) -> tuple[list[Stated], list[Stated]]:
    """Return the labels of new structures that nothing else among the labels speaks of, and the others."""
    keys = [(key, ids[x.property_name], storable(x.method), storable(x.origin)) for key, x, _ in labels]
    met = Counter(keys)
    is_first = [key[0] in new and met[key] == 1 for key in keys]
    return (
        [label for label, alone in zip(labels, is_first, strict=True) if alone],
        [label for label, alone in zip(labels, is_first, strict=True) if not alone],
    )


def compare(session: Session, run_id: int, labels: Sequence[Stated], ids: Mapping[str, int]) -> LabelCounts:
    """Write labels of structures that others may describe already."""
    rows = (
        (i, key, ids[x.property_name], x.method, x.origin, float(x.value), x.uncertainty, entry)
        for i, (key, x, entry) in enumerate(labels)
    )
    with incoming(session, _LABEL_COLUMNS, rows):
        inserted = len(session.execute(_INSERT, {"run_id": run_id}).all())
        conflicts = session.execute(_CONFLICTS).all()
    names = {key: name for name, key in ids.items()}
    failures = [_conflict(names[row.property_id], row) for row in conflicts]
    write_failures(session, run_id, failures, entry_ids=[row.source_entry_id for row in conflicts])
    return LabelCounts(inserted, len(conflicts))


def packed_labels(
    labels: Sequence[Stated], ids: Mapping[str, int], new: Mapping[str, int], run_id: int, moment: datetime
) -> Iterator[bytes]:
    """Yield a row of `COLUMNS` a label in COPY's binary form."""
    fields, run, created = len(COLUMNS), run_id, microseconds(moment)
    for key, label, entry in labels:
        numbers = (fields, 8, new[key], 8, ids[label.property_name], 8, float(label.value), 8, run, 8, created)
        yield b"".join(
            (
                _NUMBERS.pack(*numbers),
                frequent_text_field(label.method),
                frequent_text_field(label.origin),
                float8_field(label.uncertainty),
                int8_field(entry),
            )
        )


def _conflict(property_name: str, row: Any) -> FailureRecord:
    return FailureRecord(
        "label_value",
        f"{row.origin}: {row.structure_hash}",
        "ConflictingLabel",
        f"two entries of {row.origin} give the same structure {property_name} {row.known_value:g} and {row.value:g} by "
        f"{row.method}; the first counts, remove one of the entries",
        detail=f"{property_name} {row.value!r}",
        structure_hash=row.structure_hash,
    )
