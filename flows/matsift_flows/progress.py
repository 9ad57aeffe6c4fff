"""Progress of long work: bars with rates and remaining time on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from matsift_flows.logs import LOGGER, takes_stderr
from matsift_flows.spinner import Spinner

#: Seconds between two lines about the same work where there is no terminal.
LINE_EVERY_S = 10.0


class Advance(Protocol):
    """Tells that n more items are done."""

    def __call__(self, n: int = 1, *, failed: int = 0) -> None:
        """Count n items as done, `failed` of them as failures."""


class Reporter:
    """Where the progress of a run is shown.

    Parameters
    ----------
    console
        Where to; stderr, so that stdout stays for results.
    quiet
        Show nothing but warnings.
    brief
        Show what goes on while it does, where there is a terminal, and nothing but warnings otherwise.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False, brief: bool = False) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet or (brief and not self.console.is_terminal)
        self._says = not (quiet or brief)
        self._spinner = Spinner(self.console)

    def say(self, text: str) -> None:
        """Print one line, and log it."""
        LOGGER.info("%s", text)
        self._print(text)

    def _print(self, text: str) -> None:
        if self._says and not takes_stderr():
            self._spinner.told()
            self.console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Print one line even when quiet, and log it."""
        LOGGER.warning("%s", text)
        if not takes_stderr():
            self.console.print(text, markup=False, style="yellow")

    @contextmanager
    def work(self, title: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Show the progress of `total` items (None: nobody knows how many), and their rate when it is over."""
        tally = _Tally(title, total, unit)
        if self.quiet:
            yield tally.count
        elif self.console.is_terminal and not takes_stderr():
            with self._bar(title, total, unit, tally) as advance:
                yield advance
        else:
            yield self._lines(tally)
        LOGGER.info("%s", tally.summary(), extra=tally.logged())
        self._print(tally.summary())

    @contextmanager
    def busy(self, title: str) -> Iterator[None]:
        """Show on a terminal that something goes on, while it says nothing itself."""
        if self.quiet or not self.console.is_terminal or takes_stderr():
            yield
            return
        with self._spinner.during(title):
            yield

    @contextmanager
    def _bar(self, title: str, total: int | None, unit: str, tally: _Tally) -> Iterator[Advance]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with self._spinner.hidden(), Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(title, total=total, rate="")

            def advance(n: int = 1, *, failed: int = 0) -> None:
                tally.count(n, failed=failed)
                bar.update(task, advance=n, rate=f"{tally.rate():.1f} {unit}/s")

            yield advance

    def _lines(self, tally: _Tally) -> Advance:
        last = time.monotonic()

        def advance(n: int = 1, *, failed: int = 0) -> None:
            nonlocal last
            tally.count(n, failed=failed)
            if time.monotonic() - last >= LINE_EVERY_S:
                last = time.monotonic()
                LOGGER.info("%s", tally.line(), extra=tally.logged())
                self._print(tally.line())

        return advance


class _Tally:
    def __init__(self, title: str, total: int | None, unit: str) -> None:
        self.title, self.total, self.unit = title, total, unit
        self.done = self.failed = 0
        self.started = time.monotonic()
        self._lock = threading.Lock()

    def count(self, n: int = 1, *, failed: int = 0) -> None:
        with self._lock:
            self.done += n
            self.failed += failed

    def rate(self) -> float:
        return self.done / max(time.monotonic() - self.started, 1e-9)

    def line(self) -> str:
        if self.total is None:
            return f"  {self.title}: {self.done}, {self.rate():.1f} {self.unit}/s"
        if not self.done:
            return f"  {self.title}: 0 of {self.total} {self.unit}"
        left = (self.total - self.done) / max(self.rate(), 1e-9)
        return f"  {self.title}: {self.done} of {self.total}, {self.rate():.1f} {self.unit}/s, {left:.0f} s left"

    def summary(self) -> str:
        failures = f", {self.failed} failed" if self.failed else ""
        seconds = time.monotonic() - self.started
        return f"  {self.title}: {self.done} {self.unit} in {seconds:.1f} s ({self.rate():.1f}/s){failures}"

    def logged(self) -> dict[str, object]:
        """Return what a line of a log holds beside its text."""
        counts = {"done": self.done, "failed": self.failed, "of": self.total}
        return {"stage": self.title, "counts": {**counts, "seconds": round(time.monotonic() - self.started, 3)}}
