"""A Dask scheduler and its workers on this machine, started by the commands that a cluster's machines would run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self


class Cluster:
    """A scheduler and n workers of one thread each, as processes of their own on loopback."""

    def __init__(self, folder: Path, n: int) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.address = f"tcp://127.0.0.1:{port}"
        here = "--host", "127.0.0.1", "--no-dashboard"
        self._processes = [self._start("scheduler", "--port", port, *here)]
        while not _answers(int(port)):
            time.sleep(0.1)
        self._processes += [self._start("worker", self.address, "--nthreads", "1", *here) for _ in range(n)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            cwd=self._folder,
            env={**os.environ, "DASK_TEMPORARY_DIRECTORY": str(self._folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0
