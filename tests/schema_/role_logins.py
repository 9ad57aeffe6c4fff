"""Logins of every role in a database as docker/ has it, and what becomes of a statement that one of them tries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
from tests.postgres import PostgresServer

from matsift_schema import engine

PASSWORD = "correct-horse"
GROUPS = {"analyst": "matsift_analyst", "worker": "matsift_worker", "operator": "matsift_operator"}
MEMBERS = tuple(GROUPS)
ROLES = (*MEMBERS, "owner")

#: Errors that come before rights are looked at: there is no way at all to do this to a view.
_NO_WAY = (
    psycopg.errors.ObjectNotInPrerequisiteState,
    psycopg.errors.WrongObjectType,
    psycopg.errors.FeatureNotSupported,
)
_OUTSIDE_TRANSACTIONS = ("CREATE DATABASE", "DROP DATABASE", "ALTER SYSTEM")


@dataclass(frozen=True)
class Logins:
    """A database, and a connection of each role to it over TCP with a password."""

    database: str
    of: dict[str, psycopg.Connection]


@contextmanager
def logins(server: PostgresServer, prefix: str) -> Iterator[Logins]:
    """Yield a database that its owner, who is no superuser, has migrated, and a login of each role."""
    name = server.create_database()
    with psycopg.connect(server.url(name), autocommit=True) as admin:
        admin.execute("CREATE EXTENSION vector")
        admin.execute(f"CREATE ROLE {prefix}_owner LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        admin.execute(f"ALTER DATABASE {name} OWNER TO {prefix}_owner")
        engine.upgrade(server.tcp_url(name, f"{prefix}_owner", PASSWORD))
        for role, group in GROUPS.items():
            admin.execute(f"CREATE ROLE {prefix}_{role} LOGIN PASSWORD '{PASSWORD}' IN ROLE {group}")
    with ExitStack() as stack:
        found = {
            role: stack.enter_context(psycopg.connect(server.tcp_url(name, f"{prefix}_{role}", PASSWORD)))
            for role in ROLES
        }
        yield Logins(name, found)
    server.drop_database(name)
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        for role in ROLES:
            admin.execute(f"DROP ROLE {prefix}_{role}")


def outcome(connection: psycopg.Connection, statement: str) -> str:
    """Return what becomes of a statement, of which nothing is left: allowed, refused, kept (by a trigger) or no way."""
    alone = statement.startswith(_OUTSIDE_TRANSACTIONS)
    if alone:
        connection.autocommit = True
    try:
        connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege:
        return "refused"
    except psycopg.errors.RestrictViolation:
        return "kept"
    except _NO_WAY:
        return "no way"
    finally:
        connection.rollback()
        connection.autocommit = False
    return "allowed"


def values(connection: psycopg.Connection, query: str) -> list[str]:
    """Return the texts of a query with one column, of which there are some."""
    found = [value for (value,) in connection.execute(query.encode())]
    connection.rollback()
    assert found, query
    return found


def relations(connection: psycopg.Connection, schema: str, kinds: str) -> list[str]:
    """Return the names of what a schema holds of some kinds, as in `pg_class.relkind`."""
    return values(
        connection,
        "SELECT relname FROM pg_class"
        f" WHERE relnamespace = '{schema}'::regnamespace AND strpos('{kinds}', relkind::text) > 0",
    )
