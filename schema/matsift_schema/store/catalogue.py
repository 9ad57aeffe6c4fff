"""Sources, entries and structures: idempotent writes that keep every state an entry ever had."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import EntryRecord, FailureRecord, LabelRecord
from matsift.structure_facts import StructureFacts
from matsift_schema.store.copying import incoming, storable
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.structures import write_structures

_ENTRY_COLUMNS = {
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
_INSERT_ENTRIES = text("""
    INSERT INTO matsift.source_entry (source_id, external_id, canonical_number, version, content_hash, structure_id,
                                      licence, url, payload, revision, run_id)
    SELECT :source_id, i.external_id, i.canonical_number, i.version, i.content_hash, s.id, i.licence, i.url, i.payload,
           i.revision, :run_id
    FROM incoming i LEFT JOIN matsift.structure s ON s.content_hash = i.structure_hash
    ORDER BY i.position
    ON CONFLICT (source_id, external_id, content_hash) DO NOTHING
    RETURNING EXISTS (SELECT FROM matsift.source_entry e WHERE e.source_id = source_entry.source_id
                      AND e.external_id = source_entry.external_id) AS was_known
""")
_STATED = text("""
    SELECT i.position, e.id
    FROM incoming i
    JOIN matsift.source_entry e
      ON (e.source_id, e.external_id, e.content_hash) = (:source_id, i.external_id, i.content_hash)
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


@dataclass(frozen=True)
class SourceFacts:
    """What is said of a source as a whole."""

    name: str
    kind: str
    licence: str
    description: str = ""
    is_service: bool = False


