"""Rows of source entries: what is new goes straight into the table, what has a history is looked at state by state."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import EntryRecord
from matsift_schema.store.copying import copy_into, incoming, server_time, texts, unless_overtaken
from matsift_schema.store.packing import (
    frequent_text_field,
    int8_field,
    jsonb_field,
    microseconds,
    sha256_field,
    storable,
    text_field,
)

_COLUMNS = (
    *("source_id", "run_id", "created_at", "structure_id", "canonical_number"),
    *("external_id", "version", "content_hash", "licence", "url", "payload", "revision"),
)
_NUMBERS = struct.Struct(">hiqiqiq")  # the number of fields, then length and value of the first three
_INCOMING = {
    "position": "int4",
    "external_id": "text",
    "canonical_number": "int8",
    "version": "text",
    "content_hash": "text",
    "structure_hash": "text",
    "licence": "text",
    "url": "text",
    "payload": "jsonb",
    "revision": "text",
}
_ENCODER = json.JSONEncoder(default=str)
# What jsonb may refuse of the JSON that Python writes: NUL, surrogates, numbers that are not finite.
_DOUBTFUL = re.compile(r"\\u(?:0000|d)|NaN|Infinity")
_KNOWN = text("""
    SELECT DISTINCT external_id FROM matsift.source_entry WHERE source_id = :source_id AND external_id = ANY(:ids)
""")
_IDS = text("""
    SELECT external_id, id FROM matsift.source_entry
    WHERE source_id = :source_id AND external_id = ANY(:ids) AND withdrawn_at IS NULL
""")
# Two contents cannot both be one version of an entry; what came first stays. A service may mend what it said.
_REFUSE = text("""
    DELETE FROM incoming i
    WHERE NOT :is_service
      AND EXISTS (SELECT FROM matsift.source_entry e
                  WHERE (e.source_id, e.external_id, e.version) = (:source_id, i.external_id, i.version))
      AND NOT EXISTS (SELECT FROM matsift.source_entry e
                      WHERE (e.source_id, e.external_id, e.content_hash) = (:source_id, i.external_id, i.content_hash))
    RETURNING i.position
""")
# One state of an entry is current: whatever else its source said of it before no longer counts.
_SUPERSEDE = text("""
    UPDATE matsift.source_entry e SET withdrawn_at = clock_timestamp(), withdrawn_reason = 'superseded'
    FROM incoming i
    WHERE (e.source_id, e.external_id) = (:source_id, i.external_id) AND e.content_hash <> i.content_hash
      AND e.withdrawn_at IS NULL
""")
_INSERT = text("""
    INSERT INTO matsift.source_entry (source_id, external_id, canonical_number, version, content_hash, structure_id,
                                      licence, url, payload, revision, run_id)
    SELECT :source_id, i.external_id, i.canonical_number, i.version, i.content_hash, s.id, i.licence, i.url, i.payload,
           i.revision, :run_id
    FROM incoming i LEFT JOIN matsift.structure s ON s.content_hash = i.structure_hash
    ORDER BY i.position
    ON CONFLICT (source_id, external_id, content_hash) DO NOTHING
    RETURNING id
""")
_REVIVE = text("""
    UPDATE matsift.source_entry e SET withdrawn_at = NULL, withdrawn_reason = NULL
    FROM incoming i
    WHERE (e.source_id, e.external_id, e.content_hash) = (:source_id, i.external_id, i.content_hash)
      AND e.withdrawn_at IS NOT NULL
    RETURNING e.external_id
""")
# The same content under a new revision: nothing new is known, but the next reading need not read it again.
_MOVE_ON = text("""
    UPDATE matsift.source_entry e SET revision = i.revision
    FROM incoming i
    WHERE (e.source_id, e.external_id, e.content_hash) = (:source_id, i.external_id, i.content_hash)
      AND e.revision IS DISTINCT FROM i.revision
""")
_STATED = text("""
    SELECT i.external_id, e.id
    FROM incoming i
    JOIN matsift.source_entry e
      ON (e.source_id, e.external_id, e.content_hash) = (:source_id, i.external_id, i.content_hash)
