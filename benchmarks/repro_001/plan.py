"""Which jobs a data set gets, and running them in worker processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.repro_001.jobs import Job, Rows
from benchmarks.repro_001.paper import PROPERTIES
from benchmarks.repro_001.result_file import ResultFile

from matsift.execution.killable import KillablePool
from matsift.learners.splits import PAPER_THRESHOLDS

PAPER_279: tuple[str, ...] = ("mp", "mp_energy", "magpie", "voronoi")
PAPER_277: tuple[str, ...] = ("mp", "magpie", "voronoi")
EVERYTHING: tuple[str, ...] = ("mp", "mp_energy", "packing", "magpie", "voronoi")

#: Figure 3 and S1 of the paper, and what the packing columns add.
ABLATION: dict[str, tuple[str, ...]] = {
    "All (8 + 145 + 126)": PAPER_279,
    "without E_hull and E_form (6 + 145 + 126)": PAPER_277,
    "C + S (145 + 126)": ("magpie", "voronoi"),
    "C (145)": ("magpie",),
    "S (126)": ("voronoi",),
    "All + packing (8 + 3 + 145 + 126), ours": EVERYTHING,
}

#: Name in the table -> (strategy, whether the threshold of the paper forces rows into training).
STRATEGIES: dict[str, tuple[str, bool]] = {
    "Model 1": ("model_1", False),
    "Model 2": ("model_2", False),
    "Model 3": ("model_3", True),
    "Model 3 without forced tail": ("model_3", False),
}

#: The learner of the study at full scale, on our columns: name in the table -> (strategy, forced, learner, members).
OURS: dict[str, tuple[str, bool, str, int]] = {
    "Model 1, blend of 5": ("model_1", False, "blend", 5),
    "Model 2, blend of 5": ("model_2", False, "blend", 5),
    "Model 3, blend of 5": ("model_3", True, "blend", 5),
}
OUR_COLUMNS: tuple[str, ...] = ("mp", "packing", "magpie", "voronoi")

_LIMIT_S = 3600.0


def jobs_of(
    seeds: Sequence[int],
    *,
    ensemble_seeds: Sequence[int],
    replay_seeds: Sequence[int],
    has_candidates: bool,
) -> Iterator[Job]:
    """Yield the jobs of one data set, the long ones first."""
    for name in PROPERTIES:
        threshold = PAPER_THRESHOLDS[name]
        for seed in replay_seeds:
            for strategy in ("exploration", "random"):
                yield Job("replay", name, PAPER_277, seed, (("strategy", strategy),))
        for seed in ensemble_seeds:
            for strategy, forced in STRATEGIES.values():
                limit = threshold if forced else None
                options = (("strategy", strategy), ("threshold", limit), ("tail", threshold))
                yield Job("strategy", name, PAPER_277, seed, options)
            if has_candidates:
                yield Job("candidates", name, PAPER_277, seed, (("threshold", threshold),))
        for seed in seeds:
            for sets in (PAPER_279, EVERYTHING):
                yield Job("holdout", name, sets, seed, (("preset", "tuned"),))
                yield Job("folds", name, sets, seed, (("grouped", False),))
            yield Job("folds", name, EVERYTHING, seed, (("grouped", True),))
            for sets in ABLATION.values():
                yield Job("holdout", name, sets, seed, (("preset", "default"),))


def jobs_of_ours(seeds: Sequence[int]) -> Iterator[Job]:
    """Yield the jobs of the study's own learner."""
    for name in PROPERTIES:
        for seed in seeds:
            for strategy, forced, learner, members in OURS.values():
                tail = PAPER_THRESHOLDS[name]
                sampling = (("strategy", strategy), ("threshold", tail if forced else None), ("tail", tail))
                yield Job("strategy", name, OUR_COLUMNS, seed, (*sampling, ("learner", learner), ("members", members)))


def run_all(jobs: Sequence[Job], rows: Rows, *, n_worker: int, kept: ResultFile) -> dict[Job, dict[str, Any]]:
    """Return what each job measured; what an earlier run measured on the same rows is not measured again.

    Raises
    ------
    SystemExit
        If a job failed.
    """
    results = {job: found for job in jobs if (found := kept.get(job)) is not None}
    missing = [job for job in jobs if job not in results]
    begin = time.monotonic()
    with KillablePool(
        "benchmarks.repro_001.jobs:run",
        n_worker=n_worker,
        time_limit_s=_LIMIT_S,
        initializer="benchmarks.repro_001.jobs:hold",
        init_args=(rows,),
    ) as pool:
        for outcome in pool.run(enumerate(missing)):
            job = missing[int(str(outcome.key))]
            if not outcome.ok:
                sys.exit(f"{job}: {outcome.error_class}: {outcome.message}")
            results[job] = kept.keep(job, outcome.value)
            minutes = (time.monotonic() - begin) / 60
            print(f"\r  trainings: {len(results)} of {len(jobs)} jobs, {minutes:.1f} min", end="", file=sys.stderr)
    print(file=sys.stderr)
    return results
