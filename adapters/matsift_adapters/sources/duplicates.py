"""One id, one entry: repeats within one reading of a source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from matsift.records import EntryRecord, FailureRecord, SourceItem, UnchangedRecord

Read = tuple[str, EntryRecord | UnchangedRecord | FailureRecord]


def unique(items: Iterable[Read]) -> Iterator[SourceItem]:
    """Yield each entry once; an id that returns with other content becomes a failure that names both places.

    Parameters
    ----------
    items
        Pairs of the place (file and member or row) and what was read there. The first entry of an id is kept; the
        same content once more is passed over in silence.
    """
    seen: dict[str, tuple[str, bytes]] = {}
    for place, item in items:
        if isinstance(item, FailureRecord):
            yield item
            continue
        digest = item.revision.encode() if isinstance(item, UnchangedRecord) else _digest(item)
        first_place, first_digest = seen.setdefault(item.external_id, (place, digest))
        if first_place == place:
            yield item
        elif first_digest != digest:
            yield FailureRecord(
                "parse",
                place,
                "DuplicateIdError",
                f"{place}: the id {item.external_id!r} was read before with other content from {first_place}, and that "
                "one is kept; give each entry an id of its own (for files: id_from = 'path')",
                detail=item.external_id,
            )


def _digest(entry: EntryRecord) -> bytes:
    labels = sorted((x.property_name, x.method, x.origin, x.value) for x in entry.labels)
    structure = entry.crystal.content_hash if entry.crystal else [f.error_class for f in entry.failures]
    payload = {key: value for key, value in entry.payload.items() if key != "file"}  # a copy elsewhere is a copy
    said = json.dumps([structure, labels, payload], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).digest()