""")


@dataclass
class StatedEntries:
    """What became of entries: `ids` of those that the source states now, by `entry_key`, and what was counted."""

    ids: dict[str, int] = field(default_factory=dict)
    inserted: int = 0
    existing: int = 0
    revised: int = 0
    returned: int = 0
    refused: list[EntryRecord] = field(default_factory=list)


def entry_key(entry: EntryRecord) -> str:
    """Return the external id of an entry as it is stored."""
    return storable(entry.external_id)


def state_entries(
    session: Session,
    run_id: int,
    source_id: int,
    entries: Mapping[str, EntryRecord],
    structure_ids: Mapping[str, int],
    *,
    is_service: bool,
    packed: Mapping[str, bytes] | None = None,
    unknown: bool = False,
) -> StatedEntries:
    """Write what a source states of entries, by `entry_key`; their structures are there. Flushed, not committed.

    `packed` is what `packed_entry` returns of them, as far as that was done before. `unknown` says that a look in this
    transaction found none of them: they are not looked up again, unless another session stored some meanwhile.
    """
    look_up = not unknown

    def write() -> tuple[dict[str, int], list[EntryRecord]]:
        nonlocal look_up
        values: dict[str, Any] = {"source_id": source_id}
        known = set(session.scalars(_KNOWN, {**values, "ids": texts(session, list(entries))})) if look_up else set()
        look_up = True
        fresh = {key: entry for key, entry in entries.items() if key not in known}
        if fresh:
            rows = _rows(source_id, run_id, server_time(session), fresh, structure_ids, packed or {})
            copy_into(session, "source_entry", _COLUMNS, rows)
        ids: dict[str, int] = {}
        if any(entry.labels or entry.failures for entry in fresh.values()):
            values["ids"] = texts(session, list(fresh))
            ids = dict(session.execute(_IDS, values).tuples().all())
        return ids, [entry for key, entry in entries.items() if key in known]

    ids, met = unless_overtaken(session, write)
    stated = StatedEntries(ids, inserted=len(entries) - len(met))
    if met:
        _restate(session, run_id, source_id, met, stated, is_service=is_service)
    return stated


def _restate(
    session: Session,
    run_id: int,
    source_id: int,
    entries: Sequence[EntryRecord],
    stated: StatedEntries,
    *,
    is_service: bool,
) -> None:
    """Write entries under ids that have a history, and note what became of them."""
    here = {"source_id": source_id}
    with incoming(session, _INCOMING, _typed_rows(entries)):
        refused = session.scalars(_REFUSE, {**here, "is_service": is_service}).all()
        session.execute(_SUPERSEDE, here)
        revised = len(session.execute(_INSERT, {**here, "run_id": run_id}).all())
        stated.returned += len(session.scalars(_REVIVE, here).all())
        session.execute(_MOVE_ON, here)
        ids = dict(session.execute(_STATED, here).tuples().all())
    stated.refused += [entries[i] for i in refused]
    stated.revised += revised
    stated.inserted += revised
    stated.existing += len(ids) - revised
    stated.ids |= ids


def _rows(
    source_id: int,
    run_id: int,
    moment: datetime,
    entries: Mapping[str, EntryRecord],
    structure_ids: Mapping[str, int],
    packed: Mapping[str, bytes],
) -> Iterator[bytes]:
    """Yield a row of `_COLUMNS` an entry in COPY's binary form."""
    numbers = _NUMBERS.pack(len(_COLUMNS), 8, source_id, 8, run_id, 8, microseconds(moment))
    for key, entry in entries.items():
        structure_id = structure_ids[entry.crystal.content_hash] if entry.crystal else None
        yield b"".join((numbers, int8_field(structure_id), packed.get(key) or packed_entry(entry)))


def packed_entry(entry: EntryRecord) -> bytes:
    """Return what of an entry's row of `_COLUMNS` no database has a say in, in COPY's binary form."""
    return b"".join(
        (
            int8_field(entry.canonical_number),
            text_field(entry.external_id),
            frequent_text_field(entry.version),
            sha256_field(entry.content_hash),
            frequent_text_field(entry.licence),
            frequent_text_field(entry.url),
            jsonb_field(_json(entry.payload) if _DOUBTFUL.search(entry.payload_json) else entry.payload_json),
            text_field(entry.revision),
        )
    )


def _typed_rows(entries: Sequence[EntryRecord]) -> Iterator[tuple[Any, ...]]:
    """Yield a row of `_INCOMING` an entry."""
    for i, entry in enumerate(entries):
        yield (
            i,
            entry.external_id,
            entry.canonical_number,
            entry.version,
            entry.content_hash,
            entry.crystal.content_hash if entry.crystal else None,
            entry.licence,
            entry.url,
            Jsonb(entry.payload, dumps=_json),
            entry.revision,
        )


def _json(payload: object) -> str:
    """Return JSON without what jsonb refuses: NUL, lone surrogates, NaN and infinity (which become null)."""
    return _ENCODER.encode(_plain(payload))


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
