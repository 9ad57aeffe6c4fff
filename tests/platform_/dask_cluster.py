"""A Dask scheduler and workers as processes of their own, on loopback, for tests that kill them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

_LIMIT_S = 60.0


class DaskProcesses:
    """One scheduler and workers of one thread each; `paths` are where workers find modules beside what is installed."""

    def __init__(self, folder: Path, *, n_worker: int = 2, paths: Sequence[str] = (), nanny: bool = False) -> None:
        self._folder, self._nanny = folder, nanny
        self._environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        self._environment["DASK_DISTRIBUTED__LOGGING__DISTRIBUTED"] = "warning"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        _wait(lambda: _answers(int(port)), self.scheduler)
        self.workers = [self.add_worker() for _ in range(n_worker)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        nanny = "--nanny" if self._nanny else "--no-nanny"
        scratch = "--local-directory", str(self._folder)
        common = "--host", "127.0.0.1", "--no-dashboard", "--nthreads", "1", nanny, *scratch
        return self._start("worker", self.address, *common)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        log = self._folder / f"{words[0]}-{time.monotonic_ns()}.log"
        with log.open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *words], env=self._environment, stdout=out, stderr=out, cwd=self._folder
            )


def kill(process: subprocess.Popen[Any]) -> None:
    """End a process as a machine that loses its power."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_up: Any, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _LIMIT_S
    while not is_up():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args!r} did not start")
        time.sleep(0.05)
