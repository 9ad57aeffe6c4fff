"""The connection to one Dask scheduler, which says plainly what is wrong with it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from matsift.errors import UserInputError
from matsift.execution.pool import PoolLost

try:
    import dask
    from distributed import Client
except ImportError:
    raise UserInputError(
        "work on a Dask cluster needs the package distributed; pip install 'matsift[dask]', or unset "
        "MATSIFT_DASK_SCHEDULER to work on this machine"
    ) from None

#: Seconds to wait for an answer of the scheduler.
_CONNECT_S = 10.0

#: Seconds without a worker after which a line says so, and after which the command gives up.
TOLD_AFTER_S, LIMIT_WITHOUT_WORKER_S = 10.0, 1800.0

_LOOK_S = 0.5
_COUNT_EVERY_S = 2.0


class Cluster:
    """The workers of a Dask scheduler.

    Parameters
    ----------
    address
        Of the scheduler, as ``tcp://host:8786``; TLS is a matter of Dask's own configuration.
    tell
        Takes a sentence for the user while he waits.
    limit_without_worker_s
        How long to wait for a first or a new worker, where there is none.

    Raises
    ------
    UserInputError
        If the scheduler does not answer.
    """

    def __init__(
        self, address: str, tell: Callable[[str], None], *, limit_without_worker_s: float = LIMIT_WITHOUT_WORKER_S
    ) -> None:
        self.address, self._tell, self._limit_s = address, tell, limit_without_worker_s
        self._n_thread, self._counted, self._told = 0, -_COUNT_EVERY_S, False
        # What Dask logs on a lost connection is an essay; the errors here say it in a sentence.
        for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm.tcp"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "4 GiB"})
        try:
            connect: Any = Client  # it has no types
            self.client = connect(address, timeout=_CONNECT_S, set_as_default=False, name="matsift")
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise UserInputError(
                f"the Dask scheduler at {address} cannot be reached ({reason}); start it and repeat the command, or "
                "unset MATSIFT_DASK_SCHEDULER to work on this machine"
            ) from None
        self._with_worker = time.monotonic()

    def close(self) -> None:
        """Let go of the scheduler, which forgets what was submitted."""
        with suppress(OSError, TimeoutError):
            self.client.close(timeout=_CONNECT_S)

    @property
    def n_thread(self) -> int:
        """Threads of all workers, counted now and then.

        Raises
        ------
        PoolLost
            If the scheduler is gone.
        """
        if time.monotonic() - self._counted > _COUNT_EVERY_S:
            self._require_running()
            try:
                self._n_thread = sum(self.client.nthreads().values())
            except (OSError, TimeoutError, RuntimeError):
                raise self.lost() from None
            self._counted = time.monotonic()
        return self._n_thread

    def taken_from(self, done: SimpleQueue[str]) -> str:
        """Return the next of a queue that Dask fills, watching over scheduler and workers meanwhile.

        Raises
        ------
        PoolLost
            If the scheduler is gone, or there was no worker for long.
        """
        while True:
            try:
                return done.get(timeout=_LOOK_S)
            except Empty:
                self._require_running()
                self._watch_workers()

    def wait_for_workers(self) -> None:
        """Return once there is a worker.

        Raises
        ------
        PoolLost
            As `taken_from`.
        """
        while not self._watch_workers():
            time.sleep(_LOOK_S)

    def _require_running(self) -> None:
        if self.client.status != "running":
            raise self.lost()

    def _watch_workers(self) -> bool:
        """Return whether there is a worker; tell after a while that there is none."""
        now = time.monotonic()
        if self.n_thread:
            self._with_worker, self._told = now, False
            return True
        self._counted = -_COUNT_EVERY_S
        if not self._told and now - self._with_worker > TOLD_AFTER_S:
            self._told = True
            self._tell(
                f"no worker is connected to the Dask scheduler at {self.address}; waiting for one "
                f"(start it with: dask worker {self.address} --nthreads 1)"
            )
        if now - self._with_worker > self._limit_s:
            raise PoolLost(
                f"no worker was connected to the Dask scheduler at {self.address} for {self._limit_s:g} s; start "
                "workers and repeat the command: what was written is kept"
            )
        return False

    def lost(self) -> PoolLost:
        """Return the error that says that the scheduler is gone."""
        return PoolLost(
            f"the Dask scheduler at {self.address} is gone; start it again and repeat the command: what was written "
            "is kept"
        )
