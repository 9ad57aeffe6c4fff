"""Items of work on the workers of a Dask cluster, with the face and the failures of a pool of local processes."""

from __future__ import annotations

import hashlib
import pickle
import uuid
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

from matsift.errors import WorkerStartError
from matsift.execution.dask_cluster import LIMIT_WITHOUT_WORKER_S, Cluster
from matsift.execution.pool import WORKER_DIED, Outcome, Pool
from matsift.execution.software import software

from distributed import Future, KilledWorker  # isort: skip  after dask_cluster, which says what to install
from distributed.comm.core import CommClosedError  # isort: skip
from matsift.execution.dask_worker import Job, Lacking, Refused, run_item, stop_items  # isort: skip  it imports distributed

#: Seconds for a result of a finished item to arrive; where its worker died meanwhile, Dask computes it again.
_FETCH_S = 60.0

#: Bytes of a preparation that go with each item at once; a larger one goes only to workers that ask for it.
_SMALL = 16_384


class DaskPools:
    """Pools on the workers of one Dask scheduler; the connection is made when the first is opened.

    Parameters
    ----------
    address, tell, limit_without_worker_s
        As `matsift.execution.dask_cluster.Cluster`.
    """

    def __init__(
        self, address: str, tell: Callable[[str], None], *, limit_without_worker_s: float = LIMIT_WITHOUT_WORKER_S
    ) -> None:
        self._about = address, tell, limit_without_worker_s
        self._cluster: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        """The connection.

        Raises
        ------
        UserInputError
            If the scheduler does not answer.
        """
        if self._cluster is None:
            address, tell, limit_s = self._about
            self._cluster = Cluster(address, tell, limit_without_worker_s=limit_s)
        return self._cluster

    def close(self) -> None:
        """Let go of the scheduler."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None

    def n_at_once(self, n_worker: int) -> int:  # noqa: ARG002  the cluster's threads count, not those of this machine
        """Return the number of threads of the cluster, waiting for the first."""
        self.cluster.wait_for_workers()
        return self.cluster.n_thread

    def open(
        self,
        target: str,
        *,
        n_worker: int,  # noqa: ARG002  as `n_at_once`
        time_limit_s: float,
        initializer: str | None = None,
        init_args: tuple[Any, ...] = (),
    ) -> DaskPool:
        """Return a pool; what `n_worker` is for this machine the threads of the cluster are there."""
        return DaskPool(self.cluster, target, time_limit_s=time_limit_s, initializer=initializer, init_args=init_args)


@dataclass(frozen=True)
class _Item:
    """A key with its pickled payload; `alone` once Dask workers have died with it in company."""

    key: Hashable
    payload: bytes
    alone: bool = False


class DaskPool(Pool):
    """The workers of a Dask cluster, each of whose threads works on one item at a time in a process beside it.

    An item that hangs or crashes fails as in `matsift.execution.killable.KillablePool`, in the same words. An item
    whose Dask worker died goes to another. Dask blames all that a dead worker had in hand; what it has blamed more
    often than its setting ``distributed.scheduler.allowed-failures`` is tried once more with nothing beside it, and
    fails (``WorkerDied``) if workers go on dying.

    Parameters
    ----------
    cluster
        The connection, which the pool does not close.
    target, time_limit_s, initializer, init_args
        As `matsift.execution.killable.KillablePool`.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: str,
        *,
        time_limit_s: float,
        initializer: str | None = None,
        init_args: tuple[Any, ...] = (),
    ) -> None:
        self._cluster, self._target = cluster, target
        self._preparation = pickle.dumps((target, initializer, init_args))
        digest = hashlib.sha256(self._preparation).hexdigest()
        self._job = Job(uuid.uuid4().hex, digest, time_limit_s, dict(software()))
        self._queue: deque[_Item] = deque()
        self._suspects: deque[_Item] = deque()
        self._flying: dict[str, tuple[_Item, Future[Any]]] = {}
        self._done: SimpleQueue[str] = SimpleQueue()

    @property
    def n_worker(self) -> int:
        """Threads of the cluster, 1 while it has none."""
        return max(1, self._cluster.n_thread)

    @property
    def n_pending(self) -> int:
        """Number of items handed in that have no outcome yet."""
        return len(self._queue) + len(self._suspects) + len(self._flying)

    def submit(self, key: Hashable, payload: Any) -> None:
        """Put one item behind those already waiting."""
        self._queue.append(_Item(key, pickle.dumps(payload)))

    def close(self) -> None:
        """Stop what the workers have in hand for this pool; their processes stay for the next."""
        self._queue.clear()
        self._suspects.clear()
        flying = [future for _, future in self._flying.values()]
        self._flying.clear()
        if flying and self._cluster.client.status == "running":
            with suppress(OSError, TimeoutError, RuntimeError):
                self._cluster.client.cancel(flying, force=True)
                self._cluster.client.run(stop_items, self._job.pool, on_error="ignore")

    def next_outcome(self) -> Outcome:
        """Return the next outcome of the items submitted, waiting for it; there must be a pending item.

        Raises
        ------
        WorkerStartError
            If the target or the initializer cannot be loaded or run, or a worker has other versions installed.
        PoolLost
            If the scheduler is gone, or there was no worker for long.
        """
        while True:
            self._hand_out()
            item, future = self._flying.pop(self._cluster.taken_from(self._done))
            outcome = self._read(item, future)
            if outcome is not None:
                self._hand_out()  # the workers need not wait for what the caller does with the answer
                return outcome

    def _hand_out(self) -> None:
        """Submit what waits while workers have room for it and one item a thread to go on with."""
        while self._queue and len(self._flying) < 2 * self.n_worker:
            self._fly(self._queue.popleft())
        if self._suspects and not self._flying:
            self._fly(replace(self._suspects.popleft(), alone=True))

    def _fly(self, item: _Item, *, with_preparation: bool = False, **where: Any) -> None:
        preparation = self._preparation if with_preparation or len(self._preparation) < _SMALL else None
        key = f"{self._target.rpartition(':')[2]}-{uuid.uuid4().hex}"
        future = self._cluster.client.submit(
            run_item, self._job, item.payload, preparation, key=key, pure=False, retries=0, **where
        )
        self._wait_for(item, future)

    def _wait_for(self, item: _Item, future: Future[Any]) -> None:
        key = str(future.key)
        self._flying[key] = item, future
        future.add_done_callback(lambda _: self._done.put(key))  # type: ignore[no-untyped-call]  # it has no types

    def _read(self, item: _Item, future: Future[Any]) -> Outcome | None:
        """Return the outcome of an item whose future is done; None if it has to go on flying."""
        try:
            answer: Outcome | Lacking | Refused = future.result(timeout=_FETCH_S)
        except KilledWorker as error:
            return self._blamed(item, error)
        except (CancelledError, CommClosedError):
            raise self._cluster.lost() from None
        except TimeoutError:
            self._wait_for(item, future)
            return None
        except Exception as error:
            hint = "; install matsift on every Dask worker" if isinstance(error, ImportError) else ""
            raise WorkerStartError(self._target, f"{type(error).__name__}: {error}{hint}") from error
        if isinstance(answer, Lacking):
            self._fly(item, with_preparation=True, workers=[answer.worker], allow_other_workers=True)
            return None
        if isinstance(answer, Refused):
            raise WorkerStartError(self._target, f"{answer.problem} (Dask worker {answer.worker})")
        return replace(answer, key=item.key)

    def _blamed(self, item: _Item, error: KilledWorker) -> Outcome | None:
        if not item.alone:
            self._suspects.append(item)
            return None
        n = int(error.allowed_failures) + 1
        return Outcome(item.key, None, WORKER_DIED, f"the Dask workers that were at it died ({n} in a row)", 0.0)
