"""Table 1 and what goes with it: errors of the regressors over splits by composition, importance, coupling."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.repro_000.kept import Kept
from benchmarks.repro_000.rows import Samples

from matsift.learners.gpr_nn_studies import component_importances, coupling, scan
from matsift.learners.group_splits import SplitPlan, over_splits
from matsift.learners.paper_regressors import PAPER_REGRESSORS

#: Regressors of Table 2, and the limit of long length scale.
SHORT = ("linear", "NN1", "GPR-NN l=7", "GPR-NN l=200")
ADDED_COORDINATES = (0, 4, 9, 19, 39)
LENGTHS = (1.0, 3.0, 7.0, 20.0, 60.0, 200.0)
NOISE_VARIANCES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Bench:
    """Rows of a set with where results are kept, how many splits there are, and how many processes."""

    name: str
    samples: Samples
    kept: Kept
    plan: SplitPlan
    n_worker: int
    tell: Tell

    def run(self, what: str, learner: str, measure: Callable[[], Any]) -> Any:
        """Return a kept or measured result, and tell what is going on; `learner` as `Kept.measured` has it."""
        self.tell(f"{self.name}: {what}")
        return self.kept.measured(f"{what} x{self.plan.n_split} seed {self.plan.seed}", learner, measure)


def scores(bench: Bench, part: str, regressor: str) -> dict[str, Any]:
    """Return statistics of the errors of a regressor on a part, the numbers of its five best splits, and seconds."""

    def measure() -> dict[str, Any]:
        kind, settings = PAPER_REGRESSORS[regressor]
        begin = time.monotonic()
        found = over_splits(kind, bench.samples.part(part), settings=settings, plan=bench.plan, n_worker=bench.n_worker)
        return {
            "summary": found.summary(),
            "best": found.best(5).tolist(),
            "seconds": round(time.monotonic() - begin, 1),
        }

    found: dict[str, Any] = bench.run(
        f"{regressor} on {part}", regressor.split("-", maxsplit=1)[0].rstrip("0123456789"), measure
    )
    return found


def importances(bench: Bench, length: float) -> dict[str, float]:
    """Return column -> mean standard deviation of its component over the splits, the largest first."""

    def measure() -> dict[str, float]:
        found = component_importances(
            bench.samples.data, settings={"length": length}, plan=bench.plan, n_worker=bench.n_worker
        )
        mean = found.mean(axis=0)
        names = bench.samples.data.feature_names
        return {names[i]: float(mean[i]) for i in (-mean).argsort()}

    found: dict[str, float] = bench.run(f"importance l={length:g}", "GPR", measure)
    return found


def coupled(bench: Bench, n_split: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return number of coordinates -> measure -> statistics, for coordinates added to the original ones."""
    plan = SplitPlan(n_split, bench.plan.test_fraction, bench.plan.seed)

    def measure() -> dict[str, Any]:
        found = coupling(bench.samples.data, ADDED_COORDINATES, plan=plan, n_worker=bench.n_worker)
        n_column = len(bench.samples.data.feature_names)
        return {str(n_column + n): one.summary() for n, one in found.items()}

    found: dict[str, dict[str, dict[str, float]]] = bench.run(f"coupling {n_split}", "GPR", measure)
    return found


def scanned(bench: Bench, n_split: int) -> dict[str, Any]:
    """Return the median test and train errors over lengths and noise variances, and the pair chosen."""
    plan = SplitPlan(n_split, bench.plan.test_fraction, bench.plan.seed)

    def measure() -> dict[str, Any]:
        found = scan(bench.samples.data, LENGTHS, NOISE_VARIANCES, plan=plan, n_worker=bench.n_worker)
        return {
            "test": np.median(found.rmse_test, axis=2).tolist(),
            "train": np.median(found.rmse_train, axis=2).tolist(),
            "chosen": found.chosen(),
        }

    found: dict[str, Any] = bench.run(f"scan {n_split}", "GPR", measure)
    return found
