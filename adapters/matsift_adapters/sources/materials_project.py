"""The Materials Project as a source: its list is compared with what is known, and only what changed is fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matsift.records import (
    ClosingRecord,
    EntryRecord,
    FailureRecord,
    SourceItem,
    UnchangedRecord,
    WithdrawnRecord,
)
from matsift.study.materials_project import MaterialsProjectSource
from matsift_adapters.sources.materials_project_client import MaterialsProjectClient
from matsift_adapters.sources.materials_project_documents import (
    ELASTICITY_FIELDS,
    SUMMARY_FIELDS,
    THERMO_FIELDS,
    Documents,
    entry,
)
from matsift_adapters.sources.materials_project_ids import canonical
from matsift_adapters.sources.materials_project_list import Listed, batches, read_list
from matsift_adapters.sources.source import Known, Source
from matsift_adapters.sources.web import FetchError

#: Batches in a row that may fail before the service is left alone.
GIVE_UP_AFTER = 2
#: Class of the failures that say what a reading did not reach.
INCOMPLETE = "IncompleteSource"
_TOO_LONG = {413, 414, 422}


def open_materials_project(settings: MaterialsProjectSource) -> Source:
    """Return the source; nothing is asked of the service yet."""

    def read(known: Known) -> Iterator[SourceItem]:
        with MaterialsProjectClient(settings) as client:
            yield from _Reading(settings, client, known).items()

    version = settings.version or ""
    return Source(settings.name, settings.kind, version, settings.licence, settings.description, None, read)


class _ShortError(FetchError):
    """A collection gave fewer documents than it counts."""


class _Reading:
    """One way through the service: the list, what is gone, what changed, and what did not come."""

    def __init__(self, settings: MaterialsProjectSource, client: MaterialsProjectClient, known: Known) -> None:
        self._settings, self._client, self._known = settings, client, known
        self._release = client.heartbeat.version
        self._problems: list[FailureRecord] = []
        self._reason = ""

    def items(self) -> Iterator[SourceItem]:
        try:
            listing = read_list(self._client, self._settings)
        except FetchError as error:
            raise self._client.unusable(error) from error
        if self._known and not listing.n_stated:
            listing.problem = listing.problem or f"the list is empty and {len(self._known)} entries are known"
        if listing.problem:
            self._note("list", f"release {self._release}", listing.problem)
        wanted = []
        for listed in listing.in_order:
            if self._known.get(listed.external_id) == listed.revision:
                yield UnchangedRecord(listed.external_id, listed.revision)
            else:
                wanted.append(listed)
        yield from self._fetched(wanted)
        if listing.problem is None:
            yield from self._given_up(listing.entries)
        self._note_new_release()
        yield from self._problems
        is_whole = all(problem.error_class != INCOMPLETE for problem in self._problems)
        yield ClosingRecord(listing.n_stated, is_whole=is_whole, version=self._release, n_excluded=listing.n_excluded)

    def _fetched(self, wanted: Sequence[Listed]) -> Iterator[EntryRecord]:
        """Yield the entries that came; what did not come is noted."""
        missing: list[Listed] = []
        n_failed = 0
        for is_deprecated in (False, True):
            chosen = [listed for listed in wanted if listed.is_deprecated == is_deprecated]
            for batch in batches(chosen, self._settings.batch_size):
                if n_failed == GIVE_UP_AFTER:
                    missing += batch
                    continue
                try:
                    came = self._entries(batch)
                    n_failed = 0
                except FetchError as error:
                    self._reason, n_failed = self._client.without_key(error), n_failed + 1
                    missing += batch
                    continue
                yield from came.values()
                absent = [listed for listed in batch if listed.external_id not in came]
                if absent:
                    self._reason = self._reason or "the service lists them and gives no document"
                    missing += absent
        if missing:
            told = f"{len(missing)} of {len(wanted)} entries that are new or changed did not come, "
            told += f"{missing[0].external_id} to {missing[-1].external_id}: {self._reason}"
            self._note("documents", missing[0].external_id, told)

    def _entries(self, batch: Sequence[Listed]) -> dict[str, EntryRecord]:
        """Return the entries of a batch by id; a question that is too long, or is not answered in full, is halved."""
        try:
            documents = self._documents(batch)
        except FetchError as error:
            is_short = isinstance(error, _ShortError)
            if is_short and len(batch) == 1:
                self._reason = error.problem
                return {}
            if not (is_short or error.status in _TOO_LONG) or len(batch) == 1:
                raise
            half = len(batch) // 2
            return self._entries(batch[:half]) | self._entries(batch[half:])
        marks = {listed.external_id: listed.revision for listed in batch}
        return {
            external_id: entry(said, self._settings, mark=marks[external_id], release=self._release)
            for external_id, said in documents.items()
            if external_id in marks
        }

    def _documents(self, batch: Sequence[Listed]) -> dict[str, Documents]:
        """Return what all collections that are needed say of a batch; a summary that is missing is asked for twice."""
        summaries: dict[str, Mapping[str, Any]] = {}
        asked = list(batch)
        for _ in range(2):
            ids = [listed.spelled for listed in asked]
            page = self._client.summaries(ids, SUMMARY_FIELDS, deprecated=batch[0].is_deprecated)
            summaries |= {_id(document): document for document in page.documents}
            asked = [listed for listed in asked if listed.external_id not in summaries]
            if not asked:
                break
        thermo: dict[str, list[Mapping[str, Any]]] = {}
        ids = [listed.spelled for listed in batch]
        if self._settings.energies:
            for document in _whole(self._client, "thermo", ids, THERMO_FIELDS):
                thermo.setdefault(_id(document), []).append(document)
        elasticity: dict[str, Mapping[str, Any]] = {}
        if self._settings.moduli:
            elasticity = {_id(d): d for d in _whole(self._client, "elasticity", ids, ELASTICITY_FIELDS)}
        return {key: Documents(summary, thermo.get(key, ()), elasticity.get(key)) for key, summary in summaries.items()}

    def _given_up(self, stated: Mapping[str, Listed]) -> Iterator[WithdrawnRecord]:
        """Yield what is known or asked for by id, no longer listed, and deprecated; note ids that do not exist."""
        asked = {canonical(spelled)[0] for spelled in self._settings.filter.material_ids}
        gone = sorted(({*self._known} | asked) - {*stated})
        found: dict[str, Mapping[str, Any]] = {}
        for ids in batches(gone, self._settings.batch_size):
            try:
                page = self._client.summaries(ids, ("material_id", "deprecated"), deprecated=True)
            except FetchError as error:
                told = f"whether {len(gone)} entries are deprecated is not known: {self._client.without_key(error)}"
                self._note("deprecated", gone[0], told)
                return
            found |= {_id(document): document for document in page.documents if document.get("deprecated")}
        for external_id in gone:
            if external_id in found and external_id in self._known:
                yield WithdrawnRecord(external_id, "deprecated")
            elif external_id in asked and external_id not in self._known:
                why = "has deprecated it" if external_id in found else "states no such entry that passes the filter"
                self._problems.append(
                    FailureRecord(
                        "ingest",
                        f"{self._settings.name}: {external_id}",
                        "NoSuchEntry",
                        f"{external_id} is asked for and the Materials Project {why}; take it out of material_ids",
                    )
                )

    def _note_new_release(self) -> None:
        try:
            release = self._client.ask_heartbeat().version
        except FetchError as error:
            told = f"whether the release is still {self._release} is not known: {self._client.without_key(error)}"
            self._note("release", self._release, told)
            return
        if release != self._release:
            told = f"the service went from release {self._release} to {release} while it was read"
            self._note("release", f"release {self._release}", told)

    def _note(self, what: str, subject: str, told: str) -> None:
        """Note that the reading is not whole."""
        message = f"{told}; what came is kept, the next run fetches the rest"
        subject = f"{self._settings.name}: {subject}"
        self._problems.append(FailureRecord("ingest", subject, INCOMPLETE, message, detail=what))


def _whole(
    client: MaterialsProjectClient, collection: str, ids: Sequence[str], fields: Sequence[str]
) -> list[dict[str, Any]]:
    """Return all documents that a collection has of ids.

    Raises
    ------
    _ShortError
        If fewer came than the service counts, twice: entries without a label that the service has would be wrong.
    """
    ask = getattr(client, collection)
    for _ in range(2):
        page = ask(ids, fields)
        distinct = {(document.get("material_id"), document.get("thermo_type")): document for document in page.documents}
        if len(distinct) >= page.total:
            return list(distinct.values())
    told = f"{collection} gave {len(distinct)} documents and counts {page.total}"
    raise _ShortError(client.endpoint, told)


def _id(document: Mapping[str, Any]) -> str:
    return canonical(str(document.get("material_id")))[0]
