"""A Prefect server of our own for `matsift serve`, where none is configured."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, get_current_settings, temporary_settings

from matsift.errors import UserInputError
from matsift_adapters.settings import Settings

#: The first start lays out the server's own database, which can take more than a minute on a slow disk.
_START_LIMIT_S = 240.0
_STOP_LIMIT_S = 20.0


@contextmanager
def prefect_server(settings: Settings, *, port: int, tell: Callable[[str], None]) -> Iterator[str]:
    """Yield the address of the configured Prefect API, or of a server that is started here and stopped at the end.

    The server listens on this machine alone and keeps its database in the data folder. One that answers on the port
    already, left by a killed process, is used as it is.

    Raises
    ------
    UserInputError
        If the server does not start; the sentence names its log.
    """
    if (configured := get_current_settings().api.url) is not None:
        yield configured
        return
    home = settings.prepare_home() / "prefect"
    home.mkdir(exist_ok=True)
    url = f"http://127.0.0.1:{port}/api"
    if _answers(url):
        tell(f"A Prefect server answers at {url}; it is used.")
        with _used(url, home):
            yield url
        return
    log = home / "server.log"
    tell(f"Starting a Prefect server at {url} (its log: {log}) ...")
    with log.open("ab") as stream:
        environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment, start_new_session=True)
    try:
        _wait(server, url, log)
        with _used(url, home):
            yield url
    finally:
        server.terminate()
        try:
            server.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            server.kill()


@contextmanager
def private_temporary_folder(settings: Settings) -> Iterator[None]:
    """Have Prefect's runner keep its files in the data folder: its own place belongs to whoever served there first."""
    folder = settings.prepare_home() / "prefect" / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


@contextmanager
def _used(url: str, home: Path) -> Iterator[None]:
    """Make this process, and the runs that it starts, talk to a server."""
    with temporary_settings({PREFECT_API_URL: url, PREFECT_HOME: home}):
        yield


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while not _answers(url):
        if server.poll() is not None or time.monotonic() > deadline:
            raise UserInputError(
                f"the Prefect server did not start on {url}; see {log}, give another --port, or set PREFECT_API_URL"
            )
        time.sleep(0.3)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2.0).json() is True
    except (httpx.HTTPError, ValueError):
        return False
