"""Bulk transport: rows in by binary COPY through a temporary table, arrays out of binary rows without Python lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector.psycopg import register_vector
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader
from psycopg.errors import UniqueViolation
from psycopg.pq import Format
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.base import SCHEMA
from matsift_schema.store.packing import storable, text_array

T = TypeVar("T")

#: The temporary table that `incoming` fills; statements of the caller read from it.
INCOMING = "incoming"

_ARRAY_HEADER_BYTES = 20  # dimensions, null flag, element type, length, lower bound: 4 bytes each
_LENGTH_BYTES = 4  # that stand before a value in COPY, but not in a parameter
_VECTOR_HEADER_BYTES = 4  # length and an unused field: 2 bytes each
_ANALYZE_FROM = 500
_SLAB_BYTES = 1 << 17
_ATTEMPTS = 5
_TABLE = sql.Identifier(INCOMING)
_COPY = sql.SQL("COPY pg_temp.{} FROM STDIN (FORMAT BINARY)").format(_TABLE)
_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_COPY_TRAILER = b"\xff\xff"


@contextmanager
def incoming(session: Session, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> Iterator[int]:
    """Fill the temporary table ``incoming`` by binary COPY and yield its number of rows; drop it at the end.

    Parameters
    ----------
    session
        Session whose transaction sees the table.
    columns
        Column name -> PostgreSQL type. Binary COPY casts nothing, so the types must be exact.
    rows
        One sequence a row, in the order of the columns.
    """
    with driver_connection(session).cursor() as cursor:
        _create_incoming(cursor, columns)
        count = 0
        with cursor.copy(_COPY) as copy:
            copy.set_types(list(columns.values()))
            for row in rows:
                copy.write_row([storable(value) if isinstance(value, str) else value for value in row])
                count += 1
        if count >= _ANALYZE_FROM:
            cursor.execute(sql.SQL("ANALYZE pg_temp.{}").format(_TABLE))
    yield count
    session.execute(text("DROP TABLE IF EXISTS pg_temp.incoming"))


@contextmanager
def incoming_packed(session: Session, columns: Mapping[str, str], rows: Iterable[bytes]) -> Iterator[None]:
    """Fill the temporary table ``incoming`` with rows that are in COPY's binary form already; drop it at the end.

    A row is the number of its fields (int16), then for each field its length in bytes (int32) and its binary value, all
    big-endian, as NumPy writes many at once.
    """
    with driver_connection(session).cursor() as cursor:
        _create_incoming(cursor, columns)
        _send(cursor, _COPY, rows)
    yield
    session.execute(text("DROP TABLE IF EXISTS pg_temp.incoming"))


def copy_into(session: Session, table: str, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Append rows in COPY's binary form (`incoming_packed`), whole or in parts, to a table: the shortest way in.

    Triggers, constraints and defaults count as in an INSERT; a row that is there already is an error.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(SCHEMA, table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with driver_connection(session).cursor() as cursor:
        _send(cursor, statement, rows)


def server_time(session: Session) -> datetime:
    """Return the server's clock: one moment for all rows of a COPY, which a default would ask for row by row."""
    return cast("datetime", session.execute(text("SELECT clock_timestamp()")).scalar_one())


