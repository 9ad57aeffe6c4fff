"""Signs of life: as long as a worker lives and computes, its claims stay its own."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from matsift_flows.workspace import Workspace
from matsift_schema.faults import DATABASE_ERRORS
from matsift_schema.store.acquisitions import renew_leases

_MOST_S = 60.0


class Heartbeat:
    """Renews the leases of what a worker has in hand, three times within each, in a thread of its own.

    Where the database is away for a moment the next beat tries again; a lease that ended meanwhile may be lost to
    another worker, which does no harm: the first answer settles the acquisition.
    """

    def __init__(self, workspace: Workspace, worker: str, lease_s: float) -> None:
        self._workspace, self._worker, self._lease_s = workspace, worker, lease_s
        self._in_hand: set[int] = set()
        self._changes = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def take(self, acquisition_id: int) -> None:
        """Keep a claim alive from now on."""
        with self._changes:
            self._in_hand.add(acquisition_id)

    def drop(self, acquisition_id: int) -> None:
        """Let a claim go."""
        with self._changes:
            self._in_hand.discard(acquisition_id)

    @property
    def in_hand(self) -> list[int]:
        """The claims that are kept alive."""
        with self._changes:
            return sorted(self._in_hand)

    def _beat(self) -> None:
        while not self._ended.wait(min(self._lease_s / 3, _MOST_S)):
            if not (in_hand := self.in_hand):
                continue
            try:
                with self._workspace.sessions.begin() as session:
                    renew_leases(session, in_hand, worker=self._worker, lease_s=self._lease_s)
            except DATABASE_ERRORS:
                continue  # whoever computes meets the same trouble, and tells it
