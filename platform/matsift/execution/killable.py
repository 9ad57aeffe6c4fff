"""A pool of processes in which an item may hang, crash or run out of memory without harm to its neighbours."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Hashable
from multiprocessing import connection
from typing import Any

from matsift.errors import WorkerStartError
from matsift.execution.child import ONE_THREAD, Child, Preparation
from matsift.execution.kept import keep, take
from matsift.execution.pool import TIME_LIMIT_EXCEEDED, WORKER_DIED, Outcome, Pool

__all__ = ["ONE_THREAD", "TIME_LIMIT_EXCEEDED", "WORKER_DIED", "KillablePool", "Outcome"]

_START_LIMIT_S = 300.0


class KillablePool(Pool):
    """Processes of one thread each, with a hard wall-clock limit an item.

    A worker over the limit is killed and replaced. What a worker had in hand that died (segmentation fault, out of
    memory) is tried once more, for it may have been killed for something else; the second death fails that item alone.
    Workers are fresh interpreters, never forks, do not import the caller's main module, and end with the parent,
    however that ends. Where `matsift.execution.kept.kept_processes` says so, those that are idle when the pool closes
    wait for the next pool with the same target, initializer and arguments.

    Parameters
    ----------
    target
        ``package.module:function``; the function takes one picklable payload and returns a picklable value.
    n_worker
        Most processes at a time; they start when there is work for them.
    time_limit_s
        Wall-clock seconds an item may take. Starting a worker and its initializer do not count.
    initializer, init_args
        ``package.module:function`` and its arguments, run once in each worker before its first item.
    """

    def __init__(
        self,
        target: str,
        *,
        n_worker: int,
        time_limit_s: float,
        initializer: str | None = None,
        init_args: tuple[Any, ...] = (),
    ) -> None:
        self._n_worker, self.time_limit_s = max(1, n_worker), time_limit_s
        self._preparation = Preparation(target, initializer, init_args)
        self._queue: deque[tuple[Hashable, Any]] = deque()
        self._workers: list[Child] = []
        self._again: set[Hashable] = set()
        self._start_was_killed = False

    @property
    def n_worker(self) -> int:
        """Most processes at a time."""
        return self._n_worker

    def close(self) -> None:
        """End all workers at once, but those that are kept, and forget what they had in hand."""
        self._queue.clear()
        for worker in self._workers:
            if not (worker.ready and worker.item is None and keep(self._preparation, worker)):
                worker.end()
        self._workers.clear()

    def kill(self) -> None:
        """Kill the processes, so that what they have in hand fails at once; another thread may ask for it."""
        for worker in list(self._workers):
            if worker.item is not None:
                self._again.add(worker.item[0])  # it is not tried once more
            worker.process.kill()

    @property
    def n_pending(self) -> int:
        """Number of items handed in that have no outcome yet."""
        return len(self._queue) + sum(worker.item is not None for worker in self._workers)

    def submit(self, key: Hashable, payload: Any) -> None:
        """Put one item behind those already waiting."""
        self._queue.append((key, payload))

    def next_outcome(self) -> Outcome:
        """Return the next outcome of the items submitted, waiting for it; there must be a pending item.

        Raises
        ------
        WorkerStartError
            If the target or the initializer cannot be loaded or run.
        """
        while True:
            self._hand_out()
            waiting = {worker.connection: worker for worker in self._workers if worker.item or not worker.ready}
            for ready in connection.wait(list(waiting), timeout=self._patience()):
                outcome = self._answer(waiting[ready])  # type: ignore[index]  # wait() returns what it was given
                if outcome is not None:
                    self._hand_out()  # the worker need not wait for what the caller does with the answer
                    return outcome
            for worker in waiting.values():
                if worker.item and time.monotonic() - worker.since > self.time_limit_s:
                    return self._lost(
                        worker, TIME_LIMIT_EXCEEDED, f"took longer than {self.time_limit_s:g} s and was stopped"
                    )
                if not worker.ready and time.monotonic() - worker.since > _START_LIMIT_S:
                    raise WorkerStartError(self._preparation.target, f"did not start within {_START_LIMIT_S:g} s")

    def _hand_out(self) -> None:
        """Give waiting items to idle workers, and start workers while more items wait than workers are coming up."""
        for worker in [w for w in self._workers if w.ready and w.item is None][: len(self._queue)]:
            self._give(worker)
        coming = sum(not worker.ready for worker in self._workers)
        while len(self._workers) < self.n_worker and coming < len(self._queue):
            kept = take(self._preparation)
            self._workers.append(kept or Child(self._preparation))
            if kept is None:
                coming += 1
            else:
                self._give(kept)

    def _give(self, worker: Child) -> None:
        """Give the next item to an idle worker."""
        item = self._queue.popleft()
        try:
            worker.give(item)
        except OSError:  # it died while idle
            worker.end()
            self._workers.remove(worker)
            self._queue.appendleft(item)

    def _patience(self) -> float:
        """Return the seconds until the first limit is reached."""
        limits = [
            w.since + (self.time_limit_s if w.ready else _START_LIMIT_S) for w in self._workers if w.item or not w.ready
        ]
        return max(0.0, min(limits, default=time.monotonic()) - time.monotonic()) + 1e-3

    def _answer(self, worker: Child) -> Outcome | None:
        """Read a worker's message; None if it was only "ready"."""
        try:
            error_class, value = worker.connection.recv()
        except (EOFError, OSError):
            return self._died(worker, worker.end())
        if not worker.ready:
            if error_class:
                raise WorkerStartError(self._preparation.target, f"{error_class}: {value}")
            worker.ready = True
            return None
        assert worker.item is not None
        key, worker.item = worker.item[0], None
        self._again.discard(key)
        seconds = time.monotonic() - worker.since
        if error_class:
            return Outcome(key, None, error_class, value, seconds)
        return Outcome(key, value, None, None, seconds)

    def _died(self, worker: Child, code: int) -> Outcome | None:
        """Let what a dead process had in hand be tried once more; the outcome if that was the second time.

        Raises
        ------
        WorkerStartError
            If it died before it was ready, and not by the first signal.
        """
        if not worker.ready:
            if code >= 0 or self._start_was_killed:
                raise WorkerStartError(self._preparation.target, _how(code))
            self._start_was_killed = True
        else:
            assert worker.item is not None
            if worker.item[0] in self._again:
                self._again.discard(worker.item[0])
                return self._lost(worker, WORKER_DIED, f"the worker process {_how(code)}")
            self._again.add(worker.item[0])
            self._queue.appendleft(worker.item)
            worker.item = None
        self._workers.remove(worker)
        return None

    def _lost(self, worker: Child, error_class: str, message: str) -> Outcome:
        assert worker.item is not None
        worker.end()
        self._workers.remove(worker)
        return Outcome(worker.item[0], None, error_class, message, time.monotonic() - worker.since)


def _how(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
