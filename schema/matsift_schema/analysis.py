"""The views and functions that analysts use, from plain SQL files, and the roles that may read and write."""

from __future__ import annotations

import hashlib
import warnings
from importlib.resources import files

from sqlalchemy import Connection, text

from matsift.errors import MatsiftWarning
from matsift_schema.base import ANALYSIS

_ROLES = ("matsift_analyst", "matsift_operator", "matsift_worker")


def refresh(connection: Connection) -> bool:
    """Create views, functions and grants anew if they are not those of this version; return whether that was needed.

    The fingerprint of the SQL files stands in the comment of the schema `analysis`. Runs in the caller's transaction.
    """
    if is_current(connection):
        if not _all_roles_are_let_in(connection):
            apply_roles(connection)
        return False
    drop_views(connection)
    connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {ANALYSIS}")
    for _, statement in view_files():
        _run_script(connection, statement)
    apply_roles(connection)
    comment = f"views of matsift for analysts; do not change them by hand ({fingerprint()})"
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {ANALYSIS} IS '{comment}'")
    return True


def is_current(connection: Connection) -> bool:
    """Return whether the views and grants of the database are those of this version."""
    return _stored_fingerprint(connection) == fingerprint()


def drop_views(connection: Connection) -> None:
    """Drop all views and functions of `analysis`, so that the tables below can change.

    Views that others built on them elsewhere are not dropped: PostgreSQL refuses and names them.
    """
    names = connection.scalars(
        text("SELECT quote_ident(viewname) FROM pg_views WHERE schemaname = :schema"), {"schema": ANALYSIS}
    ).all()
    if names:
        connection.exec_driver_sql("DROP VIEW " + ", ".join(f"{ANALYSIS}.{name}" for name in names))
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {ANALYSIS} IS NULL")
    functions = text("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = to_regnamespace(:schema)")
    for name in connection.scalars(functions, {"schema": ANALYSIS}).all():
        connection.exec_driver_sql(f"DROP FUNCTION {name}")


def _all_roles_are_let_in(connection: Connection) -> bool:
    """Return whether the roles are there with their grants: whoever migrated may not have been let make them."""
    let_in = text(
        "SELECT count(*) FROM pg_roles WHERE rolname = ANY(:names) AND has_schema_privilege(oid, :schema, 'USAGE')"
    )
    n_let_in: int = connection.scalar(let_in, {"names": list(_ROLES), "schema": ANALYSIS})
    return n_let_in == len(_ROLES)


def apply_roles(connection: Connection) -> None:
    """Create the roles where they are missing, and grant them what they need.

    Roles belong to the whole server: one that exists is kept, with its password. A user who may not create roles gets
    a `MatsiftWarning`, and analysts and workers have to be let in by hand.
    """
    known = set(
        connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)"), {"names": list(_ROLES)})
    )
    missing = [name for name in _ROLES if name not in known]
    may_create = connection.scalar(text("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user"))
    if missing and not may_create:
        warnings.warn(
            MatsiftWarning(
                f"of the roles {', '.join(_ROLES)} this user may not create {', '.join(missing)}; let an administrator "
                f"run CREATE ROLE for each, then run `matsift db upgrade` again"
            ),
            stacklevel=2,
        )
        if set(missing) != {"matsift_operator"}:  # without it the grants to the others still run
            return
    _run_script(connection, _sql("roles.sql"))


def view_files() -> list[tuple[str, str]]:
    """Return name and SQL of each view file, in the order in which they must run."""
    folder = files("matsift_schema") / "views"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name, (folder / name).read_text(encoding="utf-8")) for name in names]


def fingerprint() -> str:
    """Return a hash of all view files and of the grants."""
    content = [statement for _, statement in view_files()] + [_sql("roles.sql")]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]


def _run_script(connection: Connection, script: str) -> None:
    """Run several statements; straight through psycopg, which would take a per cent sign for a placeholder else."""
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(script)


def _sql(name: str) -> str:
    return (files("matsift_schema") / name).read_text(encoding="utf-8")


def _stored_fingerprint(connection: Connection) -> str | None:
    comment = connection.scalar(
        text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :schema"),
        {"schema": ANALYSIS},
    )
    return str(comment).rpartition("(")[2].rstrip(")") if comment else None
