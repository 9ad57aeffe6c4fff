"""Domain records that adapters yield, the store writes and flows pass on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from matsift.crystal import Crystal
from matsift.sentences import bearable

if TYPE_CHECKING:
    from matsift.structure_facts import StructureFacts


_CANONICAL = json.JSONEncoder(sort_keys=True, default=str)


@lru_cache(maxsize=1024)
def _frequent_json(value: str | None) -> str:
    """Return the JSON of a text that many entries share."""
    return _CANONICAL.encode(value)


@dataclass(frozen=True)
class LabelRecord:
    """One value of one property of one structure, as a source or an oracle states it.

    `property_name` is a name of `matsift.units.PROPERTIES`, `value` stands in that property's unit, `method` says how
    it was computed or measured (for example ``chgnet-0.3.0-finite-strain``), `origin` says where it comes from
    (``source:NAME`` or ``oracle:NAME``).
    """

    property_name: str
    value: float
    method: str
    origin: str
    uncertainty: float | None = None


@dataclass(frozen=True)
class FailureRecord:
    """Something that went wrong with one thing, kept as a row while its neighbours go on.

    `stage` says at what (parse, label_value, descriptor, field, relax, label, predict); `subject` names the thing (a
    file and row, an external id, a structure hash); `detail` tells apart several failures of one subject in one stage
    (a descriptor set, a property).
    """

    stage: str
    subject: str
    error_class: str
    message: str
    seconds: float = 0.0
    detail: str = ""
    structure_hash: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", bearable(self.message))

    @classmethod
    def of(cls, stage: str, subject: str, error: BaseException, **rest: Any) -> FailureRecord:
        """Return the record of an exception."""
        message = str(error).strip() or type(error).__name__
        return cls(stage, subject, type(error).__name__, message, **rest)


@dataclass(frozen=True)
class EntryRecord:
    """One entry of a source: an id, usually a structure, its labels, and what went wrong with it.

    `payload` is what the source said beyond that, as plain JSON. An entry whose structure could not be read has
    ``crystal=None`` and at least one failure. `canonical_number` is the id as a number where a source writes one id in
    several forms (``mp-8039`` and ``mp-lxf``). `facts` describe the crystal where the source knows them already.
    `revision` is the mark by which the source, or the file that the entry was read from, tells this state from another;
    an entry without one is read anew each time.
    """

    external_id: str
    crystal: Crystal | None
    version: str
    licence: str
    url: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    labels: tuple[LabelRecord, ...] = ()
    failures: tuple[FailureRecord, ...] = ()
    holds: tuple[str, ...] = ()
    canonical_number: int | None = None
    facts: StructureFacts | None = None
    revision: str | None = None

    @cached_property
    def payload_json(self) -> str:
        """The payload as JSON in ASCII, keys sorted; what is not finite stands as Python writes it (``NaN``)."""
        return _CANONICAL.encode(self.payload)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what the entry says; its version does not count, so that a new version may say the same.

        It is that of a JSON list, written item by item: most entries differ in two of them.
        """
        labels = [[x.property_name, float(x.value).hex(), x.method, x.origin, str(x.uncertainty)] for x in self.labels]
        failures = [[f.stage, f.detail, f.error_class, f.message] for f in self.failures]
        content = (
            f'"{self.crystal.content_hash}"' if self.crystal else "null",
            _CANONICAL.encode(sorted(labels)) if labels else "[]",
            self.payload_json,
            _frequent_json(self.licence),
            _frequent_json(self.url),
            _CANONICAL.encode(list(self.holds)) if self.holds else "[]",
            _CANONICAL.encode(failures) if failures else "[]",
        )
        return hashlib.sha256(f"[{', '.join(content)}]".encode()).hexdigest()


@dataclass(frozen=True)
class UnchangedRecord:
    """An entry that its source states under the revision that is known: it was not read again."""

    external_id: str
    revision: str


@dataclass(frozen=True)
class WithdrawnRecord:
    """An entry that its source takes back by name, and why (``deprecated``)."""

    external_id: str
    reason: str


@dataclass(frozen=True)
class ClosingRecord:
    """What a service says of itself at the end of a reading; files need none.

    `n_stated` is the source's own count of what was asked for, `n_excluded` how many of these the study's rules left
    out. Where the reading is not whole, what it did not state is unknown, not withdrawn. `version` is the release that
    was read, where the service names one.
    """

    n_stated: int | None
    is_whole: bool
    version: str | None = None
    n_excluded: int = 0


SourceItem = EntryRecord | FailureRecord | UnchangedRecord | WithdrawnRecord | ClosingRecord
