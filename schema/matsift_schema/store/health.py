"""What a server says of itself: versions, room, clock, connections, leases that nobody holds, files that rows name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import column, select, table, text
from sqlalchemy.orm import Session

from matsift.errors import DatabaseError
from matsift_schema.base import SCHEMA
from matsift_schema.store.leases import lease_ended

_SERVER = text(f"""
    SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
           pg_database_size(current_database()), clock_timestamp(),
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           CAST(current_setting('max_connections') AS integer),
           (SELECT count(*) FROM matsift.acquisition
            WHERE status = 'claimed' AND {lease_ended()}),
           (SELECT CAST(coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) AS float8)
            FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%')
""")  # noqa: S608  the condition is a constant
# Tables come with later revisions, and a backup is made before an upgrade: those that are there are asked.
_NAMING_ARTIFACTS = text("""
    SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = to_regnamespace('matsift') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attname = 'artifact_sha256' AND NOT a.attisdropped
""")
_HAS_REVISION = text("SELECT to_regclass('matsift.alembic_version') IS NOT NULL")
_REVISION = text("SELECT version_num FROM matsift.alembic_version")
_MAY_NOT_READ_ALL = text(
    "SELECT pg_get_userbyid(nspowner), current_user FROM pg_namespace WHERE nspname = 'matsift'"
    " AND NOT pg_has_role(nspowner, 'USAGE') AND NOT pg_has_role('pg_read_all_data', 'USAGE')"
)
_EXPORT = text("SELECT pg_export_snapshot()")
_MAY_IDLE = text("SET LOCAL idle_in_transaction_session_timeout = 0")


@dataclass(frozen=True)
class ServerHealth:
    """The state of a server and of the database on it.

    Parameters
    ----------
    version, pgvector
        Of PostgreSQL and of its extension; None where that is not created.
    n_byte
        Size of the database.
    now
        The server's clock.
    n_connection, most_connections
        Clients of the whole server, and how many it admits.
    n_expired_lease
        Acquisitions that a worker claimed and neither ended nor kept alive.
    idle_transaction_s
        Age in seconds of the oldest transaction of a client that does nothing.
    """

    version: str
    pgvector: str | None
    n_byte: int
    now: datetime
    n_connection: int
    most_connections: int
    n_expired_lease: int
    idle_transaction_s: float


def server_health(session: Session) -> ServerHealth:
    """Return the state of the server behind a session."""
    return ServerHealth(*session.execute(_SERVER).one())


def referenced_artifacts(session: Session) -> set[str]:
    """Return the SHA-256 of every file in the artifact store that a row names."""
    naming = [table(name, column("artifact_sha256"), schema=SCHEMA) for name in session.scalars(_NAMING_ARTIFACTS)]
    named = [select(found.c.artifact_sha256).where(found.c.artifact_sha256.is_not(None)) for found in naming]
    return {sha256 for query in named for sha256 in session.scalars(query.distinct())}


@dataclass(frozen=True)
class SharedState:
    """What a backup is of: the name by which others see what this transaction sees, and what it says of itself.

    `revision` is None where there is no schema of matsift.
    """

    snapshot: str
    postgresql: str
    revision: str | None
    artifacts: set[str]


def shared_state(session: Session) -> SharedState:
    """Return what a transaction of the level REPEATABLE READ sees; others can see the same until it ends.

    Raises
    ------
    DatabaseError
        If the login may not read everything.
    """
    for owner, login in session.execute(_MAY_NOT_READ_ALL):
        raise DatabaseError(f"a backup holds everything, and {login} may not read that; make it as {owner}, the owner")
    session.execute(_MAY_IDLE)
    revision = session.scalar(_REVISION) if session.scalar(_HAS_REVISION) else None
    version = str(session.scalar(text("SHOW server_version"))).split()[0]
    return SharedState(str(session.scalar(_EXPORT)), version, revision, referenced_artifacts(session))
