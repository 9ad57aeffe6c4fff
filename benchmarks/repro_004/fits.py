"""The trainings of Table 1 as jobs: an experiment, its rows, a property model, a repeat."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.repro_004 import searches
from benchmarks.repro_004.learners import BY_KEY
from benchmarks.repro_004.running import Result
from benchmarks.repro_004.screening import rows_of, scored
from benchmarks.repro_004.searches import Search
from benchmarks.repro_004.setup import Setup


@dataclass(frozen=True)
class Fit:
    """A training: on the rows of an experiment and, if any, on those that a search found."""

    experiment: str
    learner: str
    repeat: int
    search: Search | None = None

    def __str__(self) -> str:
        """Return its name."""
        rows = "" if self.experiment == "exp1" else f" with {self.search}" if self.search else " BS"
        return f"{self.experiment}{rows}, {self.learner}, repeat {self.repeat + 1}"

    def key(self, setup: Setup) -> str:
        """Return its name with all that its result depends on."""
        found = setup.mark("oracle") if self.search is None else self.search.mark(setup)
        marks = f"{setup.data.digest} {setup.mark('candidates')} {found}"
        return f"{self} on {marks} by {setup.mark_of(BY_KEY[self.learner])}"

    def made(self, setup: Setup) -> bool:  # noqa: ARG002  other jobs ask it for the place
        """Return whether the files that it writes are there: it writes none."""
        return True

    def run(self, setup: Setup) -> Result:
        """Return the scores."""
        found = None if self.search is None else searches.found(setup, self.search)
        rows = rows_of(setup.data, self.experiment, found)
        learner = BY_KEY[self.learner]
        return scored(learner, rows, self.repeat, setup.data, setup.candidates, small=setup.plan.small)
