"""All that is measured, stage by stage; each stage reads what the ones before it left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.generative.rates import fit_seconds
from benchmarks.repro_004 import strategies
from benchmarks.repro_004.fits import Fit
from benchmarks.repro_004.networks import Made
from benchmarks.repro_004.recovery import Screened
from benchmarks.repro_004.running import Result, results
from benchmarks.repro_004.searches import Search
from benchmarks.repro_004.setup import ORACLE, Setup
from benchmarks.repro_004.strategies import OWN, PAPER, STRATEGIES
from numpy.typing import NDArray

#: Where the strategies are compared, and the kappas: the start of the third experiment.
COMPARED = "exp3"


@dataclass(frozen=True, eq=False)
class Found:
    """Results: of what is made once by name, of searches, and of trainings by line of Table 1 and learner.

    The lines are `exp1`, `exp2 BS`, `exp2 AL` and so on; those of the other strategies are `exp3` and their names.
    """

    made: dict[str, Result]
    searches: dict[Search, Result]
    fits: dict[tuple[str, str], list[Result]]
    initial_mean: dict[str, float]
    fit_seconds: float
    budget: int

    @property
    def learners(self) -> list[str]:
        """Learners that all lines have."""
        return list(dict.fromkeys(learner for line, learner in self.fits if line == "exp2 AL"))

    def of(self, line: str, learner: str, name: str) -> NDArray[np.float64]:
        """Return a score by repeat, NaN where there is none; `recovery` and `precision` are from 0 to 1."""
        return np.array([_score(result, name) for result in self.fits.get((line, learner), [])], dtype=np.float64)

    def one(self, experiment: str, strategy: str) -> Result:
        """Return the result of the first search of a strategy."""
        return next(r for s, r in self.searches.items() if (s.experiment, s.strategy) == (experiment, strategy))

    def course(self, experiment: str, strategy: str, name: str) -> NDArray[np.float64]:
        """Return a number by search; `hit_rate` (wide of all suggestions) and `valid_hit_rate` are shares."""
        chosen = [r for s, r in self.searches.items() if (s.experiment, s.strategy) == (experiment, strategy)]
        return np.array([_count(result, name) for result in chosen], dtype=np.float64)


def plan_of_searches(setup: Setup) -> list[Search]:
    """Return the searches, those that the paper has first."""
    seeds = range(setup.plan.seeds)
    paper_ones = [Search(experiment, PAPER.key, seed) for seed in seeds for experiment in ("exp2", "exp3")]
    controls = (strategies.by_kappa, strategies.climbing)
    kappas = [Search(COMPARED, of(kappa).key) for of in controls for kappa in setup.plan.kappas]
    others = [Search(COMPARED, one.key, seed) for seed in seeds for one in STRATEGIES]
    own = [Search("exp2", OWN.key, seed) for seed in seeds]
    narrow = [Search("exp4", strategies.BEST.key)]
    return list(dict.fromkeys([*paper_ones, *kappas, *narrow, *others, *own]))


def plan_of_fits(setup: Setup) -> dict[tuple[str, str], list[Fit]]:
    """Return the trainings by line and learner; repeats of a line share out its searches."""
    plan = setup.plan
    lines: dict[tuple[str, str], list[Fit]] = {}
    for learner in setup.learners:
        repeats = range(plan.learners[learner.key])
        lines["exp1", learner.key] = [Fit("exp1", learner.key, repeat) for repeat in repeats]
        for experiment in ("exp2", "exp3"):
            lines[f"{experiment} BS", learner.key] = [Fit(experiment, learner.key, repeat) for repeat in repeats]
            lines[f"{experiment} AL", learner.key] = [
                Fit(experiment, learner.key, repeat, Search(experiment, PAPER.key, repeat % plan.seeds))
                for repeat in repeats
            ]
    for experiment, one in [*((COMPARED, one) for one in STRATEGIES), ("exp2", OWN)]:
        lines[f"{experiment} {one.key}", ORACLE.key] = [
            Fit(experiment, ORACLE.key, repeat, Search(experiment, one.key, repeat % plan.seeds))
            for repeat in range(plan.learners[ORACLE.key])
        ]
    return lines


def measured(setup: Setup, *, n_worker: int, tell: Callable[[str], None]) -> Found:
    """Return all results, computing what is not kept from an earlier run."""

    def run(jobs: list[Any]) -> dict[Any, Result]:
        return results(setup, jobs, n_worker=n_worker, tell=tell)

    tell("oracle, autoencoder, GAN")
    made = run([Made("autoencoder"), Made("gan"), Made("oracle")])
    made |= run([Made("candidates")])
    searches = plan_of_searches(setup)
    tell(f"{len(searches)} searches of {setup.plan.budget} suggestions")
    courses = run(searches)
    lines = plan_of_fits(setup)
    jobs = list(dict.fromkeys(job for of in lines.values() for job in of))
    tell(f"{len(jobs)} trainings of property models")
    scores = run(jobs)
    return Found(
        {job.what: result for job, result in made.items()},
        courses,
        {line: [scores[job] for job in of] for line, of in lines.items()},
        {name: float(rows.gaps.mean()) for name, rows in setup.data.initial.items()},
        fit_seconds(),
        setup.plan.budget,
    )


def _score(result: Result, name: str) -> float:
    if name in ("recovery", "precision"):
        if "n_chosen" not in result:
            return float("nan")
        return float(getattr(Screened(result["n_chosen"], result["n_oracle"], result["n_both"]), name))
    value = result.get(name)
    return float("nan") if value is None else float(value)


def _count(result: Result, name: str) -> float:
    if name == "hit_rate":
        return float(result["n_wide"] / max(result["n"], 1))
    if name == "valid_hit_rate":
        return float(result["n_wide_valid"] / max(result["n"], 1))
    value = result[name]
    return float("nan") if value is None else float(value)
