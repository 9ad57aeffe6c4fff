"""The child's side of `matsift.execution.killable`: load a function, then answer one payload after the other.

Run as ``python -m matsift.execution.worker CONNECTION_FD LIFELINE_FD``.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_F_SETSIG = 10  # fcntl.h on Linux; Python names it only from 3.13 on


def load_function(address: str) -> Callable[..., Any]:
    """Return the function at ``package.module:function``."""
    module, _, name = address.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def die_with_parent(lifeline: int) -> None:
    """Arrange that this process ends when the write end of its lifeline pipe closes, that is when the parent dies.

    On Linux the kernel sends SIGKILL, which also ends a worker that hangs in C code; unlike PR_SET_PDEATHSIG it does
    not depend on which thread of the parent started the worker. Elsewhere a thread waits for the end of the pipe.
    """
    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
        if select.select([lifeline], [], [], 0)[0]:  # the parent was gone before the signal was armed
            os._exit(1)
        return
    threading.Thread(target=_wait_for_end, args=(lifeline,), daemon=True).start()


def _wait_for_end(lifeline: int) -> None:
    os.read(lifeline, 1)
    os._exit(1)


def _reply(call: Callable[..., Any], *arguments: Any) -> tuple[str | None, Any]:
    """Return (None, value), or the class and the message of what the call raised."""
    try:
        return None, call(*arguments)
    except BaseException as error:  # noqa: BLE001  whatever a payload raises is its outcome, SystemExit too
        return type(error).__name__, str(error).strip() or type(error).__name__


def serve(connection: Connection) -> None:
    """Answer payloads until the parent closes the connection."""
    path, target, initializer, init_args = connection.recv()
    sys.path[:] = path
    error_class, value = _reply(_prepare, target, initializer, init_args)
    connection.send((error_class, value if error_class else None))
    if error_class:
        return
    while True:
        try:
            payload = connection.recv()
        except EOFError:
            return
        error_class, result = _reply(value, payload)
        try:
            connection.send((error_class, result))
        except Exception as error:  # noqa: BLE001  pickling runs code of the value, which may raise anything
            connection.send((type(error).__name__, f"the result cannot be sent back: {error}"))


def _prepare(target: str, initializer: str | None, init_args: tuple[Any, ...]) -> Callable[..., Any]:
    function = load_function(target)
    if initializer is not None:
        load_function(initializer)(*init_args)
    return function


if __name__ == "__main__":
    die_with_parent(int(sys.argv[2]))
    serve(Connection(int(sys.argv[1])))
