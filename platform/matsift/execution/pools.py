"""Where pools are opened: on this machine, unless a command has chosen another place for all that it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from matsift.execution.killable import KillablePool
from matsift.execution.pool import Pool


class Pools(Protocol):
    """A place with processes."""

    def n_at_once(self, n_worker: int) -> int:
        """Return how many items are worked on at a time, where this machine would take `n_worker` processes."""

    def open(
        self, target: str, *, n_worker: int, time_limit_s: float, initializer: str | None, init_args: tuple[Any, ...]
    ) -> Pool:
        """Return a pool; arguments as `matsift.execution.killable.KillablePool`."""


_elsewhere: ContextVar[Pools | None] = ContextVar("pools", default=None)


@contextmanager
def pools_at(place: Pools | None) -> Iterator[None]:
    """Open pools at another place within this block; None for this machine."""
    before = _elsewhere.set(place)
    try:
        yield
    finally:
        _elsewhere.reset(before)


def are_elsewhere() -> bool:
    """Return whether pools work on other machines."""
    return _elsewhere.get() is not None


def n_at_once(n_worker: int) -> int:
    """Return how many items a pool works on at a time, where this machine would take `n_worker` processes."""
    place = _elsewhere.get()
    return n_worker if place is None else place.n_at_once(n_worker)


def open_pool(
    target: str,
    *,
    n_worker: int,
    time_limit_s: float,
    initializer: str | None = None,
    init_args: tuple[Any, ...] = (),
) -> Pool:
    """Return a pool at the place that was chosen; arguments as `matsift.execution.killable.KillablePool`.

    Payloads and values have to carry all that they need: another machine sees neither files nor databases of this one.
    """
    place = _elsewhere.get()
    opened = KillablePool if place is None else place.open
    return opened(target, n_worker=n_worker, time_limit_s=time_limit_s, initializer=initializer, init_args=init_args)
