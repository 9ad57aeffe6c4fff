"""The pool on a Dask cluster, whose workers may be killed besides: a real scheduler and real workers, on loopback."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform_.dask_cluster import DaskProcesses, kill
from tests.platform_.killable_targets import BAD_ITEMS

from matsift.errors import UserInputError, WorkerStartError
from matsift.execution.pool import PoolLost
from matsift.execution.pools import are_elsewhere, n_at_once, open_pool, pools_at
from matsift.execution.software import software

if TYPE_CHECKING:
    from matsift.execution.dask_pool import DaskPools

pytestmark = pytest.mark.slow

pytest.importorskip("distributed", reason="needs the package distributed: pip install 'matsift[dask]'")

HERE = str(Path(__file__).parent)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """Two workers that live through the tests that use them."""
    with DaskProcesses(tmp_path_factory.mktemp("dask"), paths=[HERE]) as processes:
        yield processes


@pytest.fixture(scope="module")
def pools(cluster: DaskProcesses) -> Iterator[DaskPools]:
    opened = _ready(cluster)
    yield opened
    opened.close()


def _pools(cluster: DaskProcesses, tell: Callable[[str], None] = lambda _: None, **how: float) -> DaskPools:
    from matsift.execution.dask_pool import DaskPools

    return DaskPools(cluster.address, tell, **how)


def _ready(cluster: DaskProcesses) -> DaskPools:
    """Return pools on a cluster once all its workers are there, which takes a while on a busy machine."""
    pools = _pools(cluster)
    while pools.n_at_once(1) < len(cluster.workers):
        time.sleep(0.1)
    return pools


def test_every_item_has_one_outcome(pools: DaskPools) -> None:
    with pools.open("killable_targets:double", n_worker=1, time_limit_s=10) as pool:
        outcomes = list(pool.run((f"item {i}", i) for i in range(60)))
    assert len(outcomes) == 60
    assert {o.key: o.value for o in outcomes} == {f"item {i}": 2 * i for i in range(60)}
    assert all(o.ok and o.message is None and 0 <= o.seconds < 10 for o in outcomes)


@pytest.mark.parametrize(("what", "error_class", "message"), BAD_ITEMS)
def test_a_bad_item_fails_alone_and_in_the_words_of_a_local_pool(
    pools: DaskPools, what: str, error_class: str, message: str
) -> None:
    items = [("a", "fine"), ("bad", what), ("b", "fine"), ("c", "fine")]
    with pools.open("killable_targets:misbehave", n_worker=1, time_limit_s=0.5) as pool:
        outcomes = {o.key: o for o in pool.run(items)}
    assert (outcomes["bad"].error_class, outcomes["bad"].message) == (error_class, message)
    assert [outcomes[k].value for k in "abc"] == ["fine"] * 3


@pytest.mark.parametrize("value", [7, "x" * 100_000], ids=["travels with each item", "is asked for"])
def test_the_initializer_runs_once_in_each_process(pools: DaskPools, value: Any) -> None:
    with pools.open(
        "killable_targets:prepared",
        n_worker=1,
        time_limit_s=10,
        initializer="killable_targets:prepare",
        init_args=(value,),
    ) as pool:
        found = [o.value for o in pool.run((i, i) for i in range(20))]
    assert all(prepared == [value] for prepared, _ in found)
    assert 1 <= len({pid for _, pid in found}) <= 2


@pytest.mark.parametrize(
    ("target", "initializer", "message"),
    [
        ("killable_targets:absent", None, "AttributeError"),
        ("no_such_module:f", None, "No module named 'no_such_module'"),
        ("killable_targets:double", "killable_targets:refuse", "RuntimeError: no weights here"),
    ],
    ids=["no function", "no module", "initializer raises"],
)
def test_a_process_that_cannot_start_is_said_so(
    pools: DaskPools, target: str, initializer: str | None, message: str
) -> None:
    with (
        pools.open(target, n_worker=1, time_limit_s=10, initializer=initializer) as pool,
        pytest.raises(WorkerStartError, match=rf"{message}.*\(Dask worker tcp://127.0.0.1:\d+\)"),
    ):
        list(pool.run([(1, 1)]))


def test_a_worker_with_other_versions_is_refused(pools: DaskPools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matsift.execution.dask_pool.software", lambda: {**software(), "numpy": "1.0"})
    with (
        pools.open("killable_targets:double", n_worker=1, time_limit_s=10) as pool,
        pytest.raises(WorkerStartError, match=r"it has numpy \S+, this command 1.0; install the same versions"),
    ):
        list(pool.run([(1, 1)]))


def test_results_stream_and_items_are_drawn_as_needed(pools: DaskPools) -> None:
    drawn: list[int] = []

    def source() -> Iterator[tuple[int, int]]:
        for i in range(1000):
            drawn.append(i)
            yield i, i

    with pools.open("killable_targets:double", n_worker=1, time_limit_s=10) as pool:
        stream = pool.run(source(), ahead=0)
        next(stream)
        assert len(drawn) == 2
        next(stream)
        assert len(drawn) == 3
        stream.close()  # type: ignore[attr-defined]
    assert pool.n_pending == 0


@pytest.mark.usefixtures("hears_ctrl_c")
def test_closing_stops_what_is_in_hand(pools: DaskPools) -> None:
    with pools.open("killable_targets:misbehave", n_worker=1, time_limit_s=60) as pool:
        for key in range(4):
            pool.submit(key, "sleep")
        with pytest.raises(KeyboardInterrupt), _interrupted_after(3.0):
            pool.next_outcome()
    started = time.monotonic()
    with pools.open("killable_targets:double", n_worker=1, time_limit_s=60) as pool:
        assert sorted(o.value for o in pool.run((i, i) for i in range(4))) == [0, 2, 4, 6]
    assert time.monotonic() - started < 50  # the sleepers take 60 s


def test_pools_open_elsewhere_only_within_the_block(pools: DaskPools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)
    assert (are_elsewhere(), n_at_once(5)) == (False, 5)
    with pools_at(pools):
        assert (are_elsewhere(), n_at_once(5)) == (True, 2)
        with open_pool("killable_targets:parent", n_worker=1, time_limit_s=10) as pool:
            (there,) = pool.run([(1, 1)])
    with open_pool("killable_targets:parent", n_worker=1, time_limit_s=10) as pool:
        (here,) = pool.run([(1, 1)])
    assert here.value == os.getpid() != there.value


def test_a_worker_that_is_killed_loses_no_item(tmp_path: Path) -> None:
    with DaskProcesses(tmp_path, paths=[HERE]) as cluster:
        pools = _ready(cluster)
        keys = []
        with pools.open("killable_targets:slowly_double", n_worker=1, time_limit_s=60) as pool:
            for outcome in pool.run((i, i) for i in range(40)):
                assert outcome.value == 2 * int(str(outcome.key))
                keys.append(outcome.key)
                if len(keys) == 6:
                    kill(cluster.workers[0])
        pools.close()
    assert sorted(keys) == list(range(40))  # type: ignore[type-var]


@pytest.mark.full
def test_an_item_that_kills_dask_workers_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")  # of many, each takes a worker
    items = [("a", "fine"), ("bad", "bad"), ("b", "fine"), ("c", "fine"), ("d", "fine")]
    with DaskProcesses(tmp_path, paths=[HERE], nanny=True) as cluster:
        pools = _ready(cluster)
        with pools.open("killable_targets:end_parent", n_worker=1, time_limit_s=60) as pool:
            outcomes = {o.key: o for o in pool.run(items)}
        pools.close()
    assert [outcomes[k].value for k in "abcd"] == ["fine"] * 4
    assert outcomes["bad"].error_class == "WorkerDied"
    assert outcomes["bad"].message == "the Dask workers that were at it died (1 in a row)"


@pytest.mark.full
def test_a_scheduler_that_goes_or_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with DaskProcesses(tmp_path, n_worker=1, paths=[HERE]) as cluster:
        pools = _ready(cluster)
        with pools.open("killable_targets:misbehave", n_worker=1, time_limit_s=60) as pool:
            pool.submit(1, "fine")
            assert pool.next_outcome().ok
            pool.submit(2, "sleep")
            threading.Timer(1.0, kill, (cluster.scheduler,)).start()
            started = time.monotonic()
            with pytest.raises(PoolLost, match=f"the Dask scheduler at {cluster.address} is gone; .* is kept"):
                pool.next_outcome()
            assert time.monotonic() - started < 20
        pools.close()
        with pytest.raises(UserInputError, match=f"the Dask scheduler at {cluster.address} cannot be reached"):
            _pools(cluster).n_at_once(1)


def test_a_cluster_without_workers_is_told_and_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("matsift.execution.dask_cluster.TOLD_AFTER_S", 0.5)
    with DaskProcesses(tmp_path, n_worker=0) as cluster:
        pools = _pools(cluster, told.append, limit_without_worker_s=2.0)
        with pytest.raises(PoolLost, match=r"no worker was connected to the Dask scheduler at .* for 2 s"):
            pools.n_at_once(1)
        pools.close()
    (line,) = told
    assert line.startswith(f"no worker is connected to the Dask scheduler at {cluster.address}; waiting for one")


class _interrupted_after:  # noqa: N801  it reads as a phrase
    """Ctrl-C for the main thread after some seconds."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, _interrupt)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _interrupt() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
