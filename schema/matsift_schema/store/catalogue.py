"""Sources, entries and structures: idempotent writes that keep every state an entry ever had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import EntryRecord, FailureRecord, LabelRecord
from matsift.structure_facts import StructureFacts
from matsift_schema.store.copying import texts
from matsift_schema.store.entries import entry_key, packed_entry, state_entries
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.structures import packed_structures, store_structures


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


@dataclass(frozen=True)
class PackedEntries:
    """Rows of entries and of their structures as COPY takes them; the entries themselves tell whose row it is.

    `entries` by `entry_key`, `structures` by content hash.
    """

    entries: Mapping[str, tuple[EntryRecord, bytes]] = field(default_factory=dict)
    structures: Mapping[str, tuple[EntryRecord, bytes]] = field(default_factory=dict)


def pack_entries(entries: Sequence[EntryRecord]) -> PackedEntries:
    """Return what is sent of entries, as far as it is known without a connection: while the chunk before is written."""
    by_key: dict[str, tuple[EntryRecord, bytes]] = {}
    first: dict[str, EntryRecord] = {}
    for entry in entries:
        by_key.setdefault(entry_key(entry), (entry, packed_entry(entry)))
        if entry.crystal is not None and entry.facts is not None:
            first.setdefault(entry.crystal.content_hash, entry)
    rows = packed_structures([(e.crystal, e.facts, e.holds) for e in first.values() if e.crystal and e.facts])
    return PackedEntries(by_key, dict(zip(first, zip(first.values(), rows, strict=True), strict=True)))


def known_entries(
    session: Session, source_name: str, external_ids: Sequence[str] | None = None
) -> dict[str, tuple[str, str | None]]:
    """Return external id -> content hash and revision of what a source states now, of all entries or of those named."""
    states = _states(session, source_name, external_ids)
    return {key: state for key, state in states.items() if state is not None}


def missing_entries(session: Session, source_name: str, entries: Sequence[EntryRecord]) -> list[EntryRecord]:
    """Return the entries whose content or revision the source did not state yet, or not lately, and was not refused."""
    return look_up(session, source_name, entries).missing


@dataclass(frozen=True)
class LookedUp:
    """Those of entries that are to be written, and whether nothing was known of the id of any."""

    missing: list[EntryRecord]
    all_unknown: bool


def look_up(session: Session, source_name: str, entries: Sequence[EntryRecord]) -> LookedUp:
    """Return what `missing_entries` returns, and whether a source states the ids of entries for the first time."""
    states = _states(session, source_name, [entry_key(entry) for entry in entries])
    if not states:
        return LookedUp(list(entries), all_unknown=True)
    missing = [e for e in entries if states.get(entry_key(e)) != (e.content_hash, e.revision)]
    refused = _refused(session, source_name, [e for e in missing if entry_key(e) in states])
    return LookedUp([e for e in missing if e.content_hash not in refused], all_unknown=False)


def write_entries(
    session: Session,
    run_id: int,
    source: SourceFacts,
    entries: Sequence[EntryRecord],
    facts: Mapping[str, StructureFacts],
    packed: PackedEntries | None = None,
    *,
    unknown: bool = False,
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
    packed
        What `pack_entries` returned of these and perhaps others; what it lacks is packed now.
    unknown
        Whether `look_up` found nothing of any of them in this transaction.
    """
    source_id = write_source(session, source)
    chosen, duplicates = _first_of_each_id(entries)
    crystals: dict[str, EntryRecord] = {}
    for entry in chosen.values():
        if entry.crystal:
            crystals.setdefault(entry.crystal.content_hash, entry)
    rows = packed or PackedEntries()
    structure_ids, new = store_structures(
        session,
        run_id,
        [(e.crystal, facts[key], e.holds) for key, e in crystals.items() if e.crystal],
        _rows_of(crystals, rows.structures),
    )
    stated = state_entries(
        session,
        run_id,
        source_id,
        chosen,
        structure_ids,
        is_service=source.is_service,
        packed=_rows_of(chosen, rows.entries),
        unknown=unknown,
    )
    duplicates += stated.refused
    listed = list(chosen.values())
    labels = _labels(listed, stated.ids)
    failures = _failures(source.name, listed, stated.ids) + [(_duplicate(source.name, e), None) for e in duplicates]
    n_label = write_labels(session, run_id, labels, new={key: structure_ids[key] for key in new}).inserted
    n_failure = write_failures(session, run_id, [f for f, _ in failures], entry_ids=[key for _, key in failures])
    return WriteCounts(
        inserted=stated.inserted,
        existing=stated.existing,
        duplicates=len(duplicates),
        structures=len(new),
        labels=n_label,
        failures=n_failure,
        revised=stated.revised,
        returned=stated.returned,
    )


