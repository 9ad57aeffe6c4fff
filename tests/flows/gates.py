"""Gates in a database: at a closed one whoever does a certain thing waits, and can be killed just there."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

_KEY = 7242099  # of advisory locks that nobody else takes
_FUNCTION = """
CREATE OR REPLACE FUNCTION matsift.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7242099, hashtext(TG_ARGV[0]));
    RETURN NULL;
END $$
"""


class Gate:
    """A closed gate at a row that is inserted or updated; opened at the end of the block.

    Parameters
    ----------
    url
        Of the database.
    table
        Of the schema matsift.
    condition
        On NEW, the row.
    at_commit
        Whether the gate stands in the middle of COMMIT in place of the statement.
    """

    def __init__(self, url: str, table: str, condition: str = "TRUE", *, at_commit: bool = False) -> None:
        self._url, self._name = url, f"gate at {table} where {condition}{' at commit' if at_commit else ''}"[:63]
        self._table, self._condition = table, condition
        self._when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else "NOT DEFERRABLE"

    def __enter__(self) -> Self:
        self._mine = psycopg.connect(self._url, autocommit=True)
        self._mine.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_KEY, self._name))
        self._mine.execute(_FUNCTION.encode())
        self._mine.execute(
            sql.SQL(
                "CREATE CONSTRAINT TRIGGER {name} AFTER INSERT OR UPDATE ON matsift.{table} {when} FOR EACH ROW"
                " WHEN ({condition}) EXECUTE FUNCTION matsift.wait_at_gate({name_text})"
            ).format(
                name=sql.Identifier(self._name),
                table=sql.Identifier(self._table),
                when=sql.SQL(self._when),
                condition=sql.SQL(self._condition),
                name_text=sql.Literal(self._name),
            )
        )
        return self

    @property
    def waiting(self) -> int:
        """How many stand before the gate."""
        row = self._mine.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted"
            " AND objid = (hashtext(%s)::int8 & 4294967295)::oid",
            (_KEY, self._name),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Open the gate, and take it down once those who waited have passed; a dead server opened it itself."""
        self._mine.close()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP TRIGGER IF EXISTS {} ON matsift.{}").format(
                    sql.Identifier(self._name), sql.Identifier(self._table)
                )
            )
