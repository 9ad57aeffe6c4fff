"""``make soak``: an hour of scheduled ingestion, studies and analysts on one embedded server, as Markdown.

python -m benchmarks.soak --minutes 6
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import psycopg
from benchmarks.soak.analysts import Analysts
from benchmarks.soak.commands import Served, Studies
from benchmarks.soak.shelf import Shelf

from matsift_adapters.embedded_postgres import EmbeddedPostgres
from matsift_schema.engine import upgrade

_SAMPLE_S = 10.0
_HEAD = (
    *("minutes", "PostgreSQL MiB", "serve MiB", "Prefect MiB", "connections", "structures", "queries"),
    *("p50 ms", "p95 ms", "longest ms", "syncs", "studies"),
)
_HEADING = ("| " + " | ".join(_HEAD) + " |", "|" + "---:|" * len(_HEAD))
_MIB = 2**20
PREFECT = "Prefect's server"
#: Memory and connections may not grow by more than this share, and this many, from the second window to the last.
_MOST_GROWTH, _MOST_CONNECTIONS = 0.15, 2


@dataclass
class Window:
    """Some minutes: MiB of their own by who holds them, connections, milliseconds of queries."""

    memory: dict[str, list[float]] = field(default_factory=dict)
    connections: list[int] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    n_structure: int = 0
    syncs: Counter[str] = field(default_factory=Counter)
    runs: Counter[int] = field(default_factory=Counter)

    def held(self, who: str) -> float:
        """Return the median over the window."""
        return float(np.median(self.memory.get(who, [0.0])))


def main() -> int:
    """Print the table; 1 if something grows or failed."""
    options = _options()
    # As a background job of a shell it would have SIGINT ignored, and so would what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    shutil.rmtree(options.home, ignore_errors=True)
    shelf, server = Shelf(options.home / "files"), EmbeddedPostgres(options.home / "postgres")
    url = server.start()
    found: list[Window] = []
    try:
        upgrade(url)
        served, studies = Served(shelf.mirror, options.home, url), Studies(shelf.study, options.home, url)
        analysts = Analysts(url)
        try:
            print("\n".join(_HEADING), flush=True)
            for window in _watched(options.minutes, options.windows, shelf, server, url, (served, studies, analysts)):
                found.append(window)
                print(_row(window, options.minutes * len(found) / options.windows), flush=True)
        finally:
            late = [part.name for part in (analysts, studies, served) if not part.stop()]
    finally:
        server.stop()
    print()
    complaints = [
        *(f"{name} did not end when told to" for name in late),
        *_grown(found),
        *analysts.errors[:5],
        *_failed(found[-1]),
    ]
    print("\n".join(f"- {line}" for line in complaints) or "Nothing grew, nothing failed.")
    return int(bool(complaints))


def _watched(
    minutes: float,
    n_window: int,
    shelf: Shelf,
    server: EmbeddedPostgres,
    url: str,
    parts: tuple[Served, Studies, Analysts],
) -> Iterator[Window]:
    """Yield each window at its end."""
    served, studies, analysts = parts
    begin = time.monotonic()
    for number in range(1, n_window + 1):
        window = Window()
        while time.monotonic() < begin + 60 * minutes * number / n_window:
            time.sleep(_SAMPLE_S)
            shelf.change()
            with suppress(psutil.NoSuchProcess):
                _sample(window, server, served)
            with psycopg.connect(url) as connection:
                window.connections.append(
                    _one(connection, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'matsift'")
                )
                window.n_structure = _one(connection, "SELECT count(*) FROM matsift.structure")
        window.took = list(analysts.taken())
        window.syncs, window.runs = served.ended(), Counter(studies.codes)
        yield window


def _one(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _sample(window: Window, server: EmbeddedPostgres, served: Served) -> None:
    pid = server.status().pid
    assert pid is not None
    postmaster = psutil.Process(pid)
    groups = {"PostgreSQL": [postmaster, *postmaster.children()], "serve": served.lasting()[:1]}
    groups[PREFECT] = served.lasting()[1:]
    for who, processes in groups.items():
        total = 0.0
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().uss / _MIB
        window.memory.setdefault(who, []).append(total)


def _row(window: Window, minutes: float) -> str:
    took = window.took or [0.0]
    p50, p95 = np.percentile(took, (50, 95))
    return (
        f"| {minutes:.0f} | {window.held('PostgreSQL'):.0f} | {window.held('serve'):.0f} | {window.held(PREFECT):.0f} "
        f"| {max(window.connections)} | {window.n_structure} | {len(window.took)} | {p50:.0f} | {p95:.0f} "
        f"| {max(took):.0f} | {window.syncs['completed']} | {window.runs[0]} |"
    )


def _grown(windows: list[Window]) -> list[str]:
    if len(windows) < 3:
        return []
    first, last = windows[1], windows[-1]
    said = [
        f"{who} grew from {first.held(who):.0f} to {last.held(who):.0f} MiB"
        for who in first.memory
        if last.held(who) > (1 + _MOST_GROWTH) * first.held(who) + 8
    ]
    if max(last.connections) > max(first.connections) + _MOST_CONNECTIONS:
        said.append(f"connections grew from {max(first.connections)} to {max(last.connections)}")
    return said


def _failed(last: Window) -> list[str]:
    bad = [
        f"{n} scheduled runs ended as {state}"
        for state, n in last.syncs.items()
        if n and state in {"failed", "crashed"}
    ]
    return [*bad, *(f"{n} studies ended with code {code}" for code, n in last.runs.items() if code)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="What grows in an hour of work.")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--windows", type=int, default=6, help="lines of the table (default 6)")
    parser.add_argument("--home", type=Path, default=Path(".matsift/soak"), help="made anew for the run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
