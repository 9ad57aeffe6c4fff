"""One schedule of faults: drawn from a seed, let loose on a study, and what was left compared with a calm run."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.place import Place, progress
from tests.flows.preloaded import Preloaded

_ENDS = {0, 1, 128 + signal.SIGINT, -signal.SIGKILL}
_MOST_STARTS = 12


@dataclass(frozen=True)
class Blow:
    """A fault, and how far the study has come when it strikes (0 to 1, and seconds later)."""

    fault: Fault
    at: float
    later_s: float

    def __str__(self) -> str:
        return f"{self.fault.__name__} at {self.at:.2f}"


def schedule(seed: int, n: int) -> list[Blow]:
    """Return n faults in the order of their moments, those of a seed always the same."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0.0, 0.97) for _ in range(n))
    return [Blow(chance.choice(FAULTS), at, chance.uniform(0.0, 0.3)) for at in moments]


@dataclass
class Storm:
    """What happened to a study: faults that struck a command at work, how commands ended, what they said."""

    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    ends: Counter[int] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)

    def run(self, place: Place, seed: int, n: int, calm: Mapping[str, int]) -> None:
        """Let the faults of a seed loose on a study, then bring it to its end."""
        chance = random.Random(f"{seed} details")
        command = place.start()
        for blow in schedule(seed, n):
            if not command.is_running:
                command = place.start()
            _reach(place, command, blow, calm)
            counted = self.struck if command.is_running else self.missed
            if blow.fault(place, command, chance):
                counted[blow.fault.__name__] += 1
        place.heal()
        self._finish(place, command)
        self._look_at(place)

    def _finish(self, place: Place, command: Preloaded) -> None:
        """Start the command again until it ends well, as a user would who is told to."""
        for _ in range(_MOST_STARTS):
            if command.wait(300) == 0:
                return
            said = command.stderr
            time.sleep(0.5)
            command = place.start()
        command.kill()
        self.odd.append(f"after {_MOST_STARTS} starts without a fault it still fails: {said[-500:]}")

    def _look_at(self, place: Place) -> None:
        """Note how commands ended, and every end that is not as it should be."""
        for command in place.started:
            code = command.wait()
            self.ends[code] += 1
            told = [line for line in command.stderr.splitlines() if line.startswith("matsift: ")]
            if code not in _ENDS or "Traceback" in command.stderr or (code == 1 and len(told) != 1):
                self.odd.append(f"code {code}: {command.stderr[-1500:]}")


def _reach(place: Place, command: Preloaded, blow: Blow, calm: Mapping[str, int]) -> None:
    """Wait until the study has come as far as a fault wants it, or the command has ended."""
    while command.is_running:
        with suppress(psycopg.Error):
            if progress(lambda: place.url, dict(calm)) >= blow.at:
                break
        time.sleep(0.05)
    time.sleep(blow.later_s)
