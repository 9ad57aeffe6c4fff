"""Jobs that are kept: what an earlier run computed is read, the rest is shared out to processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

from benchmarks.kept_lines import KeptLines
from benchmarks.repro_004.plan import Plan
from benchmarks.repro_004.setup import Setup

Result = dict[str, Any]


class Job(Protocol):
    """One computation of the reproduction; its name says which."""

    def key(self, setup: Setup) -> str:
        """Return its name with all that its result depends on."""
        ...

    def made(self, setup: Setup) -> bool:
        """Return whether the files that it writes are there."""
        ...

    def run(self, setup: Setup) -> Result:
        """Return its result, plain JSON values."""
        ...


J = TypeVar("J", bound=Job)


def results(setup: Setup, jobs: Sequence[J], *, n_worker: int, tell: Callable[[str], None]) -> dict[J, Result]:
    """Return the result of each job, computing what is not kept from an earlier run; 0 workers stay in this process."""
    lines = KeptLines(setup.home / "results.jsonl")
    known, keys = dict(lines), {job: job.key(setup) for job in jobs}
    wanted = [job for job in keys if keys[job] not in known or not job.made(setup)]
    for i, (job, result) in enumerate(_run_all(setup, wanted, n_worker), start=1):
        lines.keep(keys[job], result)
        known[keys[job]] = result
        tell(f"{i} of {len(wanted)}: {job}: {result['seconds']:.0f} s")
    return {job: known[key] for job, key in keys.items()}


def _run_all(setup: Setup, jobs: Sequence[J], n_worker: int) -> Iterator[tuple[J, Result]]:
    n_worker = min(n_worker, len(jobs))
    if n_worker:
        with get_context("spawn").Pool(n_worker, _start, (setup.home, setup.plan, setup.all_marks())) as pool:
            yield from pool.imap_unordered(_run, jobs)
    else:
        yield from ((job, _timed(setup, job)) for job in jobs)


_HELD: list[Setup] = []


def _start(home: Path, plan: Plan, marks: dict[str, str]) -> None:
    _HELD[:] = [Setup(home, plan, marks)]


def _run(job: J) -> tuple[J, Result]:
    return job, _timed(_HELD[0], job)


def _timed(setup: Setup, job: Job) -> Result:
    begin, cpu = time.perf_counter(), time.process_time()
    result = job.run(setup)
    seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu
    return {**result, "seconds": round(seconds, 1), "cpu_seconds": round(cpu_seconds, 1)}
