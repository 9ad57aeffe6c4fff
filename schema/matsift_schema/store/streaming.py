"""Rows out in chunks, by a cursor on the server: no table is too long for the memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import sql
from sqlalchemy.orm import Session

from matsift_schema.store.copying import driver_connection

#: Rows in one chunk.
CHUNK = 2000


def stream(
    session: Session, query: sql.Composed, parameters: Mapping[str, Any], *, chunk: int = CHUNK
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a query in chunks; ``%(name)s`` stands for a parameter."""
    session.flush()
    with driver_connection(session).cursor(name="matsift_rows", binary=True) as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(chunk):
            yield rows


def read_at_one_moment(session: Session) -> None:
    """Let the transaction, which has asked nothing yet, see the database as it is now until its end."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
