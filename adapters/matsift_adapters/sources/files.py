"""Structures from a folder, an archive or a single file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from matsift.errors import SourceError
from matsift.records import EntryRecord, FailureRecord, SourceItem, UnchangedRecord
from matsift.study.sources import FilesSource
from matsift_adapters.sources.archives import RawMember, content_hash, walk
from matsift_adapters.sources.compressed import BrokenOffError
from matsift_adapters.sources.duplicates import Read, unique
from matsift_adapters.sources.formats import KNOWN, format_of, is_archive, stem_of
from matsift_adapters.sources.jobs import Done, Job, parse_all
from matsift_adapters.sources.parsed import Parsed
from matsift_adapters.sources.parsing import Member
from matsift_adapters.sources.revisions import Revisions, revision
from matsift_adapters.sources.source import TRUNCATED, Known, Source, state_hash

#: Stands between what is wrong and what to do, in every sentence of ours.
_REMEDY_MARK = "; "


def open_files(settings: FilesSource, base_dir: Path, *, n_worker: int) -> Source:
    """Return the source of a folder, an archive or a file of structures.

    Raises
    ------
    SourceError
        If the path is missing, not readable, or a single file in no known format.
    """
    path = base_dir / settings.path
    single = not path.is_dir() and not is_archive(path.name)
    wanted = partial(_wanted, settings) if not single else (lambda _: True)
    digest = state_hash(content_hash(path, wanted), settings)
    if single and settings.format is None and format_of(path.name) is None:
        raise SourceError(
            str(path), "the file's name tells no known format", f"name one with format = in the study, or give {KNOWN}"
        )
    version = settings.version or digest[:12]

    def read(known: Known) -> Iterator[SourceItem]:
        jobs = _jobs(settings, path, walk(path, wanted), Revisions(settings, known))
        done = parse_all(jobs, n_worker=n_worker, time_limit_s=settings.time_limit_s)
        return unique(_entries(settings, version, done))

    return Source(settings.name, settings.kind, version, settings.licence, settings.description, digest, read)


def member_job(
    member: RawMember, place: str, *, max_site: int, id_key: str | None = None, stated_format: str | None = None
) -> Job:
    """Return the job that parses one file; its context is the file's name."""
    file_format = stated_format or format_of(member.name)
    problem = member.problem
    if problem is None and file_format is None:
        problem = f"the file's name tells no known format ({KNOWN})"
    if problem is not None:
        return Job(place, member.name, ready=(Parsed(error_class="BadStructureError", message=problem),))
    assert file_format is not None
    return Job(place, member.name, Member(member.name, file_format, member.content, max_site, id_key))


def broken_off(path: str, error: BrokenOffError) -> FailureRecord:
    """Return the failure row of an archive that ends before its end."""
    message = f"{path}: the archive breaks off ({error}), what stands before is kept; fetch or pack it again"
    return FailureRecord("parse", path, TRUNCATED, message)


def _wanted(settings: FilesSource, name: str) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in settings.exclude):
        return False
    if settings.include:
        return any(fnmatchcase(name, pattern) for pattern in settings.include)
    return settings.format is not None or format_of(name) is not None


def _jobs(settings: FilesSource, path: Path, members: Iterator[RawMember], revisions: Revisions) -> Iterator[Job]:
    single = not path.is_dir() and not is_archive(path.name)
    n_member = 0
    try:
        for member in members:
            n_member += 1
            place = settings.path if single else f"{settings.path}:{member.name}"
            digest = None if member.problem else revisions.digest(_base(settings, member.name), member.content)
            if digest is not None and (known := revisions.known_ids(digest)):
                yield Job(place, unchanged=tuple(UnchangedRecord(key, revision(digest, len(known))) for key in known))
                continue
            job = member_job(
                member, place, max_site=settings.max_site, id_key=settings.id_key, stated_format=settings.format
            )
            yield replace(job, digest=digest)
    except BrokenOffError as error:
        yield Job(settings.path, failure=broken_off(settings.path, error))
        return
    if n_member == 0:
        raise SourceError(
            str(path), "it holds no file that is wanted", f"put {KNOWN} there, or change include, exclude or format"
        )


def _base(settings: FilesSource, name: str) -> str:
    return stem_of(name) if settings.id_from == "stem" else name


def _entries(settings: FilesSource, version: str, done: Iterator[Done]) -> Iterator[Read]:
    for finished in done:
        yield from ((finished.job.place, record) for record in finished.job.unchanged)
        if finished.job.failure is not None:
            yield finished.job.place, finished.job.failure
            continue
        name = finished.job.context
        base = _base(settings, name) if finished.parsed else ""
        mark = None if finished.job.digest is None else revision(finished.job.digest, len(finished.parsed))
        for parsed in finished.parsed:
            place = f"{finished.job.place}#{parsed.block}" if parsed.block else finished.job.place
            external_id = parsed.entry_id or (f"{base}#{parsed.block}" if parsed.block else base)
            failures = failures_of(parsed, place, finished.seconds)
            if parsed.block == "break":
                yield place, failures[0]
                continue
            yield (
                place,
                EntryRecord(
                    external_id,
                    parsed.crystal,
                    version,
                    settings.licence,
                    payload={"file": name, **({"block": parsed.block} if parsed.block else {}), **parsed.info},
                    failures=failures,
                    holds=parsed.holds,
                    facts=parsed.facts,
                    revision=mark,
                ),
            )


def failures_of(
    parsed: Parsed, place: str, seconds: float, remedy: str = "mend the file or take it out of the source"
) -> tuple[FailureRecord, ...]:
    """Return the failure rows of a parsed structure: none, or why it could not be read and what to do about it."""
    if parsed.error_class is None:
        return ()
    told = str(parsed.message)
    message = f"{place}: {told}" if _REMEDY_MARK in told else f"{place}: {told}{_REMEDY_MARK}{remedy}"
    return (FailureRecord("parse", place, parsed.error_class, message, seconds),)
