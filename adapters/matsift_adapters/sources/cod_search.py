"""COD by its REST search: what the search lists is compared with what is known, and only changed CIFs are fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from matsift.errors import SourceError
from matsift.records import (
    ClosingRecord,
    FailureRecord,
    SourceItem,
    UnchangedRecord,
    WithdrawnRecord,
)
from matsift.study.cod import CodSearch
from matsift_adapters.sources.cod import entry_of, is_left_out, is_retracted
from matsift_adapters.sources.cod_rules import amounts, is_excluded
from matsift_adapters.sources.jobs import Done, Job, parse_all
from matsift_adapters.sources.parsed import Parsed
from matsift_adapters.sources.parsing import Member
from matsift_adapters.sources.revisions import reading_mark
from matsift_adapters.sources.source import Known, Source
from matsift_adapters.sources.web import Answer, Asker, FetchError, asker

#: After so many entries in a row that did not come, the service is taken to be down.
GIVE_UP_AFTER = 5

#: COD lists all of its half million entries in less.
_LONGEST_LIST = 1 << 30
_ABSENT = {403, 404, 410}
_NUMBER, _COUNT = re.compile(r"[0-9]{7,8}"), re.compile(r"[0-9]{1,18}")


def open_cod_search(settings: CodSearch, *, n_worker: int) -> Source:
    """Return the source of a search in COD; nothing is asked of the service yet."""

    def read(known: Known) -> Iterator[SourceItem]:
        with asker(settings, max_bytes=_LONGEST_LIST) as service:
            yield from _Reading(settings, service, known).items(n_worker)

    return Source(
        settings.name, settings.kind, settings.version or "", settings.licence, settings.description, None, read
    )


def query_of(settings: CodSearch) -> dict[str, str]:
    """Return the parameters of COD's search that the settings ask for."""
    asked: dict[str, Any] = {
        "formula": settings.formula,
        "text": settings.text,
        "spacegroup": settings.space_group,
        "year": settings.year,
        "doi": settings.doi,
        "id": ",".join(settings.ids) or None,
        **{f"el{i}": symbol for i, symbol in enumerate(settings.elements, start=1)},
        **{f"nel{i}": symbol for i, symbol in enumerate(settings.exclude_elements, start=1)},
    }
    if settings.n_element is not None:
        asked["strictmin"], asked["strictmax"] = settings.n_element
    if settings.volume is not None:
        asked["vmin"], asked["vmax"] = settings.volume
    return {key: str(value) for key, value in asked.items() if value is not None}


def is_wanted(settings: CodSearch, row: Mapping[str, Any]) -> bool:
    """Return whether a row of a search result is what was asked for, as far as it says.

    COD passes over what it does not understand of a search, so that what it lists is checked once more.
    """
    composition = amounts(str(row.get("formula") or row.get("calcformula") or ""))
    if composition is not None:
        least, most = settings.n_element or (0, len(composition))
        if is_excluded(settings, composition) or not least <= len(composition) <= most:
            return False
        if settings.formula is not None and composition != amounts(settings.formula):
            return False
    asked = {"sg": settings.space_group, "year": settings.year, "doi": settings.doi}
    return all(_squeezed(row.get(key)) in ("", _squeezed(value)) for key, value in asked.items() if value is not None)


def _squeezed(value: Any) -> str:
    return "" if value is None else "".join(str(value).split()).lower()


@dataclass(frozen=True)
class _Listed:
    """One row of a search result."""

    number: str
    revision: str
    is_wanted: bool


