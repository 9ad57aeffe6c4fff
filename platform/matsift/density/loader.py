"""Batches for a network, the next ones read by a thread while it works on one, and how long it waited for them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matsift.density.feeds import Feed

#: Batches that are read ahead: one is worked on, one is ready, one is being read.
AHEAD = 3

Wanted = tuple[NDArray[np.int64], NDArray[np.bool_] | None]


class Loader:
    """Batches of a feed on a device, and the seconds that were spent waiting for them.

    Parameters
    ----------
    feed
        Reads in a thread of its own if it is slow; reading and unpacking leave Python's lock to the network.
    device
        Where the tensors go.
    """

    def __init__(self, feed: Feed, device: torch.device) -> None:
        self._feed, self._device = feed, device
        self.waited = 0.0
        self.seconds = 0.0

    @property
    def waiting(self) -> float:
        """Share of the time that went into waiting, from the first batch on."""
        return self.waited / self.seconds if self.seconds > 0 else 0.0

    def batches(self, wanted: Sequence[Wanted]) -> Generator[tuple[Tensor, ...], None, None]:
        """Return the tensors of each batch: rows, and which of them are shifted."""
        begin = time.monotonic()
        try:
            for batch in self._ahead(wanted) if self._feed.slow else self._at_once(wanted):
                yield tuple(part.to(self._device) for part in batch)
        finally:
            self.seconds += time.monotonic() - begin

    def _at_once(self, wanted: Sequence[Wanted]) -> Iterator[tuple[Tensor, ...]]:
        for rows, shifted in wanted:
            begin = time.monotonic()
            batch = self._feed.batch(rows, shifted)
            self.waited += time.monotonic() - begin
            yield batch

    def _ahead(self, wanted: Sequence[Wanted]) -> Iterator[tuple[Tensor, ...]]:
        left = iter(wanted)
        with ThreadPoolExecutor(1, thread_name_prefix="densities") as reader:
            coming: deque[Future[tuple[Tensor, ...]]] = deque()
            try:
                while True:
                    while len(coming) < AHEAD and (item := next(left, None)) is not None:
                        coming.append(reader.submit(self._feed.batch, *item))
                    if not coming:
                        return
                    begin = time.monotonic()
                    batch = coming.popleft().result()
                    self.waited += time.monotonic() - begin
                    yield batch
            finally:
                for future in coming:
                    future.cancel()
