"""What the workers of `test_killable.py` run: imported by name in fresh processes."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

_prepared: list[Any] = []


def prepare(value: int) -> None:
    _prepared.append(value)


def refuse() -> None:
    raise RuntimeError("no weights here")


def double(payload: int) -> int:
    return 2 * payload


def slowly_double(payload: int) -> int:
    time.sleep(0.2)
    return 2 * payload


def end_parent(what: str) -> str:
    if what == "bad":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return what


def parent(_payload: int) -> int:
    return os.getppid()


def hold(what: Any, data: Any) -> None:
    _prepared[:] = [what, data]


def held(_payload: int) -> tuple[Any, int]:
    return _prepared[0], os.getpid()


def prepared(_payload: int) -> tuple[list[Any], int]:
    return _prepared, os.getpid()


def environment(_payload: int) -> dict[str, str | None]:
    return {"omp": os.environ.get("OMP_NUM_THREADS"), "main": getattr(sys.modules["__main__"], "__file__", None)}


def killed_once(path: str) -> str:
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path


#: What `misbehave` is told, and what a pool says of it that stops items after 0.5 s: class and message.
BAD_ITEMS = [
    ("sleep", "TimeLimitExceeded", "took longer than 0.5 s and was stopped"),
    ("hang in C with the interpreter lock", "TimeLimitExceeded", "took longer than 0.5 s and was stopped"),
    ("segfault", "WorkerDied", "the worker process was ended by SIGSEGV"),
    ("sigsegv", "WorkerDied", "the worker process was ended by SIGSEGV"),
    ("exit", "WorkerDied", "the worker process ended with exit code 3"),
    ("sys.exit", "SystemExit", "leaving"),
    ("raise", "ValueError", "the cell is bent"),
    ("silent", "KeyError", "KeyError"),
]


def misbehave(what: str) -> str:
    if what == "sleep":
        time.sleep(60)
    if what == "hang in C with the interpreter lock":
        ctypes.PyDLL(None).sleep(60)
    if what == "segfault":
        ctypes.string_at(0)
    if what == "sigsegv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        os._exit(3)
    if what == "sys.exit":
        sys.exit("leaving")
    if what == "raise":
        raise ValueError("the cell is bent")
    if what == "silent":
        raise KeyError
    if what == "unpicklable":
        return threading.Lock()  # type: ignore[return-value]
    return what
