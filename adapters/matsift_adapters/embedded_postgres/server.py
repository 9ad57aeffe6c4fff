"""One embedded PostgreSQL in a folder: started when it is needed, the same one for every command."""

import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import locks, log
from matsift_adapters.embedded_postgres.binaries import packaged_bin_dir
from matsift_adapters.embedded_postgres.launch import launch, wait
from matsift_adapters.embedded_postgres.layout import DATABASE, OWNER, PORT, Layout
from matsift_adapters.embedded_postgres.locks import Tell
from matsift_adapters.embedded_postgres.processes import Postmaster, State, end_orphans, observe, read_pid_file
from matsift_adapters.embedded_postgres.sockets import remove_socket_dir

_CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True)
class ServerStatus:
    """What is known of a server; None where it does not apply."""

    state: State
    folder: Path
    log: Path
    pid: int | None = None
    version: str | None = None
    url: str | None = None
    size_bytes: int | None = None


def tell_nobody(_: str) -> None:
    """Drop a sentence that is meant for the user."""


class EmbeddedPostgres:
    """The server of one folder.

    Parameters
    ----------
    data_dir
        Folder of the cluster, its locks and its log; made if need be.
    tell
        Called with a sentence for the user when something takes long.
    """

    def __init__(self, data_dir: Path, *, tell: Tell = tell_nobody) -> None:
        self._layout = Layout(Path(data_dir).absolute())
        self._tell = tell

    @property
    def bin_dir(self) -> Path:
        """Folder of psql, pg_dump and pg_restore."""
        return packaged_bin_dir()

    def start(self) -> str:
        """The address of the running server, which is initialised and started where it is not running.

        It outlives this process, until `stop`. Commands that start at once get the same server.

        Raises
        ------
        DatabaseError
            It cannot run here; one sentence with the cause and the remedy.
        """
        try:
            return self.url() or self._start_under_lock()
        except OSError as error:
            raise DatabaseError(
                f"the database in {self._layout.folder} cannot be started: {error.strerror}"
                f"{f' ({error.filename})' if error.filename else ''}; "
                "make the folder writable, free some space, or set MATSIFT_HOME to another folder"
            ) from error

    def stop(self) -> bool:
        """Whether a server was running; it has written everything and ended when this returns."""
        layout = self._layout
        try:
            layout.folder.lstat()
        except FileNotFoundError:
            return False
        with locks.held_by_this_command(layout.command_lock, self._tell):
            state, postmaster = observe(layout)
            if state in {State.ABSENT, State.STOPPED}:
                return False
            if postmaster is None:
                end_orphans(layout)
                return True
            _request_stop(postmaster)
            self._wait_until_ended()
            remove_socket_dir(postmaster.socket_dir)
            return True

    def status(self) -> ServerStatus:
        """What the server is doing, without starting it."""
        layout = self._layout
        try:
            state, postmaster = observe(layout)
            if state is State.ORPHANED:
                state = self._out_of_sight()
            version = layout.version_file.read_text(encoding="utf-8").strip() if layout.version_file.exists() else None
        except PermissionError as error:
            raise DatabaseError(
                f"{error.filename} belongs to another user; run matsift as that user or set MATSIFT_HOME"
            ) from error
        return ServerStatus(
            state=state,
            folder=layout.folder,
            log=layout.log,
            pid=postmaster.pid if postmaster else None,
            version=version,
            url=_url(postmaster.socket_dir) if postmaster and postmaster.socket_dir else None,
            size_bytes=_size(layout.cluster) if version else None,
        )

    def url(self) -> str | None:
        """The address of the server where it answers and holds our database, else None; takes no lock."""
        postmaster = read_pid_file(self._layout)
        if postmaster is None or postmaster.socket_dir is None or postmaster.status != "ready":
            return None
        url = _url(postmaster.socket_dir)
        return url if _answers(url) else None

    def _start_under_lock(self) -> str:
        layout = self._layout
        layout.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locks.held_by_this_command(layout.command_lock, self._tell):
            log.rotate(layout.log)
            offset = layout.log.stat().st_size if layout.log.exists() else 0
            state, _ = observe(layout)
            if state is State.STOPPING:
                self._wait_until_ended()
            if state is State.ORPHANED:
                end_orphans(layout)
            launched: Path | None = None
            if state not in {State.RUNNING, State.STARTING, State.RECOVERING}:
                launched = launch(layout, self._tell)
            try:
                socket_dir = self._wait_until_ready(offset)
            except DatabaseError:
                if not locks.is_held(layout.server_lock):
                    remove_socket_dir(launched)
                raise
            _create_database(_url(socket_dir, "postgres"))
            return _url(socket_dir)

    def _out_of_sight(self) -> State:
        """What a server without a visible postmaster is doing."""
        if self.url() is not None:
            return State.RUNNING  # in another container, with the socket's folder shared
        return State.STARTING if locks.is_held(self._layout.command_lock) else State.ORPHANED

    def _wait_until_ended(self) -> None:
        wait(self._layout, "to stop", lambda: not locks.is_held(self._layout.server_lock), self._tell)

    def _wait_until_ready(self, offset: int) -> Path:
        """The folder of the socket on which the server answers; `offset` is where its log began this time."""
        layout = self._layout
        ready_at: list[Path] = []

        def is_ready() -> bool:
            postmaster = read_pid_file(layout)
            if postmaster and postmaster.socket_dir and postmaster.status == "ready":
                if _answers(_url(postmaster.socket_dir, "postgres")):
                    ready_at.append(postmaster.socket_dir)
                    return True
                if not postmaster.socket_dir.exists() and locks.is_held(layout.server_lock):
                    raise DatabaseError(
                        f"the folder {postmaster.socket_dir} of the database's socket was deleted while it ran; "
                        "run `matsift db stop` and then this command again"
                    )
            if not locks.is_held(layout.server_lock):
                said = log.tail(layout.log, offset)
                raise log.failure("the database server did not start", layout.folder, said, layout.log)
            return False

        wait(layout, "to become ready", is_ready, self._tell)
        return ready_at[0]


def _url(socket_dir: Path, database: str = DATABASE) -> str:
    return f"postgresql://{OWNER}@/{database}?host={quote(str(socket_dir))}&port={PORT}"


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=_CONNECT_TIMEOUT_S).close()
    except psycopg.OperationalError:
        return False
    return True


def _create_database(maintenance_url: str) -> None:
    with psycopg.connect(maintenance_url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _request_stop(postmaster: Postmaster) -> None:
    """Ask for the "fast" stop: connections end, a checkpoint is written."""
    with suppress(psutil.NoSuchProcess):
        try:
            psutil.Process(postmaster.pid).send_signal(signal.SIGINT)
        except psutil.AccessDenied:
            raise DatabaseError(
                f"the server (process {postmaster.pid}) belongs to another user; let that user stop it"
            ) from None


def _size(folder: Path) -> int:
    """Bytes of the files below `folder`; a file that goes away meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.lstat().st_size
    return total
