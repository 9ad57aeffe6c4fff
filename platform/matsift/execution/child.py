"""The parent's side of one process of a pool: how it is started, fed and ended."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Hashable
from functools import cached_property
from multiprocessing import Pipe
from typing import Any

#: Settings that keep each worker at one thread, whatever numerical library it loads.
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB", "NUMBA", "BLIS")
}


class Preparation:
    """What a process is told before its first item; arguments as `matsift.execution.killable.KillablePool`."""

    def __init__(self, target: str, initializer: str | None, init_args: tuple[Any, ...]) -> None:
        self.target = target
        self._told = (tuple(sys.path), target, initializer, init_args)

    @cached_property
    def message(self) -> bytes:
        """What it reads, pickled once for all processes."""
        return pickle.dumps(self._told)


class Child:
    """One child process, with a connection for payloads and a pipe whose end tells it that the parent is gone."""

    def __init__(self, preparation: Preparation) -> None:
        message = preparation.message
        self.connection, theirs = Pipe(duplex=True)
        lifeline, self._lifeline = os.pipe()
        descriptors = (theirs.fileno(), lifeline)
        command = [sys.executable, "-W", "ignore", "-m", "matsift.execution.worker", *map(str, descriptors)]
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is the parent's, from the first
        try:
            self.process = subprocess.Popen(
                command,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            theirs.close()
            os.close(lifeline)
        self.ready = False
        self.item: tuple[Hashable, Any] | None = None
        self.since = time.monotonic()
        self.connection.send_bytes(message)

    def give(self, item: tuple[Hashable, Any]) -> None:
        """Hand an item over; its clock starts."""
        self.item, self.since = item, time.monotonic()
        self.connection.send(item[1])

    def end(self) -> int:
        """Kill the process and return how it ended: minus the signal's number, or its exit code."""
        code = self.process.poll()
        if code is None:
            self.process.kill()
            code = self.process.wait()
        self.connection.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        return code
