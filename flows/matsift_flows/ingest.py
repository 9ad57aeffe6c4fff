"""Ingestion: what a source states becomes entries, structures, labels and failures; what is known is not read again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.errors import SourceError, UserInputError
from matsift.records import (
    ClosingRecord,
    EntryRecord,
    FailureRecord,
    SourceItem,
    UnchangedRecord,
    WithdrawnRecord,
)
from matsift.structure_facts import describe
from matsift.study.benchmarks import BenchmarkSource
from matsift.study.settings import Mirror
from matsift.suggestions import meant
from matsift_adapters.sources.registry import open_source
from matsift_adapters.sources.source import TRUNCATED, Source
from matsift_flows.folds import keep_folds
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.overlap import chunked, overlapped
from matsift_flows.progress import Advance
from matsift_flows.workspace import Workspace
from matsift_schema.store import catalogue, syncs
from matsift_schema.store.failures import missing_failures, write_failures
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.syncs import SyncCounts

#: Entries in one task and one transaction; fewer where a source is so slow that they take longer than the seconds.
CHUNK = 2000
CHUNK_SECONDS = 10.0


@dataclass(frozen=True)
class _Packed:
    """A chunk and its rows; `is_plain` where it holds nothing but entries whose structures need no describing."""

    items: Sequence[SourceItem]
    rows: catalogue.PackedEntries
    is_plain: bool

    @classmethod
    def of(cls, items: Sequence[SourceItem]) -> _Packed:
        """Return a chunk with what can be packed of it without a connection."""
        entries = _entries(items)
        is_plain = len(entries) == len(items) and all(e.crystal is None or e.facts for e in entries)
        return cls(items, catalogue.pack_entries(entries), is_plain)


@inner_flow("ingest")
def ingest(workspace: Workspace, study: Mirror, base_dir: Path, sources: Sequence[str] = ()) -> dict[str, SyncCounts]:
    """Bring the sources of a study up to date, all or those named; return what came of each.

    Raises
    ------
    UserInputError
        If the study has no source of a name.
    SourceError
        If sources cannot be read at all; the others are ingested all the same.
    """
    strangers = set(sources) - {source.name for source in study.sources}
    if strangers:
        known, stranger = [source.name for source in study.sources], min(strangers)
        raise UserInputError(
            f"the study {study.name} has no source {stranger!r}{meant(stranger, known)}; it has {', '.join(known)}"
        )
    synced, unusable = {}, []
    for settings in study.sources:
        if sources and settings.name not in sources:
            continue
        try:
            cache = workspace.settings.home / "downloads"
            source = open_source(settings, base_dir, n_worker=workspace.n_worker, cache=cache)
            synced[source.name] = _ingest_source(workspace, study.name, source)
            if isinstance(settings, BenchmarkSource):
                invoke(keep_folds, workspace, study.name, source.name, synced[source.name])
        except SourceError as error:
            unusable.append(error)
    if unusable:
        for further in unusable[1:]:
            workspace.reporter.warn(str(further))
        raise unusable[0]
    return synced


def refuse_incomplete(synced: Mapping[str, SyncCounts]) -> None:
    """Raise SourceError if a source was not read to its end: what came is kept, but not all that was asked was done."""
    for name, counts in synced.items():
        if not counts.is_whole:
            came = f"{counts.n_entry} entries came" + (f" of {counts.n_stated}" if counts.n_stated is not None else "")
            raise SourceError(name, f"it was not read to its end ({came})", "what came is kept; run the same again")


@dataclass
class _Reading:
    """What was met on the way through a source; `broken` are the ids that are known to give no structure."""

    broken: set[str]
    written: catalogue.WriteCounts = field(default_factory=catalogue.WriteCounts)
    states: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    withdrawn: int = 0
    without_structure: int = 0
    is_whole: bool = True
    closing: ClosingRecord | None = None

    def take(self, chunk: Sequence[SourceItem]) -> Sequence[SourceItem]:
        """Return a chunk, after noting what it states."""
        for item in chunk:
            if isinstance(item, EntryRecord):
                self.states[item.external_id] = item.revision or item.content_hash
                self.without_structure += item.crystal is None
                self.is_whole = self.is_whole and all(f.error_class != TRUNCATED for f in item.failures)
            elif isinstance(item, UnchangedRecord):
                self.states[item.external_id] = item.revision
                self.unchanged += 1
                self.without_structure += item.external_id in self.broken
            elif isinstance(item, FailureRecord):
                self.is_whole = self.is_whole and item.error_class != TRUNCATED
            elif isinstance(item, ClosingRecord):
                self.closing = item
                self.is_whole = self.is_whole and item.is_whole
        return chunk

    @property
    def content_hash(self) -> str:
        """SHA-256 of all ids and their revisions, for a source that has no content to hash."""
        lines = "\n".join(f"{key}\t{state}" for key, state in sorted(self.states.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def counts(self) -> SyncCounts:
        """Return the summary of the reading."""
        written = self.written
        return SyncCounts(
            new=written.inserted - written.revised,
            changed=written.revised + written.returned,
            unchanged=self.unchanged + written.existing - written.returned,
            withdrawn=self.withdrawn,
            failed=self.without_structure,
            n_stated=None if self.closing is None else self.closing.n_stated,
            is_whole=self.is_whole,
            n_excluded=0 if self.closing is None else self.closing.n_excluded,
        )


def _ingest_source(workspace: Workspace, study: str, source: Source) -> SyncCounts:
    with workspace.sessions.begin() as session:
        latest, n_entry = syncs.latest_snapshot(session, source.name) or (None, 0)
        if source.content_hash is not None and latest == source.content_hash and not workspace.retry_failed:
            return SyncCounts(unchanged=n_entry)
        known = syncs.known_revisions(session, source.name, with_failed=not workspace.retry_failed)
        broken = syncs.without_structure(session, source.name)
    parameters = {"source": source.name, "version": source.version, "content_hash": source.content_hash}
    reading = _Reading(broken)
    with (
        workspace.run("ingest", study, parameters) as run,
        workspace.reporter.work(f"ingest {source.name}", None, "entries") as advance,
    ):
        chunks = chunked(source.iterate(known), n_item=CHUNK, seconds=CHUNK_SECONDS)
        for written in write_chunks(workspace, run, source, map(reading.take, chunks), advance):
            reading.written += written
        reading.withdrawn = reading.written.withdrawn + _close(workspace, run, source, reading, latest)
    counts = reading.counts()
    _tell(workspace, source, reading, counts)
    return counts


def write_chunks(
    workspace: Workspace, run: LazyRun, source: Source, chunks: Iterable[Sequence[SourceItem]], advance: Advance
) -> Iterator[catalogue.WriteCounts]:
    """Write chunks in their order, each in a transaction while the next is drawn and packed; yield the counts.

    Some that share no entry and no structure are written by connections of their own at the same time.
    """

    def write(packed: _Packed) -> catalogue.WriteCounts:
        return invoke(write_chunk, workspace, run, source, packed.items, packed.rows, advance)

    return overlapped(map(_Packed.of, chunks), write, independent=_independent)


def _independent(one: _Packed, other: _Packed) -> bool:
    """Return whether the order in which two chunks are written cannot matter."""
    return (
        one.is_plain
        and other.is_plain
        and one.rows.entries.keys().isdisjoint(other.rows.entries)
        and one.rows.structures.keys().isdisjoint(other.rows.structures)
    )


@task(name="write entries", cache_policy=NO_CACHE)
def write_chunk(
    workspace: Workspace,
    run: LazyRun,
    source: Source,
    chunk: Sequence[SourceItem],
    packed: catalogue.PackedEntries,
    advance: Advance,
) -> catalogue.WriteCounts:
    """Write a chunk of what a source states, all or nothing; where it states nothing new, nothing is written."""
    entries = _entries(chunk)
    loose = [item for item in chunk if isinstance(item, FailureRecord)]
    about = catalogue.SourceFacts(
        source.name, source.kind, source.licence, source.description, is_service=source.content_hash is None
    )
    with workspace.sessions.begin() as session:
        found = catalogue.look_up(session, source.name, entries)
        missing = found.missing
        unknown = missing_failures(session, loose)
        counts = catalogue.WriteCounts(existing=len(entries) - len(missing))
        if missing:
            with workspace.sessions.begin() as own:  # at once, or chunks beside this one would wait for its end
                catalogue.write_source(own, about)
            facts = {e.crystal.content_hash: e.facts or describe(e.crystal) for e in missing if e.crystal is not None}
            counts += catalogue.write_entries(
                session, run.id(session), about, missing, facts, packed, unknown=found.all_unknown
            )
        taken_back = syncs.withdraw(session, source.name, [i for i in chunk if isinstance(i, WithdrawnRecord)])
        if unknown:
            counts += catalogue.WriteCounts(failures=write_failures(session, run.id(session), unknown))
        counts += catalogue.WriteCounts(withdrawn=taken_back)
    advance(len(chunk), failed=len(loose) + sum(entry.crystal is None for entry in entries))
    return counts


def _entries(chunk: Sequence[SourceItem]) -> list[EntryRecord]:
    return [item for item in chunk if isinstance(item, EntryRecord)]


def _close(workspace: Workspace, run: LazyRun, source: Source, reading: _Reading, latest: str | None) -> int:
    """Withdraw what is no longer stated and note the state that was read; return how many entries were withdrawn.

    What stands behind the break of a truncated file, or on a page that did not come, is not known to be gone.
    """
    content_hash = source.content_hash or reading.content_hash
    if not reading.is_whole and source.content_hash is None:
        return 0
    with workspace.sessions.begin() as session:
        withdrawn = syncs.withdraw_missing(session, source.name, list(reading.states)) if reading.is_whole else 0
        if content_hash != latest:
            closing = reading.closing
            syncs.write_source_snapshot(
                session,
                run.id(session),
                source.name,
                version=(closing.version if closing else None) or source.version or content_hash[:12],
                content_hash=content_hash,
                counts=replace(reading.counts(), withdrawn=reading.written.withdrawn + withdrawn),
            )
    return withdrawn


def _tell(workspace: Workspace, source: Source, reading: _Reading, counts: SyncCounts) -> None:
    written = reading.written
    told = [f"{counts.new} new", f"{counts.changed} changed", f"{counts.unchanged} unchanged"]
    told += [f"{counts.withdrawn} withdrawn"]
    told += [f"{counts.failed} without a structure"] if counts.failed else []
    told += [f"the source counts {counts.n_stated}"] if counts.n_stated is not None else []
    told += [f"{counts.n_excluded} left out by the study's rules"] if counts.n_excluded else []
    told += [f"{written.structures} structures", f"{written.labels} labels"] if written.inserted else []
    failures = f"{written.failures} failures kept as rows (matsift db shell: TABLE analysis.failure)"
    told += [failures] if written.failures else []
    workspace.reporter.say("  " + ", ".join(told))
    if not reading.is_whole:
        workspace.reporter.warn(
            f"{source.name} was not read to its end; what came is kept, the next run fetches the rest"
        )
