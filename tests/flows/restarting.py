"""An embedded PostgreSQL of its own that tests crash and start again, with copies of a prepared database."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from matsift_adapters.embedded_postgres import EmbeddedPostgres


class RestartingServer:
    """A server as a user has it; its address changes with every start.

    Parameters
    ----------
    folder
        An empty one for it, removed at the end; a new one of the machine's if not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="msft-"))  # short: the path of a socket is limited
        self._server = EmbeddedPostgres(self.folder / "postgres")
        self._server.start()
        self._execute("ALTER SYSTEM SET fsync = off")  # processes crash here, not the machine
        self._execute("SELECT pg_reload_conf()")

    def url(self, database: str) -> str:
        """Return the address of a database as it is now; the server is started where it is down."""
        return urlunsplit(urlsplit(self._server.start())._replace(path=f"/{database}"))

    @property
    def pid(self) -> int | None:
        """The process of the server, None where it is down."""
        return self._server.status().pid

    def crash(self, sent: signal.Signals) -> None:
        """End the server without a checkpoint: SIGQUIT is `pg_ctl stop -m immediate`, SIGKILL is worse."""
        assert self.pid is not None
        os.kill(self.pid, sent)

    def copy(self, source: str, name: str) -> None:
        """Make a database, a copy of another; one made by WAL_LOG may count sequences back when the server crashes."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(source)))

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: str | sql.Composed) -> None:
        words = statement if isinstance(statement, sql.Composed) else sql.SQL(statement)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(words)

    def close(self) -> None:
        """End the server, which need not write what is thrown away, and remove it."""
        self.crash(signal.SIGKILL)
        self._server.stop()
        shutil.rmtree(self.folder)