def write_source(session: Session, source: SourceFacts) -> int:
    """Return the id of a source, inserted where it is new; flushed, not committed."""
    query = text("SELECT id FROM matsift.source WHERE name = :name")
    known = session.execute(query, {"name": source.name}).scalar_one_or_none()
    if known is not None:
        return int(known)
    session.execute(
        text(
            "INSERT INTO matsift.source (name, kind, licence, description)"
            " VALUES (:name, :kind, :licence, :description) ON CONFLICT (name) DO NOTHING"
        ),
        {"name": source.name, "kind": source.kind, "licence": source.licence, "description": source.description},
    )
    return int(session.execute(query, {"name": source.name}).scalar_one())


def _rows_of(entries: Mapping[str, EntryRecord], packed: Mapping[str, tuple[EntryRecord, bytes]]) -> dict[str, bytes]:
    """Return the packed rows of exactly these entries: another may have the same id, or the same crystal."""
    found = {}
    for key, entry in entries.items():
        owner, row = packed.get(key, (None, b""))
        if owner is entry:
            found[key] = row
    return found


def _states(
    session: Session, source_name: str, external_ids: Sequence[str] | None
) -> dict[str, tuple[str, str | None] | None]:
    """Return external id -> content hash and revision of an entry's current state, None where it is withdrawn."""
    query = text("""
        SELECT e.external_id, e.content_hash, e.revision, e.withdrawn_at IS NULL
        FROM matsift.source_entry e
        WHERE e.source_id = (SELECT id FROM matsift.source WHERE name = :name)
          AND (CAST(:ids AS text[]) IS NULL OR e.external_id = ANY(CAST(:ids AS text[])))
    """)
    ids = None if external_ids is None else texts(session, external_ids)
    states: dict[str, tuple[str, str | None] | None] = {}
    for key, digest, mark, is_current in session.execute(query, {"name": source_name, "ids": ids}).tuples():
        if is_current:
            states[key] = (digest, mark)
        else:
            states.setdefault(key, None)
    return states


def _refused(session: Session, source_name: str, entries: Sequence[EntryRecord]) -> set[str]:
    """Return the content hashes that were refused, as `_duplicate` tells, under the ids of entries."""
    if not entries:
        return set()
    query = text(
        "SELECT detail FROM matsift.failure"
        " WHERE stage = 'parse' AND subject = ANY(:subjects) AND error_class = 'DuplicateEntry'"
    )
    subjects = [_subject(source_name, entry.external_id) for entry in entries]
    return set(session.scalars(query, {"subjects": texts(session, subjects)}))


def _first_of_each_id(entries: Sequence[EntryRecord]) -> tuple[dict[str, EntryRecord], list[EntryRecord]]:
    """Return the first entry of each external id, and those with other content under an id that is taken."""
    chosen: dict[str, EntryRecord] = {}
    duplicates = []
    for entry in entries:
        first = chosen.setdefault(entry_key(entry), entry)
        if first is not entry and first.content_hash != entry.content_hash:
            duplicates.append(entry)
    return chosen, duplicates


def _labels(entries: Sequence[EntryRecord], ids: Mapping[str, int]) -> list[tuple[str, LabelRecord, int | None]]:
    return [
        (entry.crystal.content_hash, label, ids[entry_key(entry)])
        for entry in entries
        if entry.crystal and entry.labels and entry_key(entry) in ids
        for label in entry.labels
    ]


def _failures(
    source_name: str, entries: Sequence[EntryRecord], ids: Mapping[str, int]
) -> list[tuple[FailureRecord, int | None]]:
    """Return the failures of entries; two sources may use one id, so the subject names the source too."""
    return [
        (replace(failure, subject=_subject(source_name, failure.subject)), ids.get(entry_key(entry)))
        for entry in entries
        for failure in entry.failures
    ]


def _duplicate(source_name: str, entry: EntryRecord) -> FailureRecord:
    return FailureRecord(
        "parse",
        _subject(source_name, entry.external_id),
        "DuplicateEntry",
        f"{source_name} states {entry.external_id!r} twice in version {entry.version} with other content; "
        "the first is kept, give the other an id of its own or the source a new version",
        detail=entry.content_hash,
        structure_hash=entry.crystal.content_hash if entry.crystal else None,
    )


def _subject(source_name: str, subject: str) -> str:
    return f"{source_name}: {subject}"
