"""Checks of a PostgreSQL that matsift does not run."""

from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict

from matsift.errors import DatabaseError

OLDEST_VERSION = 15
_SCHEMA = "matsift"

_FACTS = """
SELECT current_setting('server_version_num')::int AS version,
       current_user AS role,
       current_database() AS database,
       current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() AS is_replica,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') AS has_vector,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS vector_is_available,
       EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'vector' AND trusted) AS vector_is_trusted,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       to_regnamespace(%(schema)s) IS NOT NULL AS has_schema,
       coalesce(has_schema_privilege(to_regnamespace(%(schema)s)::oid, 'USAGE'), false) AS may_use_schema
"""


@dataclass(frozen=True)
class ServerFacts:
    """What decides whether a server can hold our schema."""

    version: int
    role: str
    database: str
    encoding: str
    is_replica: bool
    has_vector: bool
    vector_is_available: bool
    vector_is_trusted: bool
    is_superuser: bool
    may_create: bool
    has_schema: bool
    may_use_schema: bool


def check_server(url: str) -> ServerFacts:
    """What the server at `url` is, once it is sure that our schema can live there.

    Raises
    ------
    DatabaseError
        It cannot be reached, is older than PostgreSQL 15, lacks pgvector, or a right is missing; the sentence names the
        server without the password, and the remedy.
    """
    try:
        place = _place(url)
        with psycopg.connect(url, connect_timeout=10, autocommit=True) as connection:
            row = connection.execute(_FACTS, {"schema": _SCHEMA}).fetchone()
    except psycopg.Error as error:
        raise DatabaseError(
            f"the PostgreSQL of MATSIFT_DATABASE_URL cannot be used ({_reason(error)}); check the address, the "
            "password and whether the server runs"
        ) from error
    assert row is not None
    facts = ServerFacts(*row)
    found = problem(facts)
    if found is not None:
        raise DatabaseError(f"{place}: {found}")
    return facts


def problem(facts: ServerFacts) -> str | None:
    """Why the server cannot hold our schema, with the remedy; None where it can."""
    checks = (
        (
            facts.version < OLDEST_VERSION * 10_000,
            f"it is PostgreSQL {facts.version // 10_000} and matsift needs {OLDEST_VERSION} or newer; upgrade it",
        ),
        (facts.encoding != "UTF8", f"its encoding is {facts.encoding}; create the database with ENCODING 'UTF8'"),
        (facts.is_replica, "it is a read-only replica; give the address of the primary"),
        (
            not facts.has_vector and not facts.vector_is_available,
            "the extension vector is not installed on it; install the package pgvector on the server",
        ),
        (
            not facts.has_vector and not _may_create_vector(facts),
            (
                f"the role {facts.role} may not create the extension vector; let an administrator run "
                f"CREATE EXTENSION vector in the database {facts.database}"
            ),
        ),
        (
            not facts.has_schema and not facts.may_create,
            (
                f"the role {facts.role} may not create the schema {_SCHEMA}; let an administrator run "
                f"GRANT CREATE ON DATABASE {facts.database} TO {facts.role}"
            ),
        ),
        (
            facts.has_schema and not facts.may_use_schema,
            (
                f"the role {facts.role} may not use the schema {_SCHEMA}; use a user with the role matsift_operator "
                "(or matsift_worker, to compute only)"
            ),
        ),
    )
    return next((sentence for is_wrong, sentence in checks if is_wrong), None)


def _may_create_vector(facts: ServerFacts) -> bool:
    return facts.is_superuser or (facts.vector_is_trusted and facts.may_create)


def _reason(error: psycopg.Error) -> str:
    """What was refused, without psycopg's preamble and libpq's question whether the server runs."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if "failed" in line or "FATAL" in line), lines[0] if lines else "")
    return told.removeprefix("connection failed: ") or type(error).__name__


def _place(url: str) -> str:
    parts = conninfo_to_dict(url)
    return f"PostgreSQL at {parts.get('host', 'localhost')}, database {parts.get('dbname', parts.get('user', ''))}"
