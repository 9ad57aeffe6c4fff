"""What every pool of processes has in common, wherever these run: items go in, and each comes out with one outcome."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from matsift.errors import MatsiftError

TIME_LIMIT_EXCEEDED = "TimeLimitExceeded"
WORKER_DIED = "WorkerDied"


class PoolLost(MatsiftError):  # noqa: N818  it names what happened, as the others do
    """The machines that a pool works on are gone; what they had in hand has no outcome."""


@dataclass(frozen=True)
class Outcome:
    """What became of one item: its value, or the class and the message of what went wrong.

    `error_class` is the exception's class name, or ``TimeLimitExceeded``, or ``WorkerDied``; `seconds` is wall-clock
    time from handing the item over to its answer.
    """

    key: Hashable
    value: Any
    error_class: str | None
    message: str | None
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.error_class is None


class Pool(ABC):
    """Processes in which an item may hang, crash or run out of memory without harm to its neighbours."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    @abstractmethod
    def n_worker(self) -> int:
        """Number of items that are worked on at a time."""

    @property
    @abstractmethod
    def n_pending(self) -> int:
        """Number of items handed in that have no outcome yet."""

    @abstractmethod
    def submit(self, key: Hashable, payload: Any) -> None:
        """Put one item behind those already waiting."""

    @abstractmethod
    def next_outcome(self) -> Outcome:
        """Return the next outcome of the items submitted, waiting for it; there must be a pending item.

        Raises
        ------
        WorkerStartError
            If the target or the initializer cannot be loaded or run.
        PoolLost
            If the machines of the pool are gone.
        """

    @abstractmethod
    def close(self) -> None:
        """End all work at once and forget what is in hand."""

    def run(self, items: Iterable[tuple[Hashable, Any]], *, ahead: int = 1) -> Iterator[Outcome]:
        """Yield the outcome of each item as it comes, in no certain order; items are drawn only as workers need them.

        Parameters
        ----------
        items
            Keys and payloads.
        ahead
            Items that are drawn and wait while all workers are busy; 0 where to draw one takes it from others.

        Raises
        ------
        WorkerStartError, PoolLost
            As `next_outcome`.
        """
        source, drained = iter(items), False
        try:
            while True:
                while not drained and self.n_pending < self.n_worker + ahead:
                    try:
                        self.submit(*next(source))
                    except StopIteration:
                        drained = True
                if not self.n_pending:
                    return
                yield self.next_outcome()
        finally:
            if self.n_pending:  # the caller stopped early, or was interrupted
                self.close()
