"""Reading and writing at the same time: one chunk is written while the next one is read."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

#: Seconds after which a busy thread lets another run: a writer waits for the server a dozen times a chunk, and Python's
#: 5 ms each time would take longer than the server.
TURN_S = 2e-4

#: Chunks that are written at the same time at most, where they have nothing to do with each other.
WRITERS = 3

T = TypeVar("T")
R = TypeVar("R")


def chunked(items: Iterable[T], *, n_item: int, seconds: float) -> Iterator[list[T]]:
    """Yield items in lists of `n_item`, or fewer where they come so slowly that a list took longer than `seconds`.

    What came before an error is yielded before it is raised.
    """
    chunk: list[T] = []
    started = time.monotonic()
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) == n_item or time.monotonic() - started > seconds:
                yield chunk
                chunk, started = [], time.monotonic()
    except Exception:  # whatever ends the reading, what came is written first, and the error goes on
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def overlapped(
    chunks: Iterable[T], write: Callable[[T], R], *, independent: Callable[[T, T], bool] = lambda *_: False
) -> Iterator[R]:
    """Yield what `write` returns of each chunk, in order; it runs in a thread of its own while the next is drawn.

    One chunk at a time is written, or a few of which each two are `independent`. However it ends, what is in hand is
    written first; an error of `write` is raised once the next chunk was drawn.
    """
    with _quick_turns(), ThreadPoolExecutor(max_workers=WRITERS, thread_name_prefix="writer") as writers:
        in_hand: deque[tuple[T, Future[R]]] = deque()
        for chunk in chunks:
            while len(in_hand) == WRITERS or not all(independent(other, chunk) for other, _ in in_hand):
                yield in_hand.popleft()[1].result()
            # In the context of Prefect's flow, where one runs.
            in_hand.append((chunk, writers.submit(copy_context().run, write, chunk)))
        while in_hand:
            yield in_hand.popleft()[1].result()


@contextmanager
def _quick_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)
