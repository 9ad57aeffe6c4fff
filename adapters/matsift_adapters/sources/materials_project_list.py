"""Which entries the Materials Project states: its list, page by page, reconciled with its own count.

A page that is empty, repeated or cut ends nothing and hides nothing: the ids that came are counted against
``meta.total_doc``, and the list is read again where they disagree. A list that stays short, or whose count changes
under way, is used for what it says and not taken for whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeVar

from matsift.study.materials_project import MaterialsProjectSource
from matsift_adapters.sources.materials_project_client import MaterialsProjectClient, Page
from matsift_adapters.sources.materials_project_documents import meta_of, revision
from matsift_adapters.sources.materials_project_ids import canonical
from matsift_adapters.sources.web import FetchError

_T = TypeVar("_T")

#: What the list says of an entry.
LIST_FIELDS = ("material_id", "last_updated", "deprecated", "builder_meta")
#: How often a list is read whose ids do not add up to its count.
N_PASS = 3
#: Pages in a row that bring nothing new, after which a count is not believed.
_N_IDLE = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of the list: the id it is kept under, the id as the service spells it, its revision."""

    external_id: str
    number: int | None
    spelled: str
    revision: str
    is_deprecated: bool


@dataclass
class Listing:
    """All entries that the filter selects; `problem` says in a sentence why it is not the whole list.

    `n_excluded` of the `n_stated` entries are left out for their licence, or for being deprecated after all.
    """

    entries: dict[str, Listed] = field(default_factory=dict)
    n_stated: int = 0
    n_excluded: int = 0
    problem: str | None = None

    @property
    def in_order(self) -> list[Listed]:
        """The entries, by number."""
        return sorted(self.entries.values(), key=lambda e: (e.number is None, e.number or 0, e.external_id))


_Take = Callable[[dict[str, Any]], Listed | None]


def read_list(client: MaterialsProjectClient, settings: MaterialsProjectSource) -> Listing:
    """Return what the filter selects.

    Raises
    ------
    FetchError
        If not even the first page came.
    """
    listing = Listing()
    questions = batches(settings.filter.material_ids, min(settings.batch_size, settings.page_size)) or [()]
    for is_deprecated in (False, True) if settings.include_deprecated else (False,):
        for ids in questions:
            take = partial(_listed, settings=settings, client=client, is_deprecated=is_deprecated)
            ask = partial(client.listed, fields=LIST_FIELDS, deprecated=is_deprecated, material_ids=ids)
            part = _read_part(ask, settings.page_size, take)
            if part.error is not None and not (part.entries or listing.entries):
                raise part.error
            listing.n_stated += part.n_stated
            listing.problem = listing.problem or part.problem(client)
            _enter(listing, part.entries.values())
    return listing


def batches(items: Sequence[_T], size: int) -> list[tuple[_T, ...]]:
    """Return the items in tuples of at most `size`."""
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]


@dataclass
class _Part:
    """One way through the pages of one question: entries by their spelled id (None: not wanted), the counts stated."""

    entries: dict[str, Listed | None] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    error: FetchError | None = None

    @property
    def n_stated(self) -> int:
        return self.totals[-1] if self.totals else 0

    @property
    def adds_up(self) -> bool:
        return self.error is None and set(self.totals) == {len(self.entries)}

    def problem(self, client: MaterialsProjectClient) -> str | None:
        """Return why this is not the whole list."""
        if self.error is not None:
            return f"the list broke off after {len(self.entries)} entries: {client.without_key(self.error)}"
        if len(set(self.totals)) > 1:
            return f"the service's count changed from {self.totals[0]} to {self.totals[-1]} while its list was read"
        if not self.adds_up:
            return f"the list holds {len(self.entries)} entries and the service counts {self.n_stated}"
        return None


def _read_part(ask: Callable[[int], Page], page_size: int, take: _Take) -> _Part:
    """Return the first pass that adds up; if none does, the last one with all that the others saw."""
    seen: dict[str, Listed | None] = {}
    part = _Part()
    for _ in range(N_PASS):
        part = _one_pass(ask, page_size, take)
        seen |= part.entries
        if part.adds_up or part.error is not None:
            break
    if not part.adds_up:
        part.entries = seen
    return part


def _one_pass(ask: Callable[[int], Page], page_size: int, take: _Take) -> _Part:
    part = _Part()
    n_idle = 0
    for number in count(1):
        try:
            page = ask(number)
        except FetchError as error:
            part.error = error
            return part
        part.totals.append(page.total)
        n_before = len(part.entries)
        part.entries |= {str(d["material_id"]): take(d) for d in page.documents if d.get("material_id")}
        n_idle = 0 if len(part.entries) > n_before else n_idle + 1
        if number * page_size >= page.total or n_idle == _N_IDLE:
            return part
    raise AssertionError("pages are counted without end")


def _listed(
    document: dict[str, Any], *, settings: MaterialsProjectSource, client: MaterialsProjectClient, is_deprecated: bool
) -> Listed | None:
    """Return the entry of a document of the list, None where its licence or its deprecation speaks against it."""
    meta = meta_of(document)
    is_controlled = meta.get("license") == "BY-NC" or meta.get("batch_id") in client.heartbeat.controlled_batches
    if (is_controlled and not settings.include_gnome) or bool(document.get("deprecated")) != is_deprecated:
        return None
    spelled = str(document["material_id"])
    external_id, number = canonical(spelled)
    mark = revision(document, settings, client.heartbeat.version)
    return Listed(external_id, number, spelled, mark, is_deprecated)


def _enter(listing: Listing, entries: Iterable[Listed | None]) -> None:
    """Enter what is wanted, once for all spellings of its id."""
    for listed in entries:
        if listed is None:
            listing.n_excluded += 1
        elif listed.spelled <= listing.entries.setdefault(listed.external_id, listed).spelled:
            listing.entries[listed.external_id] = listed
