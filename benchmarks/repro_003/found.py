"""All results of a task: what is known is read, what is not is trained, and both are put together by learner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.kept_lines import KeptLines
from benchmarks.repro_003.jobs import Job, Result, Task, model_path, run_all
from benchmarks.repro_003.learners import BY_KEY, LEARNERS, Learner
from benchmarks.repro_003.rows import PROPERTIES
from numpy.typing import NDArray

from matsift.learners.left_out_elements import ElementSet, LeftOutElements
from matsift.learners.repeated_folds import OutOfFold

#: The test of rows that were computed a second time.
ELSEWHERE = "computed elsewhere"
#: Tests of the first repeat: they come first, with the fusions.
_FIRST = "repeat 1 "


@dataclass(frozen=True, eq=False)
class Plan:
    """What is asked.

    Parameters
    ----------
    folds
        (n_repeat, n) the fold of each row.
    sets
        Those without an element.
    elsewhere
        (n,) rows whose bulk modulus was computed a second time, by another code.
    """

    folds: NDArray[np.int64]
    sets: tuple[ElementSet, ...] = ()
    elsewhere: NDArray[np.bool_] | None = None

    def tests(self) -> dict[str, NDArray[np.bool_]]:
        """Return the rows that are asked about, by the name of the test."""
        named = {
            fold_name(repeat, fold): own == fold for repeat, own in enumerate(self.folds) for fold in np.unique(own)
        }
        named |= {element_name(one.element): one.test for one in self.sets}
        return named if self.elsewhere is None else {**named, ELSEWHERE: self.elsewhere}

    def jobs(self, learners: Sequence[Learner]) -> list[Job]:
        """Return the trainings, one repeat after the other, the elements behind the first one."""
        n_repeat = len(self.folds)
        folds = [[fold_name(r, f) for f in np.unique(self.folds[r])] for r in range(n_repeat)]
        elements = [element_name(one.element) for one in self.sets]
        single = [one.key for one in learners if one.left_out and self.elsewhere is not None]
        return [
            Job(learner.key, name, test)
            for tests, is_left_out in ((folds[0], False), (elements, True), *((one, False) for one in folds[1:]))
            for name in PROPERTIES
            for test in tests
            for learner in learners
            if learner.left_out or not is_left_out
        ] + [Job(key, PROPERTIES[0], ELSEWHERE) for key in single]


@dataclass(frozen=True, eq=False)
class Found:
    """What learners say: property -> learner -> rows held out by folds, and by element; `results` as they were kept."""

    folds: dict[str, dict[str, OutOfFold]]
    elements: dict[str, dict[str, LeftOutElements]]
    results: dict[Job, Result]


def fold_name(repeat: int, fold: int) -> str:
    """Return the name of a test."""
    return f"repeat {repeat + 1} fold {fold + 1}"


def element_name(symbol: str) -> str:
    """Return the name of a test."""
    return f"without {symbol}"


def found(
    task: Task, plan: Plan, *, n_worker: int, tell: Callable[[str], None], learners: Sequence[Learner] = LEARNERS
) -> Found:
    """Return all results, training what is not kept from an earlier run."""
    lines = KeptLines(task.home / f"results-{task.digest}.jsonl")
    known, jobs = dict(lines), plan.jobs(learners)
    wanted = [job for job in jobs if task.key(job) not in known]
    again = [b for job in wanted for b in _branches(job) if not model_path(task, b).exists()]
    n_kept = len(jobs) - len(wanted)
    wanted = list(dict.fromkeys([*wanted, *again]))
    if wanted:
        tell(f"{len(wanted)} trainings, {n_kept} are kept")
        (task.home / "networks").mkdir(parents=True, exist_ok=True)
    first = [job for job in wanted if job.test.startswith(_FIRST)]
    parts = (first, [job for job in wanted if job not in first])
    done = (pair for part in parts for pair in run_all(task, part, n_worker))
    for i, (job, result) in enumerate(done, start=1):
        lines.keep(task.key(job), result)
        known[task.key(job)] = result
        error = np.array(result["mean"]) - task.moduli[job.property_name][task.tests[job.test]]
        rmse = np.sqrt((error**2).mean())
        tell(f"{i} of {len(wanted)}: {job}: RMSE {rmse:.1f} GPa, {result['seconds']:.0f} s")
    return assembled(task, plan, {job: known[task.key(job)] for job in jobs})


def assembled(task: Task, plan: Plan, results: dict[Job, Result]) -> Found:
    """Return results by learner."""
    keys = list(dict.fromkeys(job.learner for job in results))
    folds: dict[str, dict[str, OutOfFold]] = {name: {} for name in PROPERTIES}
    elements: dict[str, dict[str, LeftOutElements]] = {name: {} for name in PROPERTIES}
    for name in PROPERTIES:
        y = task.moduli[name]
        for key in keys:
            mean, spread = np.full((2, *plan.folds.shape), np.nan)
            for repeat, own in enumerate(plan.folds):
                for fold in np.unique(own):
                    result = results[Job(key, name, fold_name(repeat, fold))]
                    mean[repeat, own == fold], spread[repeat, own == fold] = result["mean"], result["spread"]
            folds[name][key] = OutOfFold(y, plan.folds, mean, spread)
            if BY_KEY[key].left_out and plan.sets:
                mean, spread = np.full((2, len(plan.sets), len(y)), np.nan)
                for place, one in enumerate(plan.sets):
                    result = results[Job(key, name, element_name(one.element))]
                    mean[place, one.test], spread[place, one.test] = result["mean"], result["spread"]
                elements[name][key] = LeftOutElements(y, plan.sets, mean, spread)
    return Found(folds, elements, results)


def _branches(job: Job) -> list[Job]:
    return [Job(key, job.property_name, job.test) for key in BY_KEY[job.learner].branches]
