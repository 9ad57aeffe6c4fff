"""A table as it stands in a package: what its rows name by natural keys, what they hold, what may not differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from matsift.exchange.columns import Column, Kind
from matsift_schema.store.portable.keys import Key

#: Type in the database -> what the column of the file holds.
_KINDS: dict[str, Kind] = {
    "text": "text",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "float8": "number",
    "bool": "boolean",
    "timestamptz": "moment",
    "jsonb": "text",
    "text[]": "texts",
    "int2[]": "integers",
    "int4[]": "integers",
    "float8[]": "numbers",
    "vector": "singles",
}


@dataclass(frozen=True)
class Reference:
    """A foreign key: its column, what it points to, and whether a row may have none."""

    column: str
    key: Key
    optional: bool = False


@dataclass(frozen=True)
class PortableTable:
    """A table of a package.

    Parameters
    ----------
    name
        Of the table, and of the file.
    references
        Foreign keys, written as the natural keys of what they point to.
    columns
        Other columns with their types in the database.
    identity
        Columns of the file that name a row; they order the file.
    scope
        Condition on the table, ``t``, of the rows that go along; `matsift_schema.store.portable.scope` has its tables.
    told
        Columns of the database in which two rows of one identity must agree, or the import is refused.
    watched
        Columns of the database in which they may differ: what is there is kept, and counted.
    written
        SQL in place of a column when the file is written.
    taken
        SQL of columns of the database that are no columns of the file, or not as it states them; ``i`` is its row.
    """

    name: str
    references: tuple[Reference, ...]
    columns: dict[str, str]
    identity: tuple[str, ...]
    scope: str
    told: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        """Columns of the file with their types in the database: natural keys, then the others."""
        keys = {name: kind for reference in self.references for name, kind in reference.key.columns}
        return {**keys, **self.columns}

    @property
    def own_identity(self) -> tuple[str, ...]:
        """Columns of the database that name a row."""
        keys = tuple(r.column for r in self.references if set(r.key.names) <= set(self.identity))
        of_keys = {name for r in self.references if r.column in keys for name in r.key.names}
        return (*keys, *(name for name in self.identity if name not in of_keys or name in self.columns))

    @property
    def file_columns(self) -> tuple[Column, ...]:
        """Columns of the file."""
        return tuple(Column(name, _KINDS[kind]) for name, kind in self.fields.items())