@dataclass(frozen=True)
class WriteCounts:
    """What a write of entries added and met.

    `inserted` and `existing` count entries, `revised` the inserted ones whose id had another content before, `returned`
    the existing ones that were withdrawn, `duplicates` those refused because the same version of the source gave the
    same id with other content, `withdrawn` those taken back by name; `structures`, `labels` and `failures` count new
    rows.
    """

    inserted: int = 0
    existing: int = 0
    duplicates: int = 0
    structures: int = 0
    labels: int = 0
    failures: int = 0
    revised: int = 0
    returned: int = 0
    withdrawn: int = 0

    def __add__(self, other: WriteCounts) -> WriteCounts:
        return WriteCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def entry_hash(entry: EntryRecord) -> str:
    """Return the SHA-256 of what an entry says; its version does not count, so that a new version may say the same."""
    content = [
        entry.crystal.content_hash if entry.crystal else None,
        sorted([x.property_name, float(x.value).hex(), x.method, x.origin, str(x.uncertainty)] for x in entry.labels),
        entry.payload,
        entry.licence,
        entry.url,
        list(entry.holds),
        [[f.stage, f.detail, f.error_class, f.message] for f in entry.failures],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def known_entries(
    session: Session, source_name: str, external_ids: Sequence[str] | None = None
) -> dict[str, tuple[str, str | None]]:
    """Return external id -> `entry_hash` and revision of what a source states now, of all entries or of those named."""
    query = text("""
        SELECT e.external_id, e.content_hash, e.revision
        FROM matsift.source_entry e JOIN matsift.source s ON s.id = e.source_id
        WHERE s.name = :name AND e.withdrawn_at IS NULL
          AND (CAST(:ids AS text[]) IS NULL OR e.external_id = ANY(CAST(:ids AS text[])))
    """)
    ids = None if external_ids is None else list(external_ids)
    return {key: (digest, mark) for key, digest, mark in session.execute(query, {"name": source_name, "ids": ids})}


def missing_entries(session: Session, source_name: str, entries: Sequence[EntryRecord]) -> list[EntryRecord]:
    """Return the entries whose content or revision the source did not state yet, or not lately, and was not refused."""
    known = known_entries(session, source_name, [storable(entry.external_id) for entry in entries])
    refused = _refused(session)
    hashes = [entry_hash(entry) for entry in entries]
    return [
        entry
        for entry, digest in zip(entries, hashes, strict=True)
        if known.get(storable(entry.external_id)) not in ((digest, entry.revision), (digest, None))
        and digest not in refused
    ]


def write_entries(
    session: Session,
    run_id: int,
    source: SourceFacts,
    entries: Sequence[EntryRecord],
    facts: Mapping[str, StructureFacts],
) -> WriteCounts:
    """Write entries with their structures, labels and failures; return the counts. Flushed, not committed.

    The same content twice adds no row. Other content under a known id adds a row if the version of the source is
    another one, and a failure ``DuplicateEntry`` if it is the same: then the first stays.

    Parameters
    ----------
    session, run_id, source
        Where, by which run, of which source.
    entries
        A chunk of entries of one source.
    facts
        Content hash -> facts, for the structures of all entries; one that is missing raises KeyError.
    """
    source_id = write_source(session, source)
    chosen, duplicates = _first_of_each_id(entries)
    crystals = {e.crystal.content_hash: e for e in chosen.values() if e.crystal}
    n_structure = write_structures(
        session, run_id, [(e.crystal, facts[key], e.holds) for key, e in sorted(crystals.items()) if e.crystal]
    )
    hashes = {external_id: entry_hash(entry) for external_id, entry in chosen.items()}
    listed = list(chosen.values())
    with incoming(session, _ENTRY_COLUMNS, _entry_rows(listed, hashes)):
        duplicates += [
            listed[i] for i in session.scalars(_REFUSE, {"source_id": source_id, "is_service": source.is_service})
        ]
        session.execute(_SUPERSEDE, {"source_id": source_id})
        was_known = session.scalars(_INSERT_ENTRIES, {"source_id": source_id, "run_id": run_id}).all()
        returned = session.scalars(_REVIVE, {"source_id": source_id}).all()
        session.execute(_MOVE_ON, {"source_id": source_id})
        ids: dict[int, int] = dict(session.execute(_STATED, {"source_id": source_id}).all())
    labels = _labels(listed, ids)
    failures = _failures(source.name, listed, ids) + [(_duplicate(source.name, entry), None) for entry in duplicates]
    n_label = write_labels(session, run_id, labels).inserted
    n_failure = write_failures(session, run_id, [f for f, _ in failures], entry_ids=[key for _, key in failures])
    return WriteCounts(
        inserted=len(was_known),
        existing=len(ids) - len(was_known),
        duplicates=len(duplicates),
        structures=n_structure,
        labels=n_label,
        failures=n_failure,
        revised=sum(was_known),
        returned=len(returned),
    )


def write_source(session: Session, source: SourceFacts) -> int:
    """Return the id of a source, inserted where it is new; flushed, not committed."""
    session.execute(
        text(
            "INSERT INTO matsift.source (name, kind, licence, description)"
            " VALUES (:name, :kind, :licence, :description) ON CONFLICT (name) DO NOTHING"
        ),
        {"name": source.name, "kind": source.kind, "licence": source.licence, "description": source.description},
    )
    query = text("SELECT id FROM matsift.source WHERE name = :name")
    return int(session.execute(query, {"name": source.name}).scalar_one())


def _refused(session: Session) -> set[str]:
    query = text("SELECT detail FROM matsift.failure WHERE stage = 'parse' AND error_class = 'DuplicateEntry'")
    return set(session.scalars(query))


def _first_of_each_id(entries: Sequence[EntryRecord]) -> tuple[dict[str, EntryRecord], list[EntryRecord]]:
    """Return the first entry of each external id, and those with other content under an id that is taken."""
    chosen: dict[str, EntryRecord] = {}
    duplicates = []
    for entry in entries:
        first = chosen.setdefault(entry.external_id, entry)
        if first is not entry and entry_hash(first) != entry_hash(entry):
            duplicates.append(entry)
    return chosen, duplicates


def _entry_rows(entries: Sequence[EntryRecord], hashes: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    for i, entry in enumerate(entries):
        yield (
            i,
            entry.external_id,
            entry.canonical_number,
            entry.version,
            hashes[entry.external_id],
            entry.crystal.content_hash if entry.crystal else None,
            entry.licence,
            entry.url,
            Jsonb(entry.payload, dumps=_jsonb),
            entry.revision,
        )


def _labels(entries: Sequence[EntryRecord], ids: Mapping[int, int]) -> list[tuple[str, LabelRecord, int | None]]:
    return [
        (entry.crystal.content_hash, label, ids[i])
        for i, entry in enumerate(entries)
        if entry.crystal and i in ids
        for label in entry.labels
    ]


def _failures(
    source_name: str, entries: Sequence[EntryRecord], ids: Mapping[int, int]
) -> list[tuple[FailureRecord, int | None]]:
    """Return the failures of entries; two sources may use one id, so the subject names the source too."""
    return [
        (replace(failure, subject=f"{source_name}: {failure.subject}"), ids.get(i))
        for i, entry in enumerate(entries)
        for failure in entry.failures
    ]


def _duplicate(source_name: str, entry: EntryRecord) -> FailureRecord:
    return FailureRecord(
        "parse",
        f"{source_name}: {entry.external_id}",
        "DuplicateEntry",
        f"{source_name} states {entry.external_id!r} twice in version {entry.version} with other content; "
        "the first is kept, give the other an id of its own or the source a new version",
        detail=entry_hash(entry),
        structure_hash=entry.crystal.content_hash if entry.crystal else None,
    )


def _jsonb(payload: object) -> str:
    """Return JSON without what jsonb refuses: NUL, lone surrogates, NaN and infinity (which become null)."""
    return json.dumps(_plain(payload), default=str)


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
