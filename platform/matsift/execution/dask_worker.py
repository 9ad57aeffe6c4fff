"""The side of a Dask worker: each of its threads hands items to a process that may hang or crash without harm to it.

A Dask worker computes nothing itself and knows no database. What an item needs came with it.
"""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distributed import get_worker

from matsift.errors import WorkerStartError
from matsift.execution.killable import KillablePool
from matsift.execution.pool import Outcome
from matsift.execution.software import difference

#: Seconds after which a process without work ends.
_IDLE_S = 300.0

#: Preparations that a Dask worker keeps, beside those that its processes were made with.
_MOST_KEPT = 4


@dataclass(frozen=True)
class Job:
    """What all items of a pool share; `preparation` is the SHA-256 of what makes a process ready for them."""

    pool: str
    preparation: str
    time_limit_s: float
    software: Mapping[str, str]


@dataclass(frozen=True)
class Lacking:
    """The answer of a Dask worker that has never seen the preparation of the job."""

    worker: str


@dataclass(frozen=True)
class Refused:
    """Why no process of this Dask worker can work on the job."""

    worker: str
    problem: str


def run_item(job: Job, payload: bytes, preparation: bytes | None) -> Outcome | Lacking | Refused:
    """Return what became of one pickled payload: the function that a pool on Dask submits."""
    worker = get_worker()
    if (problem := difference(job.software)) is not None:
        return Refused(worker.address, f"{problem}; install the same versions")
    try:
        process = _PROCESSES.take(job, preparation, most=worker.state.nthreads)
        if process is None:
            return Lacking(worker.address)
        process.submit(None, pickle.loads(payload))  # noqa: S301  whoever reaches a Dask worker runs code there anyway
        outcome = process.next_outcome()
    except WorkerStartError as error:
        return Refused(worker.address, error.problem)
    finally:
        _PROCESSES.give_back(job)
    return outcome


def stop_items(pool: str) -> None:
    """Kill what a pool has in hand on this Dask worker."""
    _PROCESSES.kill(pool)


class _Processes:
    """The processes of one Dask worker, at most one a thread, each with what it was made ready for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Any, ...]] = OrderedDict()
        self._idle: list[tuple[str, KillablePool, threading.Timer]] = []
        self._busy: dict[int, tuple[Job, KillablePool]] = {}

    def take(self, job: Job, preparation: bytes | None, *, most: int) -> KillablePool | None:
        """Return a process for a job and note that this thread has it; None if nobody knows how to make it ready."""
        with self._lock:
            if preparation is not None:
                self._kept[job.preparation] = pickle.loads(preparation)  # noqa: S301  as in `run_item`
            if job.preparation not in self._kept:
                return None
            self._kept.move_to_end(job.preparation)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            process = self._idle_for(job) or self._started(job, most)
            process.time_limit_s = job.time_limit_s
            self._busy[threading.get_ident()] = job, process
            return process

    def give_back(self, job: Job) -> None:
        """Keep the process of this thread for the next item."""
        with self._lock:
            _, process = self._busy.pop(threading.get_ident(), (None, None))
            if process is None:
                return
            if process.n_pending:  # it did not start
                process.close()
                return
            timer = threading.Timer(_IDLE_S, self._end, (process,))
            timer.daemon = True
            self._idle.append((job.preparation, process, timer))
            timer.start()

    def kill(self, pool: str) -> None:
        """Kill the processes that work for a pool; the threads that wait for them see them end."""
        with self._lock:
            for job, process in self._busy.values():
                if job.pool == pool:
                    process.kill()

    def _idle_for(self, job: Job) -> KillablePool | None:
        for i, (preparation, process, timer) in enumerate(self._idle):
            if preparation == job.preparation:
                timer.cancel()
                del self._idle[i]
                return process
        return None

    def _started(self, job: Job, most: int) -> KillablePool:
        """Return a new process; the one that has been idle for longest makes room for it."""
        while self._idle and len(self._idle) + len(self._busy) >= most:
            _, process, timer = self._idle.pop(0)
            timer.cancel()
            process.close()
        target, initializer, init_args = self._kept[job.preparation]
        return KillablePool(
            target, n_worker=1, time_limit_s=job.time_limit_s, initializer=initializer, init_args=init_args
        )

    def _end(self, idle: KillablePool) -> None:
        with self._lock:
            if any(process is idle for _, process, _ in self._idle):
                self._idle = [one for one in self._idle if one[1] is not idle]
                idle.close()


_PROCESSES = _Processes()
