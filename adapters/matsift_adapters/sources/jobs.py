"""Parsing of many members, in order, each under a hard time limit in a worker that can be killed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from matsift.errors import BadStructureError
from matsift.execution.killable import KillablePool, Outcome
from matsift.records import FailureRecord, UnchangedRecord
from matsift_adapters.sources.parsed import Parsed, with_text
from matsift_adapters.sources.parsing import Member, parse_member, prepare_worker, unpacked


@dataclass(frozen=True)
class Job:
    """Something read at a place: a member to parse, a result that needs no parsing, or what gives no new entry.

    `context` and `digest`, the mark of the content, travel along untouched.
    """

    place: str
    context: Any = None
    member: Member | None = None
    ready: tuple[Parsed, ...] = ()
    failure: FailureRecord | None = None
    unchanged: tuple[UnchangedRecord, ...] = ()
    digest: str | None = None


@dataclass(frozen=True)
class Done:
    """A job with its structures."""

    job: Job
    parsed: tuple[Parsed, ...]
    seconds: float


def parse_all(jobs: Iterable[Job], *, n_worker: int, time_limit_s: float) -> Iterator[Done]:
    """Yield the jobs done, in the order they came.

    Parameters
    ----------
    jobs
        Drawn lazily, as workers need them.
    n_worker
        Worker processes; 0 parses in this process, without a time limit, for sources that are trusted.
    time_limit_s
        Wall-clock limit for one member, seconds.
    """
    if n_worker == 0:
        for job in jobs:
            yield Done(job, job.ready if job.member is None else tuple(parse_member(job.member)), 0.0)
        return
    target = f"{parse_member.__module__}:{parse_member.__name__}"
    ready = f"{prepare_worker.__module__}:{prepare_worker.__name__}"
    with KillablePool(target, n_worker=n_worker, time_limit_s=time_limit_s, initializer=ready) as pool:
        queue: deque[Job] = deque()
        done: dict[int, Done] = {}
        first = 0  # the number of the job at the head of the queue
        for number, job in enumerate(jobs):
            queue.append(job)
            if job.member is None:
                done[number] = Done(job, job.ready, 0.0)
            else:
                pool.submit(number, job.member)
            while pool.n_pending > n_worker:
                _take(pool, queue, done, first, time_limit_s)
            while first in done:
                yield done.pop(first)
                queue.popleft()
                first += 1
        while queue:
            while first not in done:
                _take(pool, queue, done, first, time_limit_s)
            yield done.pop(first)
            queue.popleft()
            first += 1


def _take(pool: KillablePool, queue: deque[Job], done: dict[int, Done], first: int, time_limit_s: float) -> None:
    """Wait for one outcome and put it beside its job."""
    outcome = pool.next_outcome()
    number = cast("int", outcome.key)
    job = queue[number - first]
    done[number] = Done(job, _result(outcome, job.member, time_limit_s), outcome.seconds)


def _result(outcome: Outcome, member: Member | None, time_limit_s: float) -> tuple[Parsed, ...]:
    if outcome.ok:
        return tuple(outcome.value)
    message = f"parsing {outcome.message}"
    if outcome.error_class == "TimeLimitExceeded":
        message = f"parsing took longer than {time_limit_s:g} s and was stopped; raise time_limit_s or mend the file"
    failed = Parsed(error_class=outcome.error_class, message=message)
    if member is None or member.format not in {"cif", "cod"}:
        return (failed,)
    try:
        return (with_text(failed, unpacked(member).decode("utf-8-sig", errors="replace")),)
    except BadStructureError:
        return (failed,)
