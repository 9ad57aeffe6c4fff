"""What a server says of itself: versions, room, clock, connections, leases that nobody holds, files that rows name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_SERVER = text("""
    SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
           pg_database_size(current_database()), clock_timestamp(),
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           CAST(current_setting('max_connections') AS integer),
           (SELECT count(*) FROM matsift.acquisition
            WHERE status = 'claimed' AND lease_expires_at < clock_timestamp()),
           (SELECT CAST(coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) AS float8)
            FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%')
""")
_ARTIFACTS = text("""
    SELECT artifact_sha256 FROM matsift.model_version
    UNION SELECT artifact_sha256 FROM matsift.volumetric_field
    UNION SELECT artifact_sha256 FROM matsift.generator_version WHERE artifact_sha256 IS NOT NULL
""")


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
    return set(session.scalars(_ARTIFACTS))
