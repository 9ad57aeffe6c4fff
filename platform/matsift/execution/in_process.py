"""The face of a pool without its processes: items run here and now, for small work and for debugging."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from matsift.execution.pool import Outcome, Pool


class InProcessPool(Pool):
    """Items that run in this process when their outcome is asked for, in the order in which they came.

    Nothing limits their time, and what an item raises is raised.

    Parameters
    ----------
    target
        Takes one payload and returns its value.
    """

    def __init__(self, target: Callable[[Any], Any]) -> None:
        self._target = target
        self._queue: deque[tuple[Hashable, Any]] = deque()

    @property
    def n_worker(self) -> int:
        """One item at a time."""
        return 1

    @property
    def n_pending(self) -> int:
        """Number of items handed in that have no outcome yet."""
        return len(self._queue)

    def submit(self, key: Hashable, payload: Any) -> None:
        """Put one item behind those already waiting."""
        self._queue.append((key, payload))

    def next_outcome(self) -> Outcome:
        """Run the next item and return its outcome; there must be a pending item."""
        key, payload = self._queue.popleft()
        begin = time.monotonic()
        return Outcome(key, self._target(payload), None, None, time.monotonic() - begin)

    def close(self) -> None:
        """Forget what waits."""
        self._queue.clear()
