"""Which files and rows need not be parsed again: a revision is a hash of what an entry was read from, and how."""

from __future__ import annotations

import hashlib
from collections import defaultdict

from matsift.study.sources import SourceSettings
from matsift_adapters.sources.source import Known, reading

#: Raised when a reader of files gives another structure for the same text, so that all of them are read again.
READER = 1


class Revisions:
    """The revisions of one reading of a source of files or rows.

    A file may hold several entries, and a killed run may have stored only some of them: the revision names how many
    there are, and a file counts as known only when all of them are.
    """

    def __init__(self, settings: SourceSettings, known: Known) -> None:
        self._reading = f"{READER}\n{reading(settings)}".encode()
        self._ids: dict[str, list[str]] = defaultdict(list)
        for external_id, revision in known.items():
            self._ids[revision.partition("/")[0]].append(external_id)
        self._known = known

    def digest(self, base: str, content: bytes) -> str:
        """Return the mark of a content that stands under an id or a file's name."""
        found = hashlib.sha256(self._reading)
        found.update(f"\n{base}\n".encode("utf-8", "surrogatepass"))
        found.update(content)
        return found.hexdigest()[:32]

    def known_ids(self, digest: str) -> list[str]:
        """Return the ids of all entries of a content, in order of their ids; none unless every one is known."""
        ids = self._ids.get(digest, [])
        wanted = revision(digest, len(ids))
        return sorted(ids) if all(self._known[external_id] == wanted for external_id in ids) else []


def revision(digest: str, n_entry: int) -> str:
    """Return the revision of each of the entries of a content."""
    return f"{digest}/{n_entry}"


def reading_mark(settings: SourceSettings, *keys: str, reader: int = READER) -> str:
    """Return a short hash of those settings that tell in what an entry is read as; others may change freely.

    `reader` is the number of the code that reads, for what is not read by that of files.
    """
    told = settings.model_dump_json(include=set(keys))
    return hashlib.sha256(f"{reader}\n{told}".encode()).hexdigest()[:8]
