"""COD from a copy of its tree or its dated archive: only what changed since is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from matsift.errors import SourceError
from matsift.records import (
    ClosingRecord,
    EntryRecord,
    FailureRecord,
    SourceItem,
    UnchangedRecord,
    WithdrawnRecord,
)
from matsift.study.cod import COD_URL, CodMirror, CodSearch
from matsift_adapters.sources.cod_mirror import Mirror, MirrorFile
from matsift_adapters.sources.cod_rules import amounts, formula_in, is_excluded
from matsift_adapters.sources.files import failures_of
from matsift_adapters.sources.jobs import Done, Job, parse_all
from matsift_adapters.sources.parsed import Parsed
from matsift_adapters.sources.parsing import Member, too_large
from matsift_adapters.sources.revisions import reading_mark
from matsift_adapters.sources.source import Known, Source

#: So few entries may vanish from a copy at once, whatever the share.
FEW = 10

_RETRACTED = "retracted"
_NAMED_FAILURES = 20


def open_cod(settings: CodMirror, base_dir: Path, *, n_worker: int) -> Source:
    """Return the source of a copy of COD.

    Raises
    ------
    SourceError
        If the path is missing, not readable, or neither a folder nor an archive.
    """
    mirror = Mirror(base_dir / settings.path, settings.numbers)
    mirror.check()

    def read(known: Known) -> Iterator[SourceItem]:
        return _Reading(settings, Mirror(mirror.path, settings.numbers), known).items(n_worker)

    version = settings.version or mirror.version or ""
    return Source(settings.name, settings.kind, version, settings.licence, settings.description, None, read)


def entry_of(
    settings: CodMirror | CodSearch, number: str, parsed: Parsed, *, revision: str, seconds: float
) -> EntryRecord:
    """Return the entry of a CIF of COD under its number."""
    disagrees = parsed.entry_id not in (None, number)
    svn = parsed.info.get("svn_revision")
    return EntryRecord(
        number,
        parsed.crystal,
        settings.version or (f"r{svn}" if svn else "unknown"),
        settings.licence,
        url=f"{COD_URL if len(number) == 7 else COD_URL.replace('/cod', '/tcod')}/{number}.html",
        payload=parsed.info,
        failures=failures_of(parsed, f"{number}.cif", seconds, "COD may mend the entry, report it there"),
        holds=tuple(sorted({*parsed.holds, "cod_number_disagrees"})) if disagrees else parsed.holds,
        canonical_number=int(number),
        facts=parsed.facts,
        revision=revision,
    )


def is_left_out(settings: CodMirror | CodSearch, parsed: Parsed) -> bool:
    """Return whether the study leaves out what a CIF holds, by its formula or, where it states none, by its atoms."""
    composition = amounts(str(parsed.info.get("formula", "")))
    if composition is None and parsed.crystal is not None:
        composition = dict.fromkeys(parsed.crystal.species, 0.0)
        for symbol, occupancy in zip(parsed.crystal.species, parsed.crystal.occupancies.tolist(), strict=True):
            composition[symbol] += occupancy
    return composition is not None and is_excluded(settings, composition)


def is_retracted(parsed: Parsed) -> bool:
    """Return whether COD's editors retracted the entry."""
    return bool(parsed.info.get(_RETRACTED))


@dataclass(frozen=True)
class _Mark:
    """A revision taken apart: repository revision, stamp of the file, mark of the settings, hash of the content."""

    svn: str
    stamp: str
    reading: str
    digest: str

    @classmethod
    def of(cls, revision: str | None, reading: str) -> _Mark | None:
        """Return the parts of a known revision, None where there is none or the settings were others."""
        parts = [] if revision is None else revision.split(":")
        return cls(*parts) if len(parts) == 4 and parts[2] == reading else None

    def __str__(self) -> str:
        return f"{self.svn}:{self.stamp}:{self.reading}:{self.digest}"


