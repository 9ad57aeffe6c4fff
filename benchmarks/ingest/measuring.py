"""Seconds on the clock and of the processors, apart for this process, its workers and the database server."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.descriptors.database import server_cpu

from matsift.execution.kept import kept_processes
from matsift_flows.workspace import Workspace

_STEPS = 50_000_000


@dataclass
class Measured:
    """What n things took: seconds on the clock, and seconds of CPU by process."""

    n: int
    wall_s: float = 0.0
    own_cpu_s: float = 0.0
    worker_cpu_s: float = 0.0
    server_cpu_s: float = 0.0

    @property
    def rate(self) -> float:
        """Things a second on the clock."""
        return self.n / max(self.wall_s, 1e-9)

    @property
    def cpu_rate(self) -> float:
        """Things a second of CPU, of all processes together."""
        return self.n / max(self.own_cpu_s + self.worker_cpu_s + self.server_cpu_s, 1e-9)


@contextmanager
def measured(n: int, workspace: Workspace | None = None) -> Iterator[Measured]:
    """Yield what the block takes, filled in at its end; with the server's CPU where there is a workspace."""
    result = Measured(n)
    server = server_cpu(workspace) if workspace else 0.0
    workers, own, started = _children_cpu(), time.process_time(), time.perf_counter()
    with kept_processes(0):  # a process counts when it has ended
        yield result
    result.wall_s = time.perf_counter() - started
    result.own_cpu_s = time.process_time() - own
    result.worker_cpu_s = _children_cpu() - workers
    result.server_cpu_s = (server_cpu(workspace) - server) if workspace else 0.0


def take(n: int, work: Callable[[], object], workspace: Workspace | None = None) -> Measured:
    """Return what a piece of work on n things takes."""
    with measured(n, workspace) as result:
        work()
    return result


def load_line() -> str:
    """Return how busy the machine is, in one sentence: what shares it slows down whatever is measured."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} cores; load {one:.1f} over the last minute, {five:.1f} over the last five."


def side_by_side() -> float:
    """Return how much more two busy processes do in a time than one alone: 2 on two free cores, 1 on a shared one."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_count, [1, 1])  # both are there
        alone, both = _timed(lambda: pool.map(_count, [_STEPS])), _timed(lambda: pool.map(_count, [_STEPS] * 2))
    return 2 * alone / both


def _count(n: int) -> int:
    return sum(range(n))


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
