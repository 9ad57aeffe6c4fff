"""The face that every source shows to the flows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from matsift.records import EntryRecord, SourceItem
from matsift.study.sources import SourceSettings

#: External id -> revision of what a source is known to state.
Known = Mapping[str, str]
NOTHING_KNOWN: Known = MappingProxyType({})

#: Error class of the failure that stands for all that follows the break of a truncated or damaged file.
TRUNCATED = "TruncatedError"

_TELLS_NOTHING_OF_CONTENT = {"name", "folder", "path", "description", "schedule"}


@dataclass(frozen=True)
class Source:
    """A readable source: what it is called, which state it is in, and its entries.

    `content_hash` is the `state_hash` of what is read and how; `version` is its first 12 digits unless the settings or
    the file itself name a version. A service has no `content_hash`: what state it is in shows when it is read, and the
    `ClosingRecord` that it yields last tells its version and its own count.
    """

    name: str
    kind: str
    version: str
    licence: str
    description: str
    content_hash: str | None
    read: Callable[[Known], Iterator[SourceItem]]

    def iterate(self, known: Known = NOTHING_KNOWN) -> Iterator[SourceItem]:
        """Yield what the source states; the same in the same order each time.

        An `EntryRecord` a structure; an `UnchangedRecord` where the revision is the known one, and nothing was parsed
        or fetched; a bare `FailureRecord` for what belongs to no entry: a duplicate id with other content, a row
        without an id, the break of a truncated file. A reading with a failure of the class `TRUNCATED` is not
        complete: what it does not state is unknown, not withdrawn.

        Parameters
        ----------
        known
            External id -> revision of the entries that need not be read again.

        Raises
        ------
        SourceError
            If nothing at all can be read.
        """
        return map(_with_doubts, self.read(known))


def _with_doubts(item: SourceItem) -> SourceItem:
    """Return an entry with the holds of any source, where no worker that parsed it has attached them already."""
    if not isinstance(item, EntryRecord) or item.crystal is None or item.facts is not None:
        return item
    from matsift.screening.structure_quality import structure_holds  # noqa: PLC0415  imports the compiler
    from matsift.structure_facts import density  # noqa: PLC0415  imports spglib

    doubts = structure_holds(item.crystal, density(item.crystal))
    return replace(item, holds=tuple(sorted({*item.holds, *doubts}))) if doubts else item


def state_hash(content_hash: str, settings: SourceSettings) -> str:
    """Return the SHA-256 of a content and of how it is read: another mapping of columns is another state."""
    return hashlib.sha256(f"{content_hash}\n{reading(settings)}".encode()).hexdigest()


def reading(settings: SourceSettings) -> str:
    """Return how a source is read, as text: the settings without what only says where it lies and what it is called."""
    return settings.model_dump_json(exclude=_TELLS_NOTHING_OF_CONTENT)
