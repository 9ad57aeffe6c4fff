"""A reading of a served Materials Project by the real client, sorted by what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.servers.faulty import FaultyServer, Request

from matsift.records import ClosingRecord, EntryRecord, FailureRecord, SourceItem, UnchangedRecord, WithdrawnRecord
from matsift.study.materials_project import MaterialsProjectSource
from matsift_adapters.sources.materials_project import open_materials_project
from matsift_adapters.sources.source import NOTHING_KNOWN, Known

LIST, DOCUMENTS = "list", "documents"
PROPERTIES = ("k_vrh", "g_vrh", "band_gap", "formation_energy_per_atom", "energy_above_hull")


@dataclass
class Read:
    """What a reading yielded, in its order."""

    items: list[SourceItem] = field(default_factory=list)

    @property
    def entries(self) -> dict[str, EntryRecord]:
        """The entries that were fetched; an id that came twice is an error."""
        found = [item for item in self.items if isinstance(item, EntryRecord)]
        assert len({e.external_id for e in found}) == len(found)
        return {entry.external_id: entry for entry in found}

    @property
    def unchanged(self) -> list[str]:
        """Ids of the entries that were not fetched."""
        return [item.external_id for item in self.items if isinstance(item, UnchangedRecord)]

    @property
    def withdrawn(self) -> dict[str, str]:
        """Id and reason of what the source takes back."""
        return {item.external_id: item.reason for item in self.items if isinstance(item, WithdrawnRecord)}

    @property
    def failures(self) -> list[FailureRecord]:
        """Failures of the reading itself."""
        return [item for item in self.items if isinstance(item, FailureRecord)]

    @property
    def closing(self) -> ClosingRecord:
        """The last item."""
        last = self.items[-1]
        assert isinstance(last, ClosingRecord)
        return last

    def known(self, before: Known = NOTHING_KNOWN) -> dict[str, str]:
        """Return the revisions that a database knows after the reading."""
        came = {key: entry.revision for key, entry in self.entries.items() if entry.revision is not None}
        stated = {*came, *self.unchanged}
        kept = {key: mark for key, mark in before.items() if key in stated or not self.closing.is_whole}
        return {key: mark for key, mark in (kept | came).items() if key not in self.withdrawn}


def settings_for(server: FaultyServer, **changes: Any) -> MaterialsProjectSource:
    """Return settings that do not wait long; `changes` win."""
    quick: dict[str, Any] = {
        "kind": "materials_project",
        "filter": {"num_elements": [1, 9]},
        "properties": PROPERTIES,
        "endpoint": server.url,
        "page_size": 5,
        "batch_size": 4,
        "requests_per_second": 100,
        "timeout_s": 5,
        "attempts": 3,
        "max_wait_s": 0.01,
    }
    return MaterialsProjectSource.model_validate(quick | changes)


def read(settings: MaterialsProjectSource, known: Known = NOTHING_KNOWN) -> Read:
    """Return what the source states beyond what is known."""
    return Read(list(open_materials_project(settings).iterate(known)))


def asks_for(part: str) -> Callable[[Request], bool]:
    """Return what tells requests of the list from those of documents."""
    return lambda request: ("_page" if part == LIST else "material_ids") in request.query


class From:
    """All ordinals from one on."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number >= self.first


def completes(
    server: FaultyServer, first: Read, whole: Read, *, fetched: list[str], known: dict[str, str] | None = None
) -> None:
    """Check that the reading after the fault fetches what was missing and nothing else, and is whole."""
    server.calm()
    known = first.known() if known is None else known
    second = read(settings_for(server), known)
    assert list(second.entries) == fetched
    assert (second.failures, second.closing) == ([], whole.closing)
    assert second.known(known) == whole.known()
    assert {k: e.labels for k, e in {**first.entries, **second.entries}.items()}.items() <= {
        k: e.labels for k, e in whole.entries.items()
    }.items()
