"""A run of one parser over many inputs, and what is told of it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from matsift.execution.killable import TIME_LIMIT_EXCEEDED, KillablePool, Outcome

HEADING = (
    "| parser | inputs | accepted | refused, by class | inputs a second | slowest (s) | defects |",
    "|---|---:|---:|---|---:|---:|---:|",
)
_TOLD = 40


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

    def take(self, number: int, outcome: Outcome) -> None:
        """Count an outcome."""
        self.n_input += 1
        if outcome.seconds > self.slowest_s:
            self.slowest_s, self.slowest = outcome.seconds, number
        if not outcome.ok:  # killed: it hung, or the process died
            self._defect(number, f"{outcome.error_class}: {outcome.message}")
        elif outcome.value.defect is not None:
            self._defect(number, f"{outcome.value.defect} ({outcome.value.where})")
        elif outcome.value.refusal is not None:
            self.refused[outcome.value.refusal] += 1
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


def fuzzed(name: str, start: int, n: int, *, limit_s: float = 2.0, seconds: float | None = None) -> Session:
    """Return what became of n inputs of a parser, fewer where the time for it is over.

    An input over its limit is tried once more: on a busy machine the first time may be no fault of the parser.
    """
    session = Session(name)
    target, ready = "benchmarks.fuzz.child:run", "benchmarks.fuzz.child:prepare"
    with KillablePool(target, n_worker=1, time_limit_s=limit_s, initializer=ready, init_args=(name,)) as pool:
        begun = None
        for number in range(start, start + n):
            outcome = _outcome(pool, name, number)
            if outcome.error_class == TIME_LIMIT_EXCEEDED:
                outcome = _outcome(pool, name, number)
            session.take(number, outcome)
            begun = begun or time.monotonic()  # starting the process, which takes longest, does not count
            session.seconds = time.monotonic() - begun
            if seconds is not None and session.seconds > seconds:
                break
    return session


def _outcome(pool: KillablePool, name: str, number: int) -> Outcome:
    pool.submit(number, (name, number))
    return pool.next_outcome()
