"""Which processes of a server live, told by its lock and its pid file; orphans are ended here."""

import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import locks
from matsift_adapters.embedded_postgres.layout import Layout

_PROGRAMS = ("postgres", "initdb", "sh")


class State(StrEnum):
    """What an embedded server is doing."""

    ABSENT = "absent"  # no cluster yet
    STOPPED = "stopped"
    STARTING = "starting"
    RECOVERING = "recovering"  # replaying its log after an unclean end
    RUNNING = "running"
    STOPPING = "stopping"
    ORPHANED = "orphaned"  # server processes live, their postmaster is dead or out of sight


@dataclass(frozen=True)
class Postmaster:
    """What `postmaster.pid` says."""

    pid: int
    socket_dir: Path | None
    status: str


def read_pid_file(layout: Layout) -> Postmaster | None:
    """The content of the pid file; None where there is none or it is still being written."""
    try:
        lines = layout.pid_file.read_text(encoding="utf-8").splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    socket_dir = Path(lines[4]) if len(lines) > 4 and lines[4].strip() else None
    return Postmaster(pid, socket_dir, lines[7].strip() if len(lines) > 7 else "starting")


def observe(layout: Layout) -> tuple[State, Postmaster | None]:
    """The state of the server, and its postmaster where one lives."""
    if not locks.is_held(layout.server_lock):
        return (State.STOPPED if layout.version_file.exists() else State.ABSENT), None
    postmaster = read_pid_file(layout)
    if postmaster is None or not _is_program_in(postmaster.pid, layout.cluster):
        return State.ORPHANED, None
    if postmaster.status in {"ready", "standby"}:
        return State.RUNNING, postmaster
    if postmaster.status == "stopping":
        return State.STOPPING, postmaster
    return (State.RECOVERING if _is_recovering(postmaster.pid) else State.STARTING), postmaster


def end_orphans(layout: Layout) -> None:
    """End server processes that have lost their postmaster, so that a new one may use the cluster.

    Raises
    ------
    DatabaseError
        The cluster is in use by a whole server of another container, or by processes that cannot be seen from here.
    """
    for request in ("terminate", "terminate", "kill"):
        seen = _programs_in(layout.cluster, layout.initialising)
        _refuse_whole_server(layout, seen)
        for process in seen:
            with suppress(psutil.NoSuchProcess):  # the shell of an initdb that ends takes its children along
                getattr(process, request)()
        deadline = time.monotonic() + (5 if seen else 1)
        while time.monotonic() < deadline:
            if not locks.is_held(layout.server_lock):
                return
            time.sleep(0.05)
    raise DatabaseError(
        f"{layout.cluster} is in use by a PostgreSQL that cannot be seen from here, probably in another container; "
        "stop it there, or set MATSIFT_HOME to another folder"
    )


def _refuse_whole_server(layout: Layout, seen: list[psutil.Process]) -> None:
    """Leave a postmaster alone that has its backends: the pid file's number counts in another container."""
    parents: set[int] = set()
    servers: set[int] = set()
    for process in seen:
        with suppress(psutil.NoSuchProcess):
            if process.cwd() == str(layout.cluster):
                parents.add(process.ppid())
            if process.name() == "postgres":
                servers.add(process.pid)
    whole = sorted(parents & servers)
    if whole:
        raise DatabaseError(
            f"{layout.cluster} is in use by a PostgreSQL of another container (process {whole[0]}); stop it there, or "
            "set MATSIFT_HOME to another folder"
        )


def activity(postmaster: Postmaster | None) -> float:
    """Processor seconds that the server has spent; it grows for as long as the server works."""
    if postmaster is None:
        return 0.0
    spent = 0.0
    try:
        root = psutil.Process(postmaster.pid)
        for process in (root, *root.children()):
            times = process.cpu_times()
            spent += times.user + times.system
    except psutil.Error:
        pass
    return spent


def _is_program_in(pid: int, *folders: Path) -> bool:
    try:
        return _is_at_work_in(psutil.Process(pid), folders)
    except psutil.NoSuchProcess:
        return False


def _programs_in(*folders: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if _is_at_work_in(process, folders):
                found.append(process)
        except (psutil.NoSuchProcess, PermissionError):
            continue
    return found


def _is_at_work_in(process: psutil.Process, folders: tuple[Path, ...]) -> bool:
    """Whether it is a server program whose working directory is one of `folders`: PostgreSQL always works there."""
    if process.name() not in _PROGRAMS or process.status() == psutil.STATUS_ZOMBIE:
        return False
    try:
        return Path(process.cwd()) in [folder.resolve() for folder in folders]
    except psutil.AccessDenied:
        return False


def _is_recovering(pid: int) -> bool:
    try:
        titles = [" ".join(child.cmdline()) for child in psutil.Process(pid).children()]
    except psutil.Error:
        return False
    return any("recovering" in title or "syncing" in title for title in titles)
