"""Natural keys: what stands for the id of a row outside the database that handed it out."""

from __future__ import annotations

from dataclasses import dataclass

#: SHA-256 of what a run was and when it began, for an alias of its table; a run has no other name.
RUN_HASH = """
    encode(sha256(convert_to(concat_ws(chr(31), {0}.flow, coalesce({0}.study, ''), {0}.parameters::text,
        {0}.code_version, {0}.environment_hash,
        to_char({0}.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')), 'UTF8')), 'hex')
"""


@dataclass(frozen=True)
class Key:
    """How a table is named from outside: the columns that do it with their types, and a query of them beside ``id``."""

    table: str
    columns: tuple[tuple[str, str], ...]
    query: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(name for name, _ in self.columns)


RUN = Key(
    "run",
    (("run_hash", "text"),),
    f"SELECT r.id, {RUN_HASH.format('r')} AS run_hash FROM matsift.run r",  # noqa: S608  a constant
)
PROPERTY = Key("property", (("property_name", "text"),), "SELECT id, name AS property_name FROM matsift.property")
SOURCE = Key("source", (("source", "text"),), "SELECT id, name AS source FROM matsift.source")
STRUCTURE = Key(
    "structure", (("structure_hash", "text"),), "SELECT id, content_hash AS structure_hash FROM matsift.structure"
)
ENTRY = Key(
    "source_entry",
    (("entry_source", "text"), ("entry_id", "text"), ("entry_hash", "text")),
    "SELECT e.id, o.name AS entry_source, e.external_id AS entry_id, e.content_hash AS entry_hash"
    " FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id",
)
LABEL = Key(
    "label",
    (
        *(("structure_hash", "text"), ("property_name", "text"), ("method", "text"), ("origin", "text")),
        ("revision", "int4"),
    ),
    "SELECT l.id, s.content_hash AS structure_hash, p.name AS property_name, l.method, l.origin, l.revision"
    " FROM matsift.label l JOIN matsift.structure s ON s.id = l.structure_id"
    " JOIN matsift.property p ON p.id = l.property_id",
)
DESCRIPTOR_SET = Key(
    "descriptor_set",
    (("descriptor_set", "text"), ("descriptor_version", "text")),
    "SELECT id, name AS descriptor_set, version AS descriptor_version FROM matsift.descriptor_set",
)
SNAPSHOT = Key(
    "dataset_snapshot",
    (("snapshot_hash", "text"),),
    "SELECT id, content_hash AS snapshot_hash FROM matsift.dataset_snapshot",
)
MODEL = Key(
    "model_version", (("model_hash", "text"),), "SELECT id, content_hash AS model_hash FROM matsift.model_version"
)
SCREEN = Key("screen", (("screen_hash", "text"),), "SELECT id, content_hash AS screen_hash FROM matsift.screen")