@dataclass
class _Reading:
    """One search and the downloads that it asks for."""

    settings: CodSearch
    service: Asker
    known: Known
    missing: list[FailureRecord] = field(default_factory=list)
    newest: int = 0
    n_excluded: int = 0
    n_in_a_row: int = 0

    def __post_init__(self) -> None:
        self._base = self.settings.base_url.rstrip("/")
        self._mark = reading_mark(self.settings, "licence", "version", "max_site", "exclude_organic")

    def items(self, n_worker: int) -> Iterator[SourceItem]:
        """Yield all that the search states, and whether all of it came.

        Raises
        ------
        SourceError
            If there is no usable answer to the search.
        """
        listed, n_stated = self._search()
        wanted = [row for row in listed if row.is_wanted]
        self.n_excluded = len(listed) - len(wanted)
        jobs = (job for row in wanted if (job := self._job(row)) is not None)
        for done in parse_all(jobs, n_worker=n_worker, time_limit_s=self.settings.time_limit_s):
            yield from self._stated(done)
        yield from self.missing
        revision = f"r{self.newest}" if self.newest else None
        yield ClosingRecord(n_stated, not self.missing, self.settings.version or revision, self.n_excluded)

    def _search(self) -> tuple[list[_Listed], int]:
        """Return the rows of the search and COD's own count of them."""
        query = query_of(self.settings)
        try:
            answer = self.service.get_json(f"{self._base}/result", {**query, "format": "json"})
            n_stated = self._count(query)
        except FetchError as error:
            remedy = "try again later" if error.is_passing else "correct the search or the base_url in the study"
            raise SourceError(self.settings.name, str(error), remedy) from error
        if not isinstance(answer, list):
            raise SourceError(
                self.settings.name, f"{self._base} answers the search with no list", "correct the base_url in the study"
            )
        listed = {row.number: row for raw in answer if (row := self._row(raw)) is not None}
        if n_stated is None and not listed and self.known:
            self._miss("result", "the search lists nothing, COD states no count, and entries are known")
        elif n_stated is not None and n_stated != len(listed):
            self._miss("result", f"COD counts {n_stated} entries and lists {len(listed)}")
        return list(listed.values()), len(listed) if n_stated is None else n_stated

    def _count(self, query: dict[str, str]) -> int | None:
        """Return how many entries COD says there are, None where it answers with anything but a number."""
        said = self.service.get(f"{self._base}/result", {**query, "format": "count"}).content.strip()
        return int(said) if _COUNT.fullmatch(said.decode("latin-1")) else None

    def _row(self, raw: Any) -> _Listed | None:
        number = str(raw.get("file", "")) if isinstance(raw, dict) else ""
        if not _NUMBER.fullmatch(number):
            return None
        svn = str(raw.get("svnrevision") or "")
        self.newest = max(self.newest, int(svn) if _COUNT.fullmatch(svn) else 0)
        stated = svn or f"{raw.get('date')} {raw.get('time')}"
        return _Listed(number, f"{stated}:{self._mark}", is_wanted(self.settings, raw))

    def _job(self, row: _Listed) -> Job | None:
        """Return what is to be done about an entry, None where it could not be fetched."""
        if self.known.get(row.number) == row.revision:
            return Job(row.number, unchanged=(UnchangedRecord(row.number, row.revision),))
        if self.n_in_a_row >= GIVE_UP_AFTER:
            self._miss(row.number, f"it was not asked for, after {GIVE_UP_AFTER} entries in a row did not come")
            return None
        try:
            answer = self.service.get(f"{self._base}/{row.number}.cif", check=_cif_problem)
        except FetchError as error:
            if error.status in _ABSENT:
                told = f"COD lists the entry but does not give its CIF ({error.problem})"
                return Job(row.number, row, ready=(Parsed(error_class="AbsentError", message=told),))
            self.n_in_a_row += 1
            self._miss(row.number, str(error))
            return None
        self.n_in_a_row = 0
        return Job(row.number, row, Member(f"{row.number}.cif", "cod", answer.content, self.settings.max_site))

    def _stated(self, done: Done) -> Iterator[SourceItem]:
        yield from done.job.unchanged
        for parsed in done.parsed:
            row: _Listed = done.job.context
            if is_retracted(parsed):
                yield WithdrawnRecord(row.number, "retracted")
            elif is_left_out(self.settings, parsed):
                self.n_excluded += 1
            else:
                yield entry_of(self.settings, row.number, parsed, revision=row.revision, seconds=done.seconds)

    def _miss(self, subject: str, problem: str) -> None:
        message = f"{self.settings.name}: {subject} is missing, since {problem}; run again to fetch it"
        self.missing.append(FailureRecord("ingest", f"{self.settings.name}: {subject}", "IncompleteSource", message))


def _cif_problem(answer: Answer) -> str | None:
    """Return what is wrong with a CIF that came, None if nothing can be seen to be."""
    if b"data_" not in answer.content:
        return "the answer is no CIF"
    if not answer.is_framed and not answer.content.endswith(b"\n"):
        return "the answer breaks off in the middle of a line"
    return None
