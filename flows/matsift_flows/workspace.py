"""What every flow works with: the database, the artifact store, the run it writes under, where progress is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import distributions, version
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from matsift.errors import UserInputError
from matsift.execution.kept import kept_processes
from matsift.execution.pool import PoolLost
from matsift.execution.pools import n_at_once, pools_at
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.embedded_postgres import State, ensure_usable, status
from matsift_adapters.settings import Settings
from matsift_flows.interruption import is_interruption
from matsift_flows.logs import about, written
from matsift_flows.progress import Reporter
from matsift_schema import engine as schema_engine
from matsift_schema.faults import DATABASE_ERRORS, is_lost_connection, told_plainly
from matsift_schema.store.runs import (
    LazyRun,
    RunStatus,
    interrupt_unfinished,
    release_locks,
    try_study_lock,
    try_worker_lock,
)


class Workspace:
    """An open database and artifact store, and the settings of one command."""

    # Without a __dict__ Prefect stores "<Workspace>" for it, not its fields: among them is the database's password.
    __slots__ = ("_lock", "artifacts", "engine", "reporter", "retry_failed", "sessions", "settings")

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        artifacts: ArtifactStore,
        reporter: Reporter,
        *,
        retry_failed: bool = False,
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.sessions = sessionmaker(engine, expire_on_commit=False)
        self.artifacts = artifacts
        self.reporter = reporter
        self.retry_failed = retry_failed
        self._lock: tuple[Session, str] | None = None

    @property
    def n_worker(self) -> int:
        """Worker processes, one thread each."""
        return self.settings.workers

    @property
    def n_at_once(self) -> int:
        """Items that a pool works on at a time: on worker processes, or on the threads of a Dask cluster."""
        return n_at_once(self.n_worker)

    @contextmanager
    def alone_on(self, study: str) -> Iterator[None]:
        """Hold the lock of a study: one process at a time carries it on.

        Raises
        ------
        UserInputError
            If another process does.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.detach()  # so that it is closed at the end, and the lock with it
            session = Session(connection)
            if not try_study_lock(session, study):
                raise UserInputError(
                    f"another process is running the study {study}; wait until it ends or stop it, then try again"
                )
            interrupt_unfinished(session, study)
            self._lock = session, study
            try:
                yield
            finally:
                self._lock = None
            _release(session)

    @contextmanager
    def alone_as(self, worker: str) -> Iterator[None]:
        """Hold the lock of a worker's name: what is claimed under it is one process's.

        Raises
        ------
        UserInputError
            If the name is empty, or another process works under it.
        """
        if not worker.strip():
            raise UserInputError("a worker needs a name; give one with --worker")
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.detach()
            session = Session(connection)
            if not try_worker_lock(session, worker):
                raise UserInputError(
                    f"another process works under the name {worker!r}; wait until it ends, or give another --worker"
                )
            yield
            _release(session)

    @contextmanager
    def run(self, flow: str, study: str | None, parameters: Mapping[str, Any]) -> Iterator[LazyRun]:
        """Yield the run of a flow; it is closed with what became of it, and leaves no row if it wrote nothing.

        A database that went away may be back, but the lock on the study ended with the connection: that ends the run.
        """
        if self._lock is not None:
            try_study_lock(*self._lock)
        lazy = LazyRun(
            flow,
            study=study,
            parameters=parameters,
            code_version=code_version(),
            environment_hash=environment_hash(),
            sessions=self.sessions,
        )
        try:
            with about(run=lazy):
                yield lazy
        except BaseException as error:
            with suppress(*DATABASE_ERRORS):  # where it is the database that fails, the next command closes the run
                self._close(lazy, *_what_became(error))
            raise
        self._close(lazy, "completed", None)

    def _close(self, lazy: LazyRun, status: RunStatus, message: str | None) -> None:
        with self.sessions.begin() as session:
            lazy.finish(session, status, message=message)


def _release(session: Session) -> None:
    """Let go of a lock before its connection is closed, so that whatever follows at once finds it free."""
    with suppress(*DATABASE_ERRORS):  # a connection that is gone holds none
        release_locks(session)


def _what_became(error: BaseException) -> tuple[RunStatus, str]:
    """Return the status of a run that an error ended, and the message that goes with it."""
    if is_interruption(error):
        return "interrupted", "stopped by the user"
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "interrupted" if is_lost_connection(error) or isinstance(error, PoolLost) else "failed", message


@contextmanager
def open_workspace(settings: Settings, reporter: Reporter, *, retry_failed: bool = False) -> Iterator[Workspace]:
    """Yield a workspace on the database of the settings; an embedded one is started and brought up to date.

    Raises
    ------
    UserInputError
        If the data folder cannot be written.
    DatabaseError
        If the database cannot be used; an outside one is never migrated unasked.
    """
    with told_plainly(), written(settings):
        with reporter.busy("open the database"):
            url = ensure_usable(settings, tell=reporter.say)
            if settings.database_url is None and not schema_engine.is_up_to_date(url):
                schema_engine.upgrade(url)
            schema_engine.require_ready(url)
        settings.prepare_home()
        engine = schema_engine.make_engine(url)
        try:
            with _pools(settings, reporter):
                yield Workspace(
                    settings,
                    engine,
                    ArtifactStore(settings.artifact_url),
                    reporter,
                    retry_failed=retry_failed,
                )
        finally:
            engine.dispose()


@contextmanager
def _pools(settings: Settings, reporter: Reporter) -> Iterator[None]:
    """Open pools of processes where the settings say: here, or on the workers of a Dask scheduler."""
    if not settings.dask_scheduler:
        with kept_processes():
            yield
        return
    from matsift.execution.dask_pool import DaskPools  # noqa: PLC0415  an extra, and half a second

    pools = DaskPools(settings.dask_scheduler, reporter.warn)
    try:
        with pools_at(pools):
            yield
    finally:
        pools.close()


@contextmanager
def open_existing(settings: Settings, reporter: Reporter) -> Iterator[Workspace]:
    """Yield a workspace as `open_workspace` does, to look at what is there: an embedded database is not made for that.

    Raises
    ------
    UserInputError
        If there is no database yet.
    DatabaseError
        If the database cannot be used.
    """
    if is_absent(settings):
        raise UserInputError(
            f"there is no database in {settings.home} yet; the first `matsift run` of a study makes one"
        )
    with open_workspace(settings, reporter) as workspace:
        yield workspace


def is_absent(settings: Settings) -> bool:
    """Return whether the database is the embedded one and was never made."""
    return settings.database_url is None and status(settings).state == State.ABSENT


def digest(names: Iterable[str]) -> str:
    """Return the SHA-256 of texts in their order, for the parameters of a run.

    A run that was interrupted goes on under its row when the parameters are the same (`LazyRun`), so they have to tell
    all that it works on, done already or not.
    """
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


@cache
def code_version() -> str:
    """Return the version of matsift."""
    return version("matsift")


@cache
def environment_hash() -> str:
    """Return the SHA-256 of the names and versions of all installed packages."""
    installed = sorted({f"{d.metadata['Name']}=={d.version}".lower() for d in distributions()})
    return hashlib.sha256("\n".join(installed).encode()).hexdigest()
