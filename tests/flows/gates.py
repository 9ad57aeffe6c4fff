"""Gates in a database: at a closed one whoever does a certain thing waits, and can be killed just there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

_KEY = 7242099  # of advisory locks that nobody else takes
_FUNCTION = """
CREATE OR REPLACE FUNCTION matsift.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7242099, hashtext(TG_NAME));
    RETURN NULL;
END $$
"""
_TRIGGER = """
CREATE CONSTRAINT TRIGGER {name} AFTER INSERT OR UPDATE ON matsift.{table} {moment}
FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION matsift.wait_at_gate()
"""
_WAITING = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND NOT granted
AND objid = (hashtext(%s)::int8 & 4294967295)::oid
"""


class Gate:
    """A closed gate at a row that is inserted or updated; opened at the end of the block.

    Parameters
    ----------
    url
        Returns the address of the database, which changes when its server is started again.
    table
        Of the schema matsift.
    condition
        On NEW, the row.
    at_commit
        Whether the gate stands in the middle of COMMIT in place of the statement.
    """

    def __init__(self, url: Callable[[], str], table: str, condition: str = "TRUE", *, at_commit: bool = False) -> None:
        self._url, self._name = url, f"gate_at_{table}"
        self._moment = "DEFERRABLE INITIALLY DEFERRED" if at_commit else "NOT DEFERRABLE"
        self._condition = condition
        self._words = {"name": sql.Identifier(self._name), "table": sql.Identifier(table)}

    def __enter__(self) -> Self:
        self._mine = psycopg.connect(self._url(), autocommit=True)
        self._mine.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_KEY, self._name))
        self._mine.execute(_FUNCTION.encode())
        moment, condition = sql.SQL(self._moment), sql.SQL(self._condition)
        self._mine.execute(sql.SQL(_TRIGGER).format(**self._words, moment=moment, condition=condition))
        return self

    @property
    def waiting(self) -> int:
        """How many stand before the gate."""
        row = self._mine.execute(_WAITING, (_KEY, self._name)).fetchone()
        assert row is not None
        return int(row[0])

    def open(self) -> None:
        """Let pass whoever waits; a server that dies opens its gates as well."""
        with suppress(psycopg.Error):
            self._mine.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        with psycopg.connect(self._url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP TRIGGER IF EXISTS {name} ON matsift.{table}").format(**self._words))
