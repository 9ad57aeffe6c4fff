"""Ingestion: what a source states becomes entries, structures, labels and failures; a known state is not read again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from matsift.errors import SourceError
from matsift.records import EntryRecord, FailureRecord
from matsift.structure_facts import describe
from matsift.study.settings import Study
from matsift_adapters.sources.registry import open_source
from matsift_adapters.sources.source import TRUNCATED, Source
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Advance
from matsift_flows.workspace import Workspace
from matsift_schema.store import catalogue
from matsift_schema.store.failures import write_failures
from matsift_schema.store.runs import LazyRun

#: Entries in one task and one transaction.
CHUNK = 500


@flow(name="ingest", validate_parameters=False)
def ingest(workspace: Workspace, study: Study, base_dir: Path) -> dict[str, catalogue.WriteCounts]:
    """Bring every source of a study up to date; return what was written, by source.

    Raises
    ------
    SourceError
        If sources cannot be read at all; the others are ingested all the same.
    """
    written, unusable = {}, []
    for settings in study.sources:
        try:
            source = open_source(settings, base_dir, n_worker=workspace.n_worker)
            counts = _ingest_source(workspace, study.name, source)
        except SourceError as error:
            unusable.append(error)
        else:
            if counts is not None:
                written[source.name] = counts
    if unusable:
        for further in unusable[1:]:
            workspace.reporter.warn(str(further))
        raise unusable[0]
    return written


def _ingest_source(workspace: Workspace, study: str, source: Source) -> catalogue.WriteCounts | None:
    with workspace.sessions.begin() as session:
        if catalogue.latest_snapshot_hash(session, source.name) == source.content_hash:
            return None
    parameters = {"source": source.name, "version": source.version, "content_hash": source.content_hash}
    total, n_entry, n_failure, stated, is_whole = catalogue.WriteCounts(), 0, 0, [], True
    with (
        workspace.run("ingest", study, parameters) as run,
        workspace.reporter.work(f"ingest {source.name}", None, "entries") as advance,
    ):
        rows = source.iterate()
        while chunk := list(islice(rows, CHUNK)):
            total += invoke(write_chunk, workspace, run, source, chunk, advance)
            entries = [row for row in chunk if isinstance(row, EntryRecord)]
            is_whole = is_whole and not _breaks_off(chunk)
            stated += [entry.external_id for entry in entries]
            n_entry += len(entries)
            n_failure += sum(entry.crystal is None for entry in entries)
        with workspace.sessions.begin() as session:
            catalogue.write_source_snapshot(
                session,
                run.id(session),
                source.name,
                version=source.version,
                content_hash=source.content_hash,
                n_entry=n_entry,
                n_failure=n_failure,
            )
            # What stands behind the break of a truncated file is not known to be gone.
            withdrawn = catalogue.withdraw_missing(session, source.name, stated) if is_whole else 0
    _tell(workspace, total, n_entry, n_failure, withdrawn)
    return total


@task(name="write entries", cache_policy=NO_CACHE)
def write_chunk(
    workspace: Workspace,
    run: LazyRun,
    source: Source,
    chunk: Sequence[EntryRecord | FailureRecord],
    advance: Advance,
) -> catalogue.WriteCounts:
    """Write a chunk of what a source states, all or nothing."""
    entries = [row for row in chunk if isinstance(row, EntryRecord)]
    loose = [row for row in chunk if isinstance(row, FailureRecord)]
    facts = {e.crystal.content_hash: e.facts or describe(e.crystal) for e in entries if e.crystal is not None}
    about = catalogue.SourceFacts(source.name, source.kind, source.licence, source.description)
    with workspace.sessions.begin() as session:
        counts = catalogue.write_entries(session, run.id(session), about, entries, facts)
        write_failures(session, run.id(session), loose)
    advance(len(chunk), failed=len(loose) + sum(entry.crystal is None for entry in entries))
    return counts


def _breaks_off(chunk: Sequence[EntryRecord | FailureRecord]) -> bool:
    failures = [f for row in chunk for f in (row.failures if isinstance(row, EntryRecord) else (row,))]
    return any(failure.error_class == TRUNCATED for failure in failures)


def _tell(workspace: Workspace, total: catalogue.WriteCounts, n_entry: int, n_failure: int, withdrawn: int) -> None:
    parts = [
        f"{n_entry} entries read",
        f"{total.inserted} new",
        f"{total.structures} structures",
        f"{total.labels} labels",
    ]
    parts += [f"{n_failure} without a structure"] if n_failure else []
    parts += (
        [f"{total.failures} failures kept as rows (matsift db shell: TABLE analysis.failure)"] if total.failures else []
    )
    parts += [f"{withdrawn} withdrawn"] if withdrawn else []
    workspace.reporter.say("  " + ", ".join(parts))
