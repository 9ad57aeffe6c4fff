"""What the reproduction has to show: the wanted beside the measured, and whether it is met."""

from __future__ import annotations

import numpy as np
from benchmarks.repro_000.checks import Check
from benchmarks.repro_003 import paper
from benchmarks.repro_003.found import Found, Plan
from benchmarks.repro_003.learners import BY_KEY, OF_PAPER, TITLES
from benchmarks.repro_003.rows import PROPERTIES, Rows

#: Share of the time that a network may wait for its densities.
MOST_WAITING = 0.05
_SYMBOL = {"k_vrh": "K", "g_vrh": "G"}


def checks(found: Found, plan: Plan, rows: Rows) -> list[Check]:
    """Return the checks of issue 8."""
    joined = [_fusion(found, name) for name in PROPERTIES if "fusion" in found.folds[name]]
    return [*joined, _five(found), _sets(plan, rows), *_cost(found)]


def _fusion(found: Found, name: str) -> Check:
    known = [key for key in ("fusion", *BY_KEY["fusion"].branches) if key in found.folds[name]]
    rmse = {key: found.folds[name][key].metrics()["rmse"] for key in known}
    best = min(rmse, key=lambda key: rmse[key] if key != "fusion" else np.inf)
    share = rmse["fusion"] / rmse[best]
    return Check(
        f"{_SYMBOL[name]}: RMSE of the fusion over its best branch's ({TITLES[best]})",
        f"at or below {paper.FUSION_LIMIT}",
        f"{share:.3f} ({rmse['fusion']:.1f} over {rmse[best]:.1f} GPa)",
        share <= paper.FUSION_LIMIT,
    )


def _five(found: Found) -> Check:
    trained = [key for key in OF_PAPER if all(key in of and _whole(of[key].mean) for of in found.folds.values())]
    return Check(
        "learners of the paper that answer for every row, K and G",
        "5",
        str(len(trained)),
        len(trained) == len(OF_PAPER),
    )


def _whole(said: np.ndarray) -> bool:
    return bool(np.isfinite(said).all())


def _sets(plan: Plan, rows: Rows) -> Check:
    wrong = sum(
        (one.element in symbols) != bool(tested)
        for one in plan.sets
        for symbols, tested in zip(rows.elements, one.test, strict=True)
    )
    sums = {one.n_train + one.n_test for one in plan.sets}
    return Check(
        f"rows on the wrong side of the {len(plan.sets)} sets without an element; sizes sum to {len(rows)}",
        "0",
        f"{wrong}; {', '.join(map(str, sums))}",
        wrong == 0 and sums <= {len(rows)},
    )


def _cost(found: Found) -> list[Check]:
    seen = {job: r for job, r in found.results.items() if "density" in BY_KEY[job.learner].kind}
    waiting = max((r["waiting"] for r in seen.values()), default=0.0)
    peak = max((r["peak_gib"] for r in found.results.values()), default=0.0)
    return [
        Check(
            "largest share of a training's time that a network waited for densities",
            f"at most {MOST_WAITING:.0%}",
            f"{waiting:.1%}",
            waiting <= MOST_WAITING,
        ),
        Check(
            "largest memory of a process",
            f"below {paper.MEMORY_LIMIT_GIB:g} GiB",
            f"{peak:.2f} GiB",
            peak < paper.MEMORY_LIMIT_GIB,
        ),
    ]
