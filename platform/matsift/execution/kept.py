"""Idle processes that outlive their pool and wait for the next one that needs what they were made ready for.

A process takes seconds to import what it works with; a study opens the same pool again for each of its rounds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from matsift.execution.child import Child, Preparation

#: A process that was given more than this to hold, data or models, ends with its pool.
_LARGEST_BYTES = 1 << 16


class _Kept:
    """Idle processes, the one that came last first; at most `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: list[tuple[bytes, Child]] = []

    def take(self, message: bytes) -> Child | None:
        for i in reversed(range(len(self._idle))):
            if self._idle[i][0] == message:
                return self._idle.pop(i)[1]
        return None

    def keep(self, message: bytes, child: Child) -> None:
        self._idle.append((message, child))
        while len(self._idle) > self._most:
            self._idle.pop(0)[1].end()

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].end()


_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def kept_processes(most: int | None = None) -> Iterator[None]:
    """Keep idle processes of pools within this block, unless a block around it does so already.

    Parameters
    ----------
    most
        Processes that are kept at a time; as many as this machine has processors by default. With 0 every process ends
        with its pool, whatever a block around says.
    """
    if _kept.get() is not None and most != 0:
        yield
        return
    kept = _Kept((os.cpu_count() or 1) if most is None else most)
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        kept.close()


def keep(preparation: Preparation, child: Child) -> bool:
    """Keep an idle process for the next pool with the same preparation; whether that was done."""
    if (kept := _kept_for(preparation)) is None:
        return False
    kept.keep(preparation.message, child)
    return True


def take(preparation: Preparation) -> Child | None:
    """Return an idle process that was made ready in the same way, if there is one."""
    kept = _kept_for(preparation)
    return None if kept is None else kept.take(preparation.message)


def _kept_for(preparation: Preparation) -> _Kept | None:
    """Return where processes made ready in this way are kept, if they are."""
    kept = _kept.get()
    return None if kept is None or len(preparation.message) > _LARGEST_BYTES else kept
