"""The face that every source shows to the flows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matsift.records import EntryRecord, FailureRecord
from matsift.study.sources import SourceSettings

#: Error class of the failure that stands for all that follows the break of a truncated or damaged file.
TRUNCATED = "TruncatedError"

_TELLS_NOTHING_OF_CONTENT = {"name", "folder", "path", "description"}


@dataclass(frozen=True)
class Source:
    """A readable source: what it is called, which state it is in, and its entries.

    `content_hash` is the `state_hash` of what is read and how; `version` is its first 12 digits unless the settings or
    the file itself name a version.

    `iterate` may be called again and gives the same entries in the same order. It yields an `EntryRecord` a
    structure, and a bare `FailureRecord` for what belongs to no entry: a duplicate id with other content, a row
    without an id, the break of a truncated file. A reading with a failure of the class `TRUNCATED` is not complete:
    what it does not state is unknown, not withdrawn.

    Raises of `iterate`
    -------------------
    SourceError
        If nothing at all can be read.
    """

    name: str
    kind: str
    version: str
    licence: str
    description: str
    content_hash: str
    iterate: Callable[[], Iterator[EntryRecord | FailureRecord]]


def state_hash(content_hash: str, settings: SourceSettings) -> str:
    """Return the SHA-256 of a content and of how it is read: another mapping of columns is another state."""
    reading = settings.model_dump_json(exclude=_TELLS_NOTHING_OF_CONTENT)
    return hashlib.sha256(f"{content_hash}\n{reading}".encode()).hexdigest()
