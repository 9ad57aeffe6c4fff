"""Connections, and whether the database at an address can be used at all."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from matsift.errors import DatabaseError
from matsift_schema.analysis import is_current
from matsift_schema.base import SCHEMA
from matsift_schema.sentences import refused_migration, unreachable, unreadable

#: NULLS NOT DISTINCT and column privileges on views as we use them came with this major version.
OLDEST_POSTGRESQL = 15
#: Searches by distance that go on until enough rows pass the other conditions came with this version of pgvector.
OLDEST_PGVECTOR = (0, 8)

_CONNECT_SECONDS = 10

_ONE_AT_A_TIME = threading.Lock()  # Alembic keeps what it works on in module globals


def make_engine(url: str, *, pool_size: int = 4) -> Engine:
    """Return an engine on PostgreSQL through psycopg 3, with a small pool that drops dead connections.

    Parameters
    ----------
    url
        ``postgresql://...``, ``postgres://...`` or ``postgresql+psycopg://...``.
    pool_size
        Connections kept open, at most; twice as many may be open for a while.

    Raises
    ------
    DatabaseError
        If the address is not that of a PostgreSQL.
    """
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: the port is no number
        raise DatabaseError(
            "the database address cannot be read; write it as postgresql://user:password@host:5432/database"
        ) from None
    if address.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
        raise DatabaseError(
            f"matsift needs PostgreSQL, not {address.drivername}; "
            "set MATSIFT_DATABASE_URL to postgresql://user:password@host:5432/database"
        )
    return sa.create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        connect_args={
            "application_name": "matsift",
            "connect_timeout": _CONNECT_SECONDS,
            # A statement prepared on the server gets a plan that fits no parameters: `:ids IS NULL OR ...` scans.
            "prepare_threshold": None,
        },
    )


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema to a revision, then the views and roles to this version of matsift; all or nothing.

    Raises
    ------
    DatabaseError
        If the server is unusable (see `require_server`), or the user lacks a right.
    """
    _migrate(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Take the schema back to a revision (``base`` for none); the data of dropped tables is lost.

    Raises
    ------
    DatabaseError
        If the server is unusable, or the user lacks a right.
    """
    _migrate(url, lambda config: command.downgrade(config, revision))


def check(url: str) -> list[str]:
    """Return the differences that Alembic sees between the database and the tables of this code; none is good."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            command.check(_config(connection))
    except CommandError as difference:
        return str(difference).splitlines()
    finally:
        engine.dispose()
    return []


def current(url: str) -> str | None:
    """Return the revision of the database, None where there is no matsift schema."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return _current(connection)
    finally:
        engine.dispose()


def is_up_to_date(url: str) -> bool:
    """Return whether the tables and views of a database are those of this version."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return _current(connection) == head() and is_current(connection)
    finally:
        engine.dispose()


def head() -> str:
    """Return the newest revision that this code knows."""
    revision = scripts().get_current_head()
    assert revision is not None
    return revision


def scripts() -> ScriptDirectory:
    """Return the migrations as Alembic sees them."""
    return ScriptDirectory.from_config(_config())


def require_ready(url: str) -> None:
    """Return quietly if the database at the address can be used by this version of matsift.

    Raises
    ------
    DatabaseError
        If nobody answers, the server is older than `OLDEST_POSTGRESQL`, pgvector is missing, or the schema is absent,
        older or newer; one sentence with the remedy.
    """
    engine = make_engine(url)
    try:
        with _connect(engine) as connection:
            require_server(connection)
            revision = _current(connection)
            has_our_views = is_current(connection)
    except ProgrammingError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise unreadable(engine) from error
        raise
    finally:
        engine.dispose()
    where = f"the database {engine.url.database!r}"
    if revision is None:
        raise DatabaseError(f"{where} holds no matsift schema yet; run `matsift db upgrade`")
    _require_known(revision, where)
    if revision != head():
        raise DatabaseError(f"{where} is at schema revision {revision} of {head()}; run `matsift db upgrade`")
    if not has_our_views:
        raise DatabaseError(f"{where} has the views of another version of matsift; run `matsift db upgrade`")


def require_server(connection: Connection) -> None:
    """Return quietly if the server is new enough and has a pgvector that is, created or ready to be created.

    Raises
    ------
    DatabaseError
        If not.
    """
    version = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10000
    if version < OLDEST_POSTGRESQL:
        raise DatabaseError(
            f"matsift needs PostgreSQL {OLDEST_POSTGRESQL} or newer, this is {version}; use another server"
        )
    found = text(
        "SELECT CASE WHEN installed_version IS NULL THEN default_version "
        "WHEN to_regtype('vector') IS NOT NULL THEN installed_version END "
        "FROM pg_available_extensions WHERE name = 'vector'"
    )
    extension = connection.scalar(found)
    if extension is None:
        raise DatabaseError(
            "the server has no pgvector; install its package there (for example postgresql-18-pgvector), "
            "or leave MATSIFT_DATABASE_URL unset to use the embedded PostgreSQL"
        )
    if tuple(int(part) for part in extension.split(".")[:2]) < OLDEST_PGVECTOR:
        raise DatabaseError(
            f"matsift needs pgvector {'.'.join(map(str, OLDEST_PGVECTOR))} or newer, this is {extension}; "
            "install a newer package on the server and run ALTER EXTENSION vector UPDATE in the database"
        )


def _require_known(revision: str, where: str) -> None:
    if revision not in {script.revision for script in scripts().walk_revisions()}:
        raise DatabaseError(f"{where} was migrated by a newer matsift (revision {revision}); install that version")


def _migrate(url: str, step: Callable[[Config], None]) -> None:
    engine = make_engine(url)
    try:
        with _connect(engine) as connection:
            require_server(connection)
            revision = _current(connection)
            if revision is not None:
                _require_known(revision, f"the database {engine.url.database!r}")
            connection.rollback()
            with _ONE_AT_A_TIME:
                step(_config(connection))
    except DBAPIError as error:
        known = refused_migration(engine, error)
        if known is None:
            raise
        raise known from error
    finally:
        engine.dispose()


def _connect(engine: Engine) -> Connection:
    """Return a connection.

    Raises
    ------
    DatabaseError
        If the server does not answer, or refuses.
    """
    try:
        return engine.connect()
    except OperationalError as error:
        raise unreachable(engine, error) from error


def _current(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", "matsift_schema:migrations")
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config
