"""The run behind every computed row: written with the first row, so that a run with nothing to do leaves no trace."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

RunStatus = Literal["completed", "failed", "interrupted"]

_INSERT = text("""
    INSERT INTO matsift.run (flow, study, parameters, code_version, environment_hash, started_at)
    VALUES (:flow, :study, CAST(:parameters AS jsonb), :code_version, :environment_hash,
            clock_timestamp() - make_interval(secs => :elapsed))
    RETURNING id
""")
# A run that was stopped or killed goes on under its own row: an interrupted study ends with the same rows as any.
_RESUME = text("""
    UPDATE matsift.run SET status = 'running', ended_at = NULL, message = NULL
    WHERE id = (SELECT id FROM matsift.run
                WHERE flow = :flow AND study = :study AND parameters = CAST(:parameters AS jsonb)
                  AND code_version = :code_version AND environment_hash = :environment_hash AND status = 'interrupted'
                ORDER BY id DESC LIMIT 1)
    RETURNING id
""")
_FINISH = text("""
    UPDATE matsift.run
    SET status = :status, ended_at = greatest(clock_timestamp(), started_at), counts = CAST(:counts AS jsonb),
        message = :message
    WHERE id = :id AND status = 'running'
""")


class LazyRun:
    """A run whose row is inserted when the first computed row needs its id.

    Where the same run of the same study (flow, parameters, code, environment) was interrupted before, it goes on under
    that row.

    Parameters
    ----------
    flow, study, parameters
        What runs, for which study, with which arguments (plain JSON).
    code_version, environment_hash
        Version of matsift and hash of the installed packages.
    sessions
        Where given, the row is inserted and closed in transactions of its own: it is there for all workers and it
        survives a rollback of the caller. Without it the caller's transaction carries the row.
    """

    def __init__(
        self,
        flow: str,
        *,
        study: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        code_version: str,
        environment_hash: str,
        sessions: sessionmaker[Session] | None = None,
    ) -> None:
        self._row = {
            "flow": flow,
            "study": study,
            "parameters": json.dumps(dict(parameters or {})),
            "code_version": code_version,
            "environment_hash": environment_hash,
        }
        self._sessions = sessions
        self._started = time.monotonic()
        self._id: int | None = None
        self._lock = threading.Lock()

    @property
    def has_row(self) -> bool:
        """Whether anything was computed."""
        return self._id is not None

    @property
    def row_id(self) -> int | None:
        """Id of its row, None before there is one."""
        return self._id

    def id(self, session: Session) -> int:
        """Return the id of the run's row, inserted at the first call; not committed, unless the run has sessions."""
        with self._lock:
            if self._id is None:
                if self._sessions is None:
                    self._id = self._insert(session)
                else:
                    with self._sessions.begin() as own:
                        self._id = self._insert(own)
            return self._id

    def finish(
        self,
        session: Session,
        status: RunStatus = "completed",
        counts: Mapping[str, Any] | None = None,
        message: str | None = None,
    ) -> None:
        """Close the run if it has a row; flushed, not committed, unless the run has sessions of its own."""
        if self._id is None:
            return
        values = {"id": self._id, "status": status, "counts": json.dumps(dict(counts or {})), "message": message}
        if self._sessions is None:
            session.execute(_FINISH, values)
            return
        with self._sessions.begin() as own:
            own.execute(_FINISH, values)

    def _insert(self, session: Session) -> int:
        interrupted = session.execute(_RESUME, self._row).scalar_one_or_none()
        if interrupted is not None:
            return int(interrupted)
        elapsed = time.monotonic() - self._started
        return int(session.execute(_INSERT, {**self._row, "elapsed": elapsed}).scalar_one())


def interrupt_unfinished(session: Session, study: str) -> int:
    """Close the runs of a study that were killed without notice, and return how many; flushed, not committed.

    Only whoever holds the lock of the study may call it. Runs of workers that are alive are left alone: they need no
    lock of the study, but each holds that of its name.
    """
    closed = session.execute(
        text("""
            UPDATE matsift.run SET status = 'interrupted', ended_at = greatest(clock_timestamp(), started_at),
                   message = 'it ended without notice'
            WHERE study = :study AND status = 'running' AND NOT EXISTS (
                SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = 7242006 AND l.granted
                AND l.objid = (CAST(hashtext(parameters ->> 'worker') AS bigint) & 4294967295)
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
            RETURNING id
        """),
        {"study": study},
    )
    return len(closed.all())


def try_worker_lock(session: Session, worker: str) -> bool:
    """Return whether this connection alone claims under a name; the lock ends with the connection."""
    key = text("SELECT pg_try_advisory_lock(7242006, hashtext(:worker))")
    return bool(session.execute(key, {"worker": worker}).scalar_one())


def try_study_lock(session: Session, study: str) -> bool:
    """Return whether this connection now works on the study alone; the lock ends with the connection."""
    key = text("SELECT pg_try_advisory_lock(7242002, hashtext(:study))")
    return bool(session.execute(key, {"study": study}).scalar_one())


def release_locks(session: Session) -> None:
    """Let go of the locks of this connection now: the server learns that a connection was closed some moments later."""
    session.execute(text("SELECT pg_advisory_unlock_all()"))
