"""What a database does in the middle of work, told in one sentence: it stops, its disk is full, it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from matsift.errors import DatabaseError

#: Whatever SQLAlchemy and the driver below it raise.
DATABASE_ERRORS = (SQLAlchemyError, psycopg.Error)

_REMEDIES: tuple[tuple[type[psycopg.Error], str], ...] = (
    (psycopg.errors.InsufficientPrivilege, "use a user with the role matsift_operator"),
    (psycopg.errors.DiskFull, "free some space on the disk of the database, then run the same command again"),
    (psycopg.errors.ReadOnlySqlTransaction, "the server takes no writes now; use the primary server"),
    (psycopg.errors.TooManyConnections, "close other connections or raise max_connections"),
)
_GONE = (psycopg.errors.AdminShutdown, psycopg.errors.CrashShutdown, psycopg.errors.CannotConnectNow)
_LOST = "what was committed is kept; run the same command again, it continues"


def is_lost_connection(error: BaseException) -> bool:
    """Return whether the server, or the way to it, is gone, rather than that it said no."""
    driver = _driver_error(error)
    if isinstance(
        driver, psycopg.errors.AdminShutdown | psycopg.errors.CrashShutdown | psycopg.errors.CannotConnectNow
    ):
        return True
    return isinstance(driver, psycopg.OperationalError | psycopg.InterfaceError) and driver.sqlstate is None


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what a database may do to a sound program into one sentence; a fault of ours keeps its traceback.

    Raises
    ------
    DatabaseError
        If the connection was lost, the disk is full, a right is missing, or the server takes no work.
    """
    try:
        yield
    except DATABASE_ERRORS as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise DatabaseError(sentence) from error


def _sentence(error: BaseException) -> str | None:
    driver = _driver_error(error)
    if driver is None:
        return None
    reason = " ".join(str(driver).split("\n", 1)[0].split())
    if is_lost_connection(error):
        return f"the connection to the database was lost ({reason}); {_LOST}"
    for kind, remedy in _REMEDIES:
        if isinstance(driver, kind):
            return f"the database refused ({reason}); {remedy}"
    if isinstance(driver, psycopg.OperationalError):
        return f"the database could not go on ({reason}); {_LOST}"
    return None


def _driver_error(error: BaseException) -> psycopg.Error | None:
    """Return the driver's own error behind an error, or behind the one during whose handling it came up."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.Error):
            return seen
        if isinstance(seen, DBAPIError) and isinstance(seen.orig, psycopg.Error):
            return seen.orig
        seen = seen.__cause__ or seen.__context__
    return None
