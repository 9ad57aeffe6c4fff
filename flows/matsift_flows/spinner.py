"""A sign of life on a terminal while something goes on that has nothing to count."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

#: Seconds without a word after which the spinner comes.
SILENCE_S = 2.0
_LOOK_EVERY_S = 0.25


class Spinner:
    """Shows the innermost of the things that go on, whenever nothing else was shown for `SILENCE_S`.

    Parameters
    ----------
    console
        The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.RLock()
        self._titles: list[str] = []
        self._n_bar = 0
        self._told_at = time.monotonic()
        self._status: Status | None = None

    def told(self) -> None:
        """Note that something was printed."""
        self._told_at = time.monotonic()

    @contextmanager
    def during(self, title: str) -> Iterator[None]:
        """Show a title while the body runs and says nothing."""
        with self._lock:
            self._titles.append(title)
            if len(self._titles) == 1:
                self.told()
                threading.Thread(target=self._watch, name="matsift-spinner", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._titles.pop()
                self._hide()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Stay away while a bar of its own is shown."""
        with self._lock:
            self._n_bar += 1
            self._hide()
        try:
            yield
        finally:
            with self._lock:
                self._n_bar -= 1
                self.told()

    def _watch(self) -> None:
        """Look every now and then, until nothing goes on any more."""
        while self._titles:
            with self._lock:
                is_silent = time.monotonic() - self._told_at >= SILENCE_S
                if self._titles and self._status is None and not self._n_bar and is_silent:
                    self._status = self._console.status(f"{self._titles[-1]} ...")
                    self._status.start()
            time.sleep(_LOOK_EVERY_S)

    def _hide(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
            self.told()
