"""Processes that outlive their pool."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextvars import Context
from pathlib import Path
from typing import Any

import pytest
from tests.platform_.processes import is_alive

from matsift.execution.kept import kept_processes
from matsift.execution.killable import KillablePool

HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def _targets_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture(name="alone")
def _alone() -> Callable[..., Any]:
    """Run a function where nothing is kept but by itself: the test session keeps processes around every test."""
    return Context().run


def _pids(*given: Any, n: int = 1, data: Any = None) -> set[int]:
    """Return the processes that a pool of `n` worked with, made ready with what is given."""
    with KillablePool(
        "killable_targets:held",
        n_worker=n,
        time_limit_s=10,
        initializer="killable_targets:hold",
        init_args=(given, data),
    ) as pool:
        outcomes = list(pool.run((i, i) for i in range(20)))
    assert [outcome.error_class for outcome in outcomes] == [None] * 20
    assert {outcome.value[0] for outcome in outcomes} == {given}
    return {outcome.value[1] for outcome in outcomes}


def test_the_next_pool_goes_on_with_the_same_processes(alone: Callable[..., Any]) -> None:
    def pools() -> list[set[int]]:
        with kept_processes(4):
            return [_pids("a"), _pids("b"), _pids("a"), _pids("b")]

    first, second, third, fourth = alone(pools)
    assert (first, second) == (third, fourth)
    assert first != second
    assert not any(is_alive(pid) for pid in first | second)


def test_without_a_block_they_end_with_their_pool(alone: Callable[..., Any]) -> None:
    def pools() -> tuple[set[int], bool]:
        first = _pids("a")
        return first, any(is_alive(pid) for pid in first)

    assert not alone(pools)[1]


def test_an_inner_block_leaves_them_to_the_outer_one(alone: Callable[..., Any]) -> None:
    def pools() -> tuple[set[int], set[int]]:
        with kept_processes(4):
            with kept_processes(4):
                first = _pids("a")
            return first, _pids("a")

    first, second = alone(pools)
    assert first == second


def test_a_block_may_keep_none(alone: Callable[..., Any]) -> None:
    def pools() -> bool:
        with kept_processes(4), kept_processes(0):
            return any(is_alive(pid) for pid in _pids("a"))

    assert not alone(pools)


def test_the_oldest_makes_room(alone: Callable[..., Any]) -> None:
    def pools() -> tuple[set[int], set[int], list[bool]]:
        with kept_processes(1):
            first, second = _pids("a"), _pids("b")
            return first, second, [is_alive(pid) for pid in (*first, *second)]

    assert alone(pools)[2] == [False, True]


def test_what_holds_data_ends_with_its_pool(alone: Callable[..., Any]) -> None:
    def pools() -> list[bool]:
        with kept_processes(4):
            return [is_alive(pid) for size in (1_000, 100_000) for pid in _pids("a", data=bytes(size))]

    assert alone(pools) == [True, False]


def test_one_that_died_while_it_waited_costs_no_item(alone: Callable[..., Any]) -> None:
    def pools() -> tuple[set[int], set[int]]:
        with kept_processes(4):
            (first,) = _pids("a")
            os.kill(first, signal.SIGKILL)
            time.sleep(0.1)
            return {first}, _pids("a")

    first, second = alone(pools)
    assert len(second) == 1
    assert first != second


def test_one_with_work_in_hand_is_not_kept(alone: Callable[..., Any]) -> None:
    """What an interrupted caller left behind would answer the next one."""

    def pools() -> list[Any]:
        with kept_processes(4):
            pool = KillablePool("killable_targets:slowly_double", n_worker=2, time_limit_s=10)
            answers = pool.run((i, i) for i in range(6))
            next(answers)
            answers.close()  # type: ignore[attr-defined]
            pool.close()
            with KillablePool("killable_targets:slowly_double", n_worker=2, time_limit_s=10) as pool:
                return [(outcome.key, outcome.value) for outcome in pool.run((i, 100 * i) for i in range(4))]

    assert sorted(alone(pools)) == [(0, 0), (1, 200), (2, 400), (3, 600)]