def unless_overtaken(session: Session, write: Callable[[], T]) -> T:
    """Return what `write` returns, called in a savepoint, anew where another session stored the same meanwhile.

    `write` looks what is there before it appends the rest: the next time it finds what the other session stored.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            with session.begin_nested():
                return write()
        except UniqueViolation:
            continue
    with session.begin_nested():
        return write()


def _send(cursor: psycopg.Cursor[tuple[Any, ...]], statement: sql.Composed, rows: Iterable[bytes]) -> None:
    """Send rows in pieces, so that the server stores one while the next is written."""
    with cursor.copy(statement) as copy:
        slab, size = [_COPY_HEADER], 0
        for row in rows:
            slab.append(row)
            size += len(row)
            if size > _SLAB_BYTES:
                copy.write(b"".join(slab))
                slab, size = [], 0
        copy.write(b"".join([*slab, _COPY_TRAILER]))


def _create_incoming(cursor: psycopg.Cursor[tuple[Any, ...]], columns: Mapping[str, str]) -> None:
    definitions = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(cast("Any", kind))) for name, kind in columns.items()
    ]
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(_TABLE))
    cursor.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(_TABLE, sql.SQL(", ").join(definitions))
    )


def select_binary(session: Session, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return rows in which ``float8[]``, ``float4[]``, ``int4[]``, ``int2[]`` and ``vector`` are NumPy arrays.

    `query` is psycopg's own SQL, with ``%(name)s`` for parameters.
    """
    session.flush()
    connection = driver_connection(session)
    with connection.cursor(binary=True) as cursor:
        for oid, loader in _ARRAY_LOADERS.items():
            cursor.adapters.register_loader(oid, loader)
        vector = connection.adapters.types.get("vector")
        if vector is not None:
            cursor.adapters.register_loader(vector.oid, _VectorLoader)
        cursor.execute(query.encode(), parameters)
        return cursor.fetchall()


@dataclass(frozen=True)
class _Texts:
    values: Sequence[str]


class _TextsDumper(Dumper):
    """Texts as a ``text[]``, five times as fast as psycopg's own way."""

    format = Format.BINARY
    oid = 1009

    def dump(self, obj: _Texts) -> bytes:
        return text_array(obj.values)[_LENGTH_BYTES:]


def texts(session: Session, values: Sequence[str]) -> object:
    """Return a ``text[]`` for a statement's parameter, of many texts, each made `storable`."""
    driver_connection(session).adapters.register_dumper(_Texts, _TextsDumper)
    return _Texts(values)


def driver_connection(session: Session) -> psycopg.Connection[tuple[Any, ...]]:
    """Return the psycopg connection of a session, which knows the type ``vector``."""
    connection = cast("psycopg.Connection[tuple[Any, ...]]", session.connection().connection.driver_connection)
    if connection.adapters.types.get("vector") is None:
        register_vector(connection)
    return connection


def as_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return values in the single precision of a pgvector; what does not fit becomes infinite, without a warning."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


class _FloatArrayLoader(Loader):
    """A one-dimensional ``float8[]`` without NULLs as (n,) float64."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float64]:
        items = np.frombuffer(data, dtype=[("size", ">i4"), ("value", ">f8")], offset=_array_offset(data))
        return items["value"].astype(np.float64)


class _IntArrayLoader(Loader):
    """A one-dimensional ``int4[]`` without NULLs as (n,) int64."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int64]:
        items = np.frombuffer(data, dtype=[("size", ">i4"), ("value", ">i4")], offset=_array_offset(data))
        return items["value"].astype(np.int64)


class _ShortArrayLoader(Loader):
    """A one-dimensional ``int2[]`` without NULLs as (n,) int16."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int16]:
        items = np.frombuffer(data, dtype=[("size", ">i4"), ("value", ">i2")], offset=_array_offset(data))
        return items["value"].astype(np.int16)


class _SingleArrayLoader(Loader):
    """A one-dimensional ``float4[]`` without NULLs as (n,) float32."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        items = np.frombuffer(data, dtype=[("size", ">i4"), ("value", ">f4")], offset=_array_offset(data))
        return items["value"].astype(np.float32)


#: Object id of the array's type -> what reads it.
_ARRAY_LOADERS: dict[int, type[Loader]] = {
    1022: _FloatArrayLoader,
    1021: _SingleArrayLoader,
    1007: _IntArrayLoader,
    1005: _ShortArrayLoader,
}


class _VectorLoader(Loader):
    """A pgvector as (n,) float32."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.float32]:
        return np.frombuffer(data, dtype=">f4", offset=_VECTOR_HEADER_BYTES).astype(np.float32)


def _array_offset(data: Buffer) -> int:
    """Return where the elements begin; an empty array has no dimension and ends after 12 bytes."""
    return min(_ARRAY_HEADER_BYTES, memoryview(data).nbytes)