@dataclass
class _Reading:
    """One walk through a copy of COD."""

    settings: CodMirror
    mirror: Mirror
    known: Known
    present: set[str] = field(default_factory=set)
    n_excluded: int = 0
    newest: int = 0

    def __post_init__(self) -> None:
        self._chooses = any((self.settings.exclude_organic, self.settings.elements, self.settings.exclude_elements))
        self._mark = reading_mark(
            self.settings, "licence", "version", "max_site", "exclude_organic", "elements", "exclude_elements"
        )

    def items(self, n_worker: int) -> Iterator[SourceItem]:
        """Yield all that the copy states, and how whole it is."""
        jobs = (job for file in self.mirror.files() if (job := self._job(file)) is not None)
        for done in parse_all(jobs, n_worker=n_worker, time_limit_s=self.settings.time_limit_s):
            yield from self._stated(done)
        if not self.present and not self.mirror.complaints:
            raise SourceError(
                str(self.mirror.path),
                "it holds no file that is named like 1000000.cif",
                "name the folder or archive that holds COD's CIFs",
            )
        self._compare_with_known()
        yield from self._missing()
        yield ClosingRecord(
            len(self.present),
            not self.mirror.complaints,
            self.settings.version or self.mirror.version or (f"r{self.newest}" if self.newest else None),
            self.n_excluded,
        )

    def _job(self, file: MirrorFile) -> Job | None:
        """Return what is to be done about a file, None where there is nothing to do."""
        if file.number in self.present:
            return Job(file.name, failure=self._twice(file))
        self.present.add(file.number)
        old = _Mark.of(self.known.get(file.number), self._mark)
        if old is not None and file.stamp and old.stamp == file.stamp:
            return self._unchanged(file.number, old)
        if self._chooses and self._is_left_out(file):
            self.n_excluded += 1
            return None
        return self._read(file, old)

    def _is_left_out(self, file: MirrorFile) -> bool:
        composition = amounts(formula_in(file.head()) or "")
        return composition is not None and is_excluded(self.settings, composition)

    def _read(self, file: MirrorFile, old: _Mark | None) -> Job | None:
        """Return the job that parses a file, unless its content is the known one or cannot be had."""
        member = file.read()
        mark = _Mark("", file.stamp, self._mark, hashlib.sha256(member.content).hexdigest()[:32])
        if member.problem == too_large():
            refused = Parsed(error_class="BadStructureError", message=member.problem)
            return Job(file.name, (file.number, mark), ready=(refused,))
        if member.problem is not None:
            self.mirror.complaints.append(f"{file.name}: {member.problem}")
            return None
        if old is not None and old.digest == mark.digest:
            return self._unchanged(file.number, old)
        return Job(file.name, (file.number, mark), Member(file.name, "cod", member.content, self.settings.max_site))

    def _unchanged(self, number: str, mark: _Mark) -> Job:
        self.newest = max(self.newest, int(mark.svn or 0))
        return Job(number, unchanged=(UnchangedRecord(number, str(mark)),))

    def _stated(self, done: Done) -> Iterator[SourceItem]:
        yield from done.job.unchanged
        if done.job.failure is not None:
            yield done.job.failure
        for parsed in done.parsed:
            number, mark = done.job.context
            svn = parsed.info.get("svn_revision") or 0
            self.newest = max(self.newest, svn)
            if is_left_out(self.settings, parsed):
                self.n_excluded += 1
            elif parsed.crystal is None and self.mirror.is_in_flux(mark.stamp):
                self.mirror.complaints.append(f"{done.job.place} was written while it was read ({parsed.message})")
            elif is_retracted(parsed):
                yield WithdrawnRecord(number, _RETRACTED)
            else:
                revision = str(_Mark(str(svn or ""), mark.stamp, mark.reading, mark.digest))
                yield entry_of(self.settings, number, parsed, revision=revision, seconds=done.seconds)

    def _twice(self, file: MirrorFile) -> FailureRecord:
        message = (
            f"{file.name}: another file of the copy bears this COD number, and that one is kept; remove one of them"
        )
        return FailureRecord("parse", f"{self.settings.name}: {file.name}", "DuplicateIdError", message)

    def _compare_with_known(self) -> None:
        """Take a copy that lost too many of the known entries at once for one that is not finished."""
        known = [number for number in self.known if self.mirror.is_wanted(number)]
        n_gone = sum(number not in self.present for number in known)
        if n_gone > max(FEW, self.settings.vanish_limit * len(known)):
            self.mirror.complaints.append(
                f"{n_gone} of {len(known)} known entries are gone at once, more than vanish_limit = "
                f"{self.settings.vanish_limit:g}"
            )

    def _missing(self) -> Iterator[FailureRecord]:
        """Yield why the copy is not whole."""
        for complaint in self.mirror.complaints[:_NAMED_FAILURES]:
            message = f"{self.settings.path}: {complaint}; what is there was read, finish the copy and run again"
            yield FailureRecord("ingest", f"{self.settings.name}: {complaint[:200]}", "IncompleteSource", message)
