"""The structures of an OPTIMADE provider: listed by their dates where some are known, fetched where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from matsift.errors import BadStructureError, SourceError
from matsift.records import ClosingRecord, EntryRecord, FailureRecord, SourceItem, UnchangedRecord
from matsift.study.optimade import OptimadeSource
from matsift_adapters.sources.files import failures_of
from matsift_adapters.sources.optimade_provider import MAX_IDLE_PAGES, Page, Provider
from matsift_adapters.sources.parsed import unreadable
from matsift_adapters.sources.revisions import reading_mark
from matsift_adapters.sources.source import Known, Source
from matsift_adapters.sources.values import as_json, plain
from matsift_adapters.sources.web import FetchError, asker

#: Raised when the same entry gives another structure, so that all of them are fetched again.
READER = 1
#: So many entries that stood on no page are asked for by their ids before they count as withdrawn.
MAX_LOOKED_FOR = 200

_KEPT = ("chemical_formula_descriptive", "immutable_id", "structure_features")
_DATE = "last_modified"


def open_optimade(settings: OptimadeSource) -> Source:
    """Return the source of a provider; nothing is asked of it yet.

    Raises
    ------
    SourceError
        If optimade is not installed, or the filter is none.
    """
    try:
        from optimade.exceptions import BadRequest  # noqa: PLC0415  an extra, and a second to import
        from optimade.filterparser import LarkParser  # noqa: PLC0415
    except ImportError as error:
        raise SourceError(
            settings.name, f"a package is missing ({error.name})", "pip install 'matsift[optimade]'"
        ) from error
    if settings.filter is not None:
        try:
            LarkParser().parse(settings.filter)
        except BadRequest as error:
            problem = f"the filter is none ({plain(error.detail, 300)})"
            raise SourceError(settings.name, problem, "correct it in the study") from error

    def read(known: Known) -> Iterator[SourceItem]:
        with asker(settings) as service:
            yield from _Reading(settings, Provider(settings, service), known).items()

    return Source(
        settings.name, settings.kind, settings.version or "", settings.licence, settings.description, None, read
    )


@dataclass
class _Reading:
    """One reading of a provider from the first page to the last."""

    settings: OptimadeSource
    provider: Provider
    known: Known
    seen: set[str] = field(default_factory=set)
    missing: list[FailureRecord] = field(default_factory=list)
    newest: str = ""
    n_page: int = 0
    n_stated: int | None = None

    def items(self) -> Iterator[SourceItem]:
        """Yield all that the provider states, and whether all of it came.

        Raises
        ------
        SourceError
            If there is no provider, or it does not give the first page.
        """
        from matsift_adapters.sources.optimade_structures import STRUCTURE_FIELDS  # noqa: PLC0415  imports optimade

        self._fields = (*STRUCTURE_FIELDS, _DATE, *_KEPT, *self.settings.provider_fields)
        self._facts = self.provider.discover()
        self._mark = reading_mark(
            self.settings.model_copy(update={"licence": self._facts.licence}),
            *("licence", "version", "max_site", "provider_fields", "url"),
            reader=READER,
        )
        yield from self._read_pages()
        self._reconcile()
        yield from self.missing
        yield ClosingRecord(self.n_stated, not self.missing, self.settings.version or self.newest or None)

    def _read_pages(self) -> Iterator[SourceItem]:
        n_idle = 0
        fields = (_DATE,) if self.known else self._fields
        has_more = False
        try:
            for page in self.provider.pages(self._facts, fields, self.settings.filter):
                self.n_page += 1
                self._note_count(page.n_stated)
                has_more = page.has_more and page.next_url is None
                n_before = len(self.seen)
                yield from self._of_page(page)
                n_idle = 0 if len(self.seen) > n_before else n_idle + 1
                if n_idle >= MAX_IDLE_PAGES and page.next_url is not None:
                    self._miss("pages", f"{n_idle} pages in a row brought nothing new and there is still a next one")
                    return
        except FetchError as error:
            if self.n_page == 0:
                remedy = "try again later" if error.is_passing else "correct the filter or the base_url in the study"
                raise SourceError(self.settings.name, str(error), remedy) from error
            self._miss("pages", str(error))
        if has_more:
            self._miss("pages", "the provider says that there is more, and names no next page")

    def _of_page(self, page: Page) -> Iterator[SourceItem]:
        new: list[Any] = []
        for resource in page.entries:
            external_id = _id(resource)
            if external_id is None:
                self._miss(f"an entry of page {self.n_page}", "it has no id")
            elif external_id not in self.seen:
                self.seen.add(external_id)
                new.append(resource)
        if not self.known:
            yield from (self._entry(resource) for resource in new)
            return
        changed = []
        for resource in new:
            mark = self._revision(resource)
            if mark is not None and self.known.get(resource["id"]) == mark:
                yield UnchangedRecord(resource["id"], mark)
            else:
                changed.append(resource["id"])
        yield from map(self._entry, self._fetched(page, changed))

    def _fetched(self, page: Page, wanted: Sequence[str]) -> Iterator[Any]:
        """Yield entries of a page in full: the page once more where most of it is wanted, or else by their ids."""
        left = set(wanted)
        if 2 * len(left) > len(page.entries):
            try:
                again = self.provider.in_full(page, self._fields).entries
            except FetchError as error:
                self._miss(f"page {self.n_page} in full", str(error))
                return
            yield from _taken(again, left)
        asked = [key for key in wanted if key in left]
        for start in range(0, len(asked), self.settings.ids_in_filter):
            ids = asked[start : start + self.settings.ids_in_filter]
            try:
                for part in self.provider.pages(self._facts, self._fields, _any_of(ids)):
                    yield from _taken(part.entries, left)
            except FetchError as error:
                if error.is_passing:
                    self._miss(f"{ids[0]} and {len(ids) - 1} more", str(error))
                    left -= set(ids)
        yield from self._one_by_one([key for key in wanted if key in left])

    def _one_by_one(self, ids: Sequence[str]) -> Iterator[Any]:
        """Yield entries that a filter by id did not bring: not every provider understands one."""
        for external_id in ids:
            try:
                resource = self.provider.one(self._facts, external_id, self._fields)
            except FetchError as error:
                self._miss(external_id, str(error))
                continue
            if _id(resource) == external_id:
                yield resource
            else:
                self._miss(external_id, "the provider lists it and does not give it")

    def _entry(self, resource: dict[str, Any]) -> EntryRecord:
        from matsift_adapters.sources.optimade_structures import from_optimade  # noqa: PLC0415  imports optimade

        external_id = resource["id"]
        attributes = resource.get("attributes")
        stated = attributes if isinstance(attributes, dict) else {}
        try:
            parsed = from_optimade(stated, self.settings.max_site)
        except BadStructureError as error:
            parsed = unreadable(error)
        date = str(stated.get(_DATE) or "")
        self.newest = max(self.newest, date)
        url = f"{self._facts.base_url}/structures/{external_id}"
        kept = (*_KEPT, *self.settings.provider_fields)
        payload = {key: as_json(stated[key]) for key in kept if stated.get(key) not in (None, [])}
        return EntryRecord(
            external_id,
            parsed.crystal,
            self.settings.version or date or "unknown",
            self._facts.licence,
            url=url if self.settings.url is None else self.settings.url.replace("{}", external_id),
            payload=payload | ({"provider": self._facts.provider} if self._facts.provider else {}),
            failures=failures_of(parsed, external_id, 0.0, "the provider may mend the entry, report it there"),
            holds=parsed.holds,
            revision=self._revision(resource),
        )

    def _revision(self, resource: dict[str, Any]) -> str | None:
        """Return the mark of an entry's state, None where the provider does not date it."""
        attributes = resource.get("attributes")
        date = attributes.get(_DATE) if isinstance(attributes, dict) else None
        if not date:
            return None
        self.newest = max(self.newest, str(date))
        return f"{date}#{self._mark}"

    def _note_count(self, n_stated: int | None) -> None:
        """Note the provider's own count; where it changes, pages shift, and an entry may stand on none of them."""
        if n_stated is not None and self.n_stated not in (None, n_stated):
            self._miss(
                "count",
                f"the provider's count changed from {self.n_stated} to {n_stated} while its pages were read",
            )
        self.n_stated = self.n_stated if n_stated is None else n_stated

    def _reconcile(self) -> None:
        """Compare what came with the provider's own count, and look for what is known and came on no page."""
        if self.n_stated is None and self.known and not self.seen:
            self._miss("count", "the provider lists nothing, states no count, and entries are known")
        if self.n_stated is not None and self.n_stated != len(self.seen) and not self.missing:
            self._miss("count", f"the provider counts {self.n_stated} structures and {len(self.seen)} came")
        if not self.missing:
            self._look_for_the_gone(sorted(set(self.known) - self.seen)[:MAX_LOOKED_FOR])

    def _look_for_the_gone(self, gone: Sequence[str]) -> None:
        """Note entries that stood on no page, since pages shifted, and are there all the same."""
        chosen = f"({self.settings.filter}) AND " if self.settings.filter else ""
        for start in range(0, len(gone), self.settings.ids_in_filter):
            asked = f"{chosen}({_any_of(gone[start : start + self.settings.ids_in_filter])})"
            try:
                found = [_id(r) for page in self.provider.pages(self._facts, (_DATE,), asked) for r in page.entries]
            except FetchError as error:
                if error.is_passing:
                    self._miss("entries that stood on no page", str(error))
                return  # a provider that understands no such filter is taken at its count
            for external_id in sorted({key for key in found if key} & set(gone)):
                self._miss(external_id, f"{external_id} stood on no page and is there all the same")

    def _miss(self, subject: str, problem: str) -> None:
        what, why = plain(subject, 200), plain(problem, 1000)
        message = f"{self.settings.name}: {what} did not come whole, since {why}; run again to fetch the rest"
        self.missing.append(FailureRecord("ingest", f"{self.settings.name}: {subject}", "IncompleteSource", message))


def _id(resource: Any) -> str | None:
    """Return the id of an entry of structures, None where it has none."""
    if not isinstance(resource, dict) or resource.get("type") not in (None, "structures"):
        return None
    found = resource.get("id")
    return found if isinstance(found, str) and found else None


def _taken(entries: Sequence[Any], left: set[str]) -> Iterator[Any]:
    """Yield the entries that are still wanted, and take them off."""
    for resource in entries:
        if (external_id := _id(resource)) in left and external_id is not None:
            left.discard(external_id)
            yield resource


def _any_of(ids: Sequence[str]) -> str:
    quoted = ('"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"' for key in ids)
    return " OR ".join(f"id={key}" for key in quoted)
