"""The commands that run beside the analysts: `matsift serve` all the time, `matsift run` again and again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import httpx
import psutil

from matsift.execution.killable import ONE_THREAD

_MATSIFT = str(Path(sys.executable).parent / "matsift")


def _environment(home: Path, url: str) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("MATSIFT_", "PREFECT_"))}
    return {**own, **ONE_THREAD, "MATSIFT_HOME": str(home), "MATSIFT_DATABASE_URL": url, "MATSIFT_WORKERS": "1"}


class Served:
    """`matsift serve`, with a Prefect server of its own."""

    name = "matsift serve"

    def __init__(self, mirror: Path, home: Path, url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=20)
        with (home / "serve.log").open("wb") as log:
            self._process = subprocess.Popen(
                [_MATSIFT, "serve", str(mirror), "--port", str(port)],
                env={**_environment(home, url), "HOME": str(home)},
                stdout=log,
                stderr=log,
            )

    def lasting(self) -> list[psutil.Process]:
        """Return the processes that are there all the time: the command, and Prefect's server."""
        command = psutil.Process(self._process.pid)
        return [command, *(child for child in command.children() if "server" in " ".join(child.cmdline()))]

    def ended(self) -> Counter[str]:
        """Return state -> flow runs that Prefect's server knows."""
        states = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        found: Counter[str] = Counter()
        for state in states:
            asked = {"flow_runs": {"state": {"type": {"any_": [state]}}}}
            try:
                found[state.lower()] = self._api.post("/flow_runs/count", json=asked).raise_for_status().json()
            except httpx.HTTPError:
                continue
        return found

    def stop(self) -> bool:
        """End it as Ctrl-C does; return whether it did."""
        self._process.send_signal(signal.SIGINT)
        self._api.close()
        try:
            self._process.wait(120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return False
        return True


class Studies:
    """`matsift run` of a study, again and again, with a pause between."""

    name = "matsift run"

    def __init__(self, study: Path, home: Path, url: str, pause_s: float = 20.0) -> None:
        self._words, self._pause_s = [_MATSIFT, "run", str(study), "--quiet"], pause_s
        self._environment, self._log = _environment(home, url), home / "run.log"
        self._end = threading.Event()
        self.codes: Counter[int] = Counter()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(self._pause_s):
            with self._log.open("ab") as log:
                done = subprocess.run(self._words, env=self._environment, stdout=log, stderr=log, check=False)
            self.codes[done.returncode] += 1

    def stop(self) -> bool:
        """Let the last one end; return whether it did."""
        self._end.set()
        self._thread.join(600)
        return not self._thread.is_alive()
