"""A run of one parser over many inputs, and what is told of it."""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fuzz.child import Read
from benchmarks.fuzz.parser import SHELF

from matsift.execution.killable import TIME_LIMIT_EXCEEDED, KillablePool

HEADING = (
    "| parser | inputs | accepted | refused, by class | inputs a second | slowest (s) | defects |",
    "|---|---:|---:|---|---:|---:|---:|",
)
_TOLD = 40
_LARGEST_BATCH = 256
#: A batch goes to the process at once and takes about so long: a fast parser would wait for the pipe otherwise.
_BATCH_S = 0.25
_KEPT_EACH_S = 10.0


@dataclass
class Session:
    """What became of the inputs of a parser; `defects` holds the first number of each kind, and how often it came."""

    name: str
    n_input: int = 0
    n_accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    defects: dict[str, tuple[int, int]] = field(default_factory=dict)
    slowest_s: float = 0.0
    slowest: int = 0
    seconds: float = 0.0

    def take(self, read: Read) -> None:
        """Count what became of an input."""
        self.n_input += 1
        if read.seconds > self.slowest_s:
            self.slowest_s, self.slowest = read.seconds, read.number
        if read.verdict.defect is not None:
            where = f" ({read.verdict.where})" if read.verdict.where else ""
            self._defect(read.number, f"{read.verdict.defect}{where}")
        elif read.verdict.refusal is not None:
            self.refused[read.verdict.refusal] += 1
        else:
            self.n_accepted += 1

    def _defect(self, number: int, told: str) -> None:
        place = told.rpartition(" (")[2]
        kind = next((known for known in self.defects if known == told or known.endswith(f" ({place}")), told)
        first, n = self.defects.get(kind, (number, 0))
        self.defects[kind] = (min(first, number), n + 1)

    def row(self) -> str:
        """Return the row of the table."""
        refused = ", ".join(f"{name} {n:,}" for name, n in self.refused.most_common()) or "none"
        rate = self.n_input / max(self.seconds, 1e-9)
        n_defect = sum(n for _, n in self.defects.values())
        return (
            f"| {self.name} | {self.n_input:,} | {self.n_accepted:,} | {refused} | {rate:,.0f} "
            f"| {self.slowest_s:.2f} | {n_defect} |"
        )

    def told(self) -> list[str]:
        """Return a line for each kind of defect, with the number that replays it."""
        kinds = sorted(self.defects.items(), key=lambda pair: -pair[1][1])[:_TOLD]
        return [f"{self.name} --seed {first}: {told}, {n} times" for told, (first, n) in kinds]


def fuzzed(
    session: Session,
    n: int,
    *,
    limit_s: float = 2.0,
    seconds: float | None = None,
    keep: Callable[[Session], None],
) -> None:
    """Go on with a session until n inputs of a parser were read, or the time for it is over; call `keep` now and then.

    An input over its limit is tried once more: on a busy machine the first time may be no fault of the parser.
    """
    target, ready = "benchmarks.fuzz.child:run", "benchmarks.fuzz.child:prepare"
    with (
        tempfile.TemporaryDirectory(prefix="matsift-fuzz-", dir=SHELF) as shelf,
        KillablePool(
            target,
            n_worker=1,
            time_limit_s=limit_s,
            initializer=ready,
            init_args=(session.name, str(Path(shelf) / session.name)),
        ) as pool,
    ):
        size, begun, before, kept = 1, 0.0, session.seconds, time.monotonic()
        while session.n_input < n:
            count = min(size, n - session.n_input)
            took = _read(pool, session, session.n_input, count)
            begun = begun or time.monotonic()  # starting the process, which takes longest, does not count
            session.seconds = before + time.monotonic() - begun
            size = max(1, min(2 * count, _LARGEST_BATCH, int(count * _BATCH_S / max(took, 1e-6))))
            if time.monotonic() - kept > _KEPT_EACH_S:
                keep(session)
                kept = time.monotonic()
            if seconds is not None and session.seconds - before > seconds:
                break
    keep(session)


def kept(folder: Path, name: str) -> Session:
    """Return what an earlier run left of a parser; an empty session where there was none."""
    place = _place(folder, name)
    if not place.exists():
        return Session(name)
    found = json.loads(place.read_text(encoding="utf-8"))
    defects = {told: (first, n) for told, (first, n) in found.pop("defects").items()}
    return Session(**found | {"refused": Counter(found["refused"]), "defects": defects})


def keep(folder: Path, session: Session) -> None:
    """Write what became of a parser's inputs, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    place = _place(folder, session.name)
    half = place.with_suffix(".part")
    half.write_text(json.dumps(vars(session)), encoding="utf-8")
    half.replace(place)


def _place(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _read(pool: KillablePool, session: Session, first: int, count: int) -> float:
    """Read so many inputs in the process at once, one by one where that fails; return the seconds that it took."""
    pool.submit(first, (session.name, first, count))
    outcome = pool.next_outcome()
    if outcome.ok:
        for read in outcome.value:
            session.take(read)
        return outcome.seconds
    if count > 1:
        return sum(_read(pool, session, number, 1) for number in range(first, first + count))
    if outcome.error_class == TIME_LIMIT_EXCEEDED:
        pool.submit(first, (session.name, first, 1))
        outcome = pool.next_outcome()
    read = outcome.value[0] if outcome.ok else Read.of_killed(first, outcome)
    session.take(read)
    return outcome.seconds
