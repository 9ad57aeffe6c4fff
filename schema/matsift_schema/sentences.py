"""What PostgreSQL refuses, in one sentence with the remedy."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from matsift.errors import DatabaseError


def unreachable(engine: Engine, error: DBAPIError) -> DatabaseError:
    """Return the error for a server that does not answer, or lets nobody in."""
    reason = str(error.orig).strip().splitlines()[-1]
    return DatabaseError(
        f"no PostgreSQL can be used at {engine.url.render_as_string()} ({reason}); "
        "start it with `matsift db start`, or set MATSIFT_DATABASE_URL to one that runs"
    )


def unreadable(engine: Engine) -> DatabaseError:
    """Return the error for a user who may connect, but not run flows."""
    return DatabaseError(
        f"the user {engine.url.username!r} may not read the tables of matsift in {engine.url.database!r}; "
        "use a user with the role matsift_operator, or matsift_worker to compute only"
    )


def refused_migration(engine: Engine, error: DBAPIError) -> DatabaseError | None:
    """Return the error for a migration that PostgreSQL refused for a known reason, None for an unknown one."""
    for kind, sentence in _REFUSALS.items():
        if isinstance(error.orig, kind):
            return DatabaseError(sentence(engine, error.orig))
    return None


def _lacking_right(engine: Engine, error: psycopg.Error) -> str:
    reason = str(error).splitlines()[0]
    return (
        f"the user {engine.url.username!r} may not migrate the database {engine.url.database!r} ({reason}); "
        "let its owner run `matsift db upgrade`, after a superuser has run CREATE EXTENSION vector in it"
    )


def _depended_on(_engine: Engine, error: psycopg.Error) -> str:
    detail = " ".join((error.diag.message_detail or str(error)).split())
    return (
        f"somebody built on the views of `analysis`, which have to be replaced ({detail}); "
        "drop what was built, run `matsift db upgrade`, and create it again"
    )


def _locked(engine: Engine, _error: psycopg.Error) -> str:
    return (
        f"somebody works on the database {engine.url.database!r}, so that its tables cannot change now; "
        "run `matsift db upgrade` again when no flow runs"
    )


def _still_named(engine: Engine, error: psycopg.Error) -> str:
    detail = " ".join((error.diag.message_detail or str(error)).split()).rstrip(".")
    return (
        f"rows of the database {engine.url.database!r} name what the schema of before does not know ({detail}); "
        "keep the schema, or restore a backup of before"
    )


_REFUSALS: dict[type[psycopg.Error], Callable[[Engine, psycopg.Error], str]] = {
    psycopg.errors.InsufficientPrivilege: _lacking_right,
    psycopg.errors.DependentObjectsStillExist: _depended_on,
    psycopg.errors.ForeignKeyViolation: _still_named,
    psycopg.errors.LockNotAvailable: _locked,
}
