"""The command `matsift` in processes of its own that start at once: each is a fork of one that has it loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from matsift.execution.killable import ONE_THREAD


class Preloaded:
    """A running `matsift` with its output in files; the leader of a process group, as in a terminal."""

    def __init__(self, pid: int, words: tuple[str, ...], files: Mapping[str, Path]) -> None:
        self.pid, self._words, self._files = pid, words, files

    @property
    def is_running(self) -> bool:
        return not self._files["code"].exists()

    @property
    def stderr(self) -> str:
        return self._files["err"].read_text()

    @property
    def stdout(self) -> str:
        return self._files["out"].read_text()

    def wait(self, seconds: float = 120.0) -> int:
        """Return the exit code; minus the number of the signal that ended it."""
        try:
            wait_until(lambda: not self.is_running, f"`matsift {' '.join(self._words)}` ends", seconds)
        except TimeoutError:
            self.kill()
            raise
        return int(self._files["code"].read_text())

    def kill(self) -> int:
        """End the command as `kill -9` does, and return its exit code once its own processes are gone too."""
        try:
            process = psutil.Process(self.pid)
            children = process.children(recursive=True)
            process.kill()
        except psutil.NoSuchProcess:
            children = []
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        return self.wait()


class Starter:
    """Starts commands, by a process that has loaded all that they need."""

    def __init__(self, folder: Path, python_path: Path, environment: Mapping[str, str] | None = None) -> None:
        own = {key: value for key, value in os.environ.items() if not key.startswith("MATSIFT_")}
        script = Path(__file__).with_name("preloading.py")
        self._folder, self._count = folder, 0
        self._loader = subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **own,
                **ONE_THREAD,
                **(environment or {}),
                "PYTHONPATH": os.pathsep.join([str(python_path), *filter(None, [os.environ.get("PYTHONPATH")])]),
            },
            text=True,
        )
        self._answer()

    def start(self, *words: str, **environment: str) -> Preloaded:
        """Start `matsift` with words; the environment is that of the tests and what is given."""
        self._count += 1
        files = {kind: self._folder / f"{self._count}.{kind}" for kind in ("out", "err", "code")}
        order = {"words": words, "environment": environment, **{kind: str(path) for kind, path in files.items()}}
        assert self._loader.stdin is not None
        self._loader.stdin.write(json.dumps(order) + "\n")
        self._loader.stdin.flush()
        return Preloaded(int(self._answer()), words, files)

    def _answer(self) -> str:
        assert self._loader.stdout is not None
        answer = self._loader.stdout.readline()
        assert answer, "the process that starts the commands has died"
        return answer

    def close(self) -> None:
        """End the loader and whatever still runs."""
        assert self._loader.stdin is not None
        self._loader.stdin.close()
        self._loader.wait(20)


@contextmanager
def starter(folder: Path, python_path: Path) -> Iterator[Starter]:
    """Yield a starter of commands that may also import from a folder."""
    found = Starter(folder, python_path)
    try:
        yield found
    finally:
        found.close()


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 240.0) -> None:
    """Return as soon as something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.01)
