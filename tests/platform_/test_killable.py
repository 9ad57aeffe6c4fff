"""The pool whose items may hang and crash."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from tests.platform_.killable_targets import BAD_ITEMS
from tests.platform_.processes import is_alive

from matsift.errors import WorkerStartError
from matsift.execution.kept import kept_processes
from matsift.execution.killable import KillablePool

HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def _targets_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture(autouse=True)
def _own_processes() -> Iterator[None]:
    """Start every process here: the test session keeps those of other tests."""
    with kept_processes(0):
        yield


def _wait_until_dead(pids: list[int], limit_s: float = 10.0) -> list[int]:
    end = time.monotonic() + limit_s
    while time.monotonic() < end and any(is_alive(pid) for pid in pids):
        time.sleep(0.05)
    return [pid for pid in pids if is_alive(pid)]


def test_every_item_has_one_outcome() -> None:
    with KillablePool("killable_targets:double", n_worker=2, time_limit_s=10) as pool:
        outcomes = list(pool.run((f"item {i}", i) for i in range(200)))
    assert {o.key: o.value for o in outcomes} == {f"item {i}": 2 * i for i in range(200)}
    assert all(o.ok and o.message is None and 0 <= o.seconds < 10 for o in outcomes)


@pytest.mark.parametrize(("what", "error_class", "message"), BAD_ITEMS)
def test_a_bad_item_fails_alone(what: str, error_class: str, message: str) -> None:
    items = [("a", "fine"), ("bad", what), ("b", "fine"), ("c", "fine")]
    with KillablePool("killable_targets:misbehave", n_worker=2, time_limit_s=0.5) as pool:
        outcomes = {o.key: o for o in pool.run(items)}
    assert (outcomes["bad"].error_class, outcomes["bad"].message) == (error_class, message)
    assert [outcomes[k].value for k in "abc"] == ["fine"] * 3


def test_a_worker_that_is_killed_once_costs_no_item(tmp_path: Path) -> None:
    """As by a person, or by a machine short of memory: one while it starts, one at work."""
    at_start, at_work = str(tmp_path / "start"), str(tmp_path / "work")
    with KillablePool(
        "killable_targets:killed_once",
        n_worker=1,
        time_limit_s=10,
        initializer="killable_targets:killed_once",
        init_args=(at_start,),
    ) as pool:
        outcomes = {o.key: (o.value, o.error_class) for o in pool.run([("a", at_work), ("b", at_start)])}
    assert outcomes == {"a": (at_work, None), "b": (at_start, None)}


@pytest.mark.usefixtures("hears_ctrl_c")
def test_ctrl_c_while_a_worker_starts_is_not_heard_there(capfd: pytest.CaptureFixture[str]) -> None:
    """A terminal sends it to the whole group; the parent alone decides what becomes of its workers."""
    with KillablePool("killable_targets:double", n_worker=1, time_limit_s=10) as pool:
        before, started = psutil.Process().children(), list[psutil.Process]()

        def interrupt() -> None:
            while not (new := [child for child in psutil.Process().children() if child not in before]):
                time.sleep(0.001)
            started.append(new[0])
            with suppress(psutil.NoSuchProcess):
                for _ in range(50):
                    new[0].send_signal(signal.SIGINT)
                    time.sleep(0.005)

        pool.submit("a", 2)
        user = threading.Thread(target=interrupt)
        user.start()
        assert pool.next_outcome().value == 4
        user.join()
        assert started[0].is_running()
    assert capfd.readouterr().err == ""


def test_a_result_that_cannot_be_sent_is_a_failure_and_the_worker_goes_on() -> None:
    with KillablePool("killable_targets:misbehave", n_worker=1, time_limit_s=5) as pool:
        first, second = pool.run([(1, "unpicklable"), (2, "fine")])
    assert first.error_class == "TypeError"
    assert first.message is not None
    assert first.message.startswith("the result cannot be sent back")
    assert second.value == "fine"


def test_the_clock_of_an_item_starts_when_a_worker_takes_it() -> None:
    with KillablePool("killable_targets:misbehave", n_worker=1, time_limit_s=0.4) as pool:
        outcomes = {o.key: o for o in pool.run([(1, "sleep"), (2, "sleep"), (3, "fine")])}
    assert [outcomes[k].error_class for k in (1, 2, 3)] == ["TimeLimitExceeded", "TimeLimitExceeded", None]
    assert all(0.4 <= outcomes[k].seconds < 1.5 for k in (1, 2))


@pytest.mark.parametrize(("ahead", "most"), [(1, 4), (0, 3)], ids=["one waits", "none waits"])
def test_results_stream_and_items_are_drawn_as_needed(ahead: int, most: int) -> None:
    drawn: list[int] = []

    def source() -> Iterator[tuple[int, int]]:
        for i in range(1000):
            drawn.append(i)
            yield i, i

    with KillablePool("killable_targets:double", n_worker=2, time_limit_s=10) as pool:
        stream = pool.run(source(), ahead=ahead)
        next(stream)
        assert len(drawn) <= most - 1
        next(stream)
        assert len(drawn) <= most
        stream.close()  # type: ignore[attr-defined]
    assert pool.n_pending == 0


def test_the_initializer_runs_once_in_each_worker() -> None:
    with KillablePool(
        "killable_targets:prepared", n_worker=2, time_limit_s=10, initializer="killable_targets:prepare", init_args=(7,)
    ) as pool:
        values = [o.value for o in pool.run((i, i) for i in range(50))]
    assert all(value[0] == [7] for value in values)
    assert 1 <= len({value[1] for value in values}) <= 2


@pytest.mark.parametrize(
    ("target", "initializer", "message"),
    [
        ("killable_targets:absent", None, "AttributeError"),
        ("no_such_module:f", None, "No module named 'no_such_module'"),
        ("killable_targets:double", "killable_targets:refuse", "RuntimeError: no weights here"),
    ],
    ids=["no function", "no module", "initializer raises"],
)
def test_a_worker_that_cannot_start_is_said_so(target: str, initializer: str | None, message: str) -> None:
    with (
        KillablePool(target, n_worker=1, time_limit_s=10, initializer=initializer) as pool,
        pytest.raises(WorkerStartError, match=message),
    ):
        list(pool.run([(1, 1)]))


def test_workers_have_one_thread_and_a_main_module_of_their_own() -> None:
    with KillablePool("killable_targets:environment", n_worker=1, time_limit_s=10) as pool:
        (outcome,) = pool.run([(1, 1)])
    assert outcome.value["omp"] == "1"
    assert outcome.value["main"].endswith("execution/worker.py")


def test_items_may_be_added_while_outcomes_come() -> None:
    with KillablePool("killable_targets:double", n_worker=2, time_limit_s=10) as pool:
        pool.submit("first", 1)
        assert pool.next_outcome().value == 2
        pool.submit("second", 2)
        pool.submit("third", 3)
        assert {pool.next_outcome().value, pool.next_outcome().value} == {4, 6}
        assert pool.n_pending == 0


def test_trivial_items_pass_at_several_hundred_a_second() -> None:
    with KillablePool("killable_targets:double", n_worker=2, time_limit_s=10) as pool:
        list(pool.run((i, i) for i in range(4)))
        started = time.monotonic()
        n = sum(o.ok for o in pool.run((i, i) for i in range(2000)))
        assert n / (time.monotonic() - started) > 200


_PARENT = """
    import sys, threading
    sys.path.insert(0, {here!r})
    from matsift.execution.killable import KillablePool

    def work():
        with KillablePool("killable_targets:misbehave", n_worker=2, time_limit_s=100) as pool:
            items = iter([(1, "fine"), (2, "fine"), (3, {what!r}), (4, {what!r})])
            for outcome in pool.run(items):
                if pool.n_pending == 2:
                    print(*(w.process.pid for w in pool._workers), flush=True)
    {start}
"""


_IN_A_THREAD = "t = threading.Thread(target=work); t.start(); t.join()"


def _heed_ctrl_c() -> None:
    """Undo what a shell does to its background jobs, in which the tests may run: they ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("what", ["sleep", "hang in C with the interpreter lock"])
@pytest.mark.parametrize(
    ("end", "start"),
    [(signal.SIGKILL, "work()"), (signal.SIGKILL, _IN_A_THREAD), (signal.SIGINT, "work()")],
    ids=["kill -9", "kill -9 with the pool in a thread", "Ctrl-C"],
)
def test_workers_end_with_the_parent(what: str, end: signal.Signals, start: str) -> None:
    script = textwrap.dedent(_PARENT).format(here=HERE, what=what, start=start)
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=_heed_ctrl_c,  # noqa: PLW1509  this test starts no thread of its own
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    time.sleep(0.2)
    parent.send_signal(end)
    parent.wait(10)
    parent.stdout.close()
    assert _wait_until_dead(pids) == []
