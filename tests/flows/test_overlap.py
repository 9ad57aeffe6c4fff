"""Reading goes on while a chunk is written; order, errors and what came before an error are kept."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from matsift_flows.overlap import chunked, overlapped

FLOW: ContextVar[str] = ContextVar("FLOW")


def broken_after(n: int) -> Iterator[int]:
    yield from range(n)
    raise ConnectionError("the source went away")


@pytest.mark.parametrize(
    ("n", "sizes"), [(0, []), (3, [3]), (4, [4]), (9, [4, 4, 1])], ids=["none", "few", "one list", "several"]
)
def test_lists_of_a_size(n: int, sizes: list[int]) -> None:
    chunks = list(chunked(range(n), n_item=4, seconds=60))
    assert [len(chunk) for chunk in chunks] == sizes
    assert [item for chunk in chunks for item in chunk] == list(range(n))


def test_a_slow_source_waits_for_no_full_list() -> None:
    def slow() -> Iterator[int]:
        for i in range(4):
            time.sleep(0.05)
            yield i

    assert list(chunked(slow(), n_item=1000, seconds=0.01)) == [[0], [1], [2], [3]]


def test_what_came_before_an_error_is_written() -> None:
    written: list[int] = []
    with pytest.raises(ConnectionError, match="went away"):
        for _ in overlapped(chunked(broken_after(6), n_item=4, seconds=60), written.extend):
            pass
    assert written == [0, 1, 2, 3, 4, 5]


def test_the_next_chunk_is_read_while_one_is_written() -> None:
    """Each waits for the other: one after the other they would never end."""
    reading_on, written = threading.Event(), []

    def chunks() -> Iterator[int]:
        yield 1
        reading_on.set()
        yield 2

    def write(chunk: int) -> int:
        assert reading_on.wait(10)
        written.append(chunk)
        return 10 * chunk

    assert list(overlapped(chunks(), write)) == [10, 20]
    assert written == [1, 2]


def test_one_chunk_at_a_time_in_order() -> None:
    busy = threading.Lock()

    def write(chunk: int) -> int:
        assert busy.acquire(blocking=False)
        time.sleep(0.001)
        busy.release()
        return chunk

    assert list(overlapped(iter(range(50)), write)) == list(range(50))


def test_independent_chunks_are_written_at_the_same_time_and_told_in_order() -> None:
    """Each waits for the other: one after the other they would never end."""
    both = threading.Barrier(2)

    def write(chunk: int) -> int:
        both.wait(10)
        time.sleep(0.01 * (chunk == 1))
        return chunk

    assert list(overlapped([1, 2, 3, 4], write, independent=lambda *_: True)) == [1, 2, 3, 4]


def test_a_chunk_waits_for_those_that_it_depends_on() -> None:
    """Of the same parity none is written beside another, and none before it."""
    busy = {0: threading.Lock(), 1: threading.Lock()}
    written: list[int] = []

    def write(chunk: int) -> None:
        lock = busy[chunk % 2]
        assert lock.acquire(blocking=False)
        time.sleep(0.001 * (chunk % 3))
        written.append(chunk)
        lock.release()

    list(overlapped(range(30), write, independent=lambda one, other: one % 2 != other % 2))
    assert [c for c in written if c % 2] == list(range(1, 30, 2))
    assert [c for c in written if not c % 2] == list(range(0, 30, 2))


def test_an_error_of_writing_ends_the_reading() -> None:
    drawn: list[int] = []

    def chunks() -> Iterator[int]:
        for i in range(100):
            drawn.append(i)
            yield i

    def write(chunk: int) -> None:
        if chunk == 3:
            raise ConnectionError("the database went away")

    with pytest.raises(ConnectionError, match="database"):
        list(overlapped(chunks(), write))
    assert drawn == [0, 1, 2, 3, 4]


def test_the_writer_knows_the_context_of_the_flow() -> None:
    FLOW.set("ingest")
    assert list(overlapped(["chunk"], lambda _: FLOW.get())) == ["ingest"]


def test_threads_take_quick_turns_for_as_long_as_it_lasts() -> None:
    before = sys.getswitchinterval()
    (during,) = overlapped(["chunk"], lambda _: sys.getswitchinterval())
    assert during < before
    assert sys.getswitchinterval() == before
