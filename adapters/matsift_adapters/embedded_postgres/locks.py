"""Kernel file locks: one for commands, one that tells whether any process of the server lives.

The server inherits the open file of its lock, so the kernel releases it when the last server process ends, however it
ends: a stale pid file, a reused pid, orphaned backends and a server in another container are told apart with certainty.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL_S = 0.05
_PATIENCE_S = 2.0
Tell = Callable[[str], None]


def _open(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if os.geteuid() == 0:  # a folder that root opens for its owner stays usable by the owner
        owner = path.parent.stat()
        with suppress(PermissionError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def held_by_this_command(path: Path, tell: Tell) -> Iterator[None]:
    """Hold the command lock; waits for another command for as long as that one lives."""
    descriptor = _open(path)
    try:
        waited_s = 0.0
        while not _try(descriptor, fcntl.LOCK_EX):
            time.sleep(_POLL_S)
            waited_s += _POLL_S
            if waited_s >= _PATIENCE_S:
                tell("waiting for another matsift command that is starting or stopping the database server")
                waited_s = -60.0
        yield
    finally:
        os.close(descriptor)


def take_server_lock(path: Path) -> int | None:
    """An open file that holds the server lock, to be inherited by the server; None where a server process lives."""
    descriptor = _open(path)
    deadline = time.monotonic() + _PATIENCE_S
    while not _try(descriptor, fcntl.LOCK_EX):  # a `is_held` elsewhere may hold it for an instant
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(_POLL_S)
    return descriptor


def is_held(path: Path) -> bool:
    """Whether any process of the server lives, in this container or in another on the same machine."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)
