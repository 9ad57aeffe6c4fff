"""What a database holds of a source after readings, without a database: for tests of the adapters alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from matsift.records import ClosingRecord, EntryRecord, FailureRecord, UnchangedRecord, WithdrawnRecord
from matsift_adapters.sources import Source


@dataclass
class Reading:
    """What one reading stated, by kind."""

    entries: dict[str, EntryRecord] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)
    taken_back: dict[str, str] = field(default_factory=dict)
    failures: list[FailureRecord] = field(default_factory=list)
    closing: ClosingRecord | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the source says so."""
        assert self.closing is not None
        return self.closing.is_whole

    @property
    def told(self) -> str:
        """All that the failures say."""
        return "\n".join(failure.message for failure in self.failures)


@dataclass
class Held:
    """The current entries of a source: id -> record."""

    entries: dict[str, EntryRecord] = field(default_factory=dict)

    def sync(self, source: Source) -> Reading:
        """Read a source from what is held, and hold what it states."""
        known = {key: entry.revision for key, entry in self.entries.items() if entry.revision is not None}
        reading = Reading()
        for item in source.iterate(known):
            assert reading.closing is None, "the closing record is the last"
            if isinstance(item, EntryRecord):
                assert item.external_id not in reading.entries, "an entry is stated once"
                reading.entries[item.external_id] = item
            elif isinstance(item, UnchangedRecord):
                assert known[item.external_id] == item.revision
                reading.unchanged.add(item.external_id)
            elif isinstance(item, WithdrawnRecord):
                reading.taken_back[item.external_id] = item.reason
            elif isinstance(item, FailureRecord):
                reading.failures.append(item)
            else:
                reading.closing = item
        assert not reading.unchanged & set(reading.entries)
        self.entries |= reading.entries
        gone = set(reading.taken_back)
        if reading.is_whole:
            gone |= set(self.entries) - set(reading.entries) - reading.unchanged
        self.entries = {key: entry for key, entry in self.entries.items() if key not in gone}
        return reading
