"""The rows of a package out of the database, in the order of their natural keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from psycopg import sql
from sqlalchemy.orm import Session

from matsift_schema.base import SCHEMA
from matsift_schema.store.portable.table import PortableTable
from matsift_schema.store.streaming import stream

_READ = {"vector": "CAST({} AS real[])", "jsonb": "CAST({} AS text)"}


def read_table(session: Session, table: PortableTable) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows that go along (`scope.choose`) in chunks, a value for each column of the file."""
    joins = [
        _sql(f"LEFT JOIN ({reference.key.query}) AS k{i} ON k{i}.id = t.{reference.column}")
        for i, reference in enumerate(table.references)
    ]
    of_key = {name: f"k{i}.{name}" for i, reference in enumerate(table.references) for name in reference.key.names}
    fields = {name: table.written.get(name) or of_key.get(name) or f"t.{name}" for name in table.fields}
    fields |= {name: f"t.{name}" for name in table.columns if name not in table.written}
    query = sql.SQL("SELECT {fields} FROM {table} t {joins} WHERE {scope} ORDER BY {order}").format(
        fields=_sql(", ".join(_READ.get(kind, "{}").format(fields[name]) for name, kind in table.fields.items())),
        table=sql.Identifier(SCHEMA, table.name),
        joins=sql.SQL(" ").join(joins),
        scope=_sql(table.scope),
        order=_sql(", ".join(_ordered(fields[name], table.fields[name]) for name in table.identity)),
    )
    return stream(session, query, {})


def _ordered(expression: str, kind: str) -> str:
    return f'{expression} COLLATE "C"' if kind == "text" else expression


def _sql(constant: str) -> sql.SQL:
    """Return what constants of this package were put together to."""
    return sql.SQL(cast("Any", constant))
