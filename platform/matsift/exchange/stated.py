"""A structure as it leaves the database: the crystal, its identity, and who stated it under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from matsift.crystal import Crystal

#: Digits of the content hash in the name of a file: two of a million structures share them once in 10 million millions.
_NAME_DIGITS = 16


@dataclass(frozen=True)
class StatedBy:
    """One entry of a source that describes the structure now."""

    source: str
    external_id: str
    url: str | None
    licence: str


@dataclass(frozen=True, eq=False)
class StatedStructure:
    """A crystal with its content hash, reduced formula, symmetry, the entries that state it, and when it was stored.

    `space_group_number` is None where no symmetry was found.
    """

    structure_hash: str
    crystal: Crystal
    formula: str
    space_group_number: int | None
    stated_by: tuple[StatedBy, ...]
    created_at: datetime

    @property
    def name(self) -> str:
        """Name for a file: formula and the beginning of the hash."""
        return f"{self.formula}_{self.structure_hash[:_NAME_DIGITS]}"

    @property
    def licences(self) -> tuple[str, ...]:
        """Licences of the entries, each once, sorted."""
        return tuple(sorted({entry.licence for entry in self.stated_by}))

    @property
    def sources(self) -> tuple[str, ...]:
        """The entries as ``source: id``, in their order."""
        return tuple(f"{entry.source}: {entry.external_id}" for entry in self.stated_by)
