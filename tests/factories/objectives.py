"""A ranking by several objectives as a report shows it, made of seeded numbers."""

from __future__ import annotations

import numpy as np

from matsift.ranking.objectives import Estimates, Objective
from matsift.ranking.ranked import rank_by_objectives
from matsift.reports.objectives import ObjectiveRanking, ObjectiveValue, PlacedCandidate, RankedObjective

_ASKED = (
    Objective(property="g_vrh", goal="maximize", threshold=20.0),
    Objective(property="percolation_barrier_2d", goal="minimize", threshold=0.8),
    Objective(property="energy_above_hull", goal="minimize"),
)


def sample_objectives(n: int = 60, n_objective: int = 2, seed: int = 3) -> ObjectiveRanking:
    """Return n candidates: the first has no path, the last an unknown barrier."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(2.0, 12.0, n)
    barrier = rng.uniform(0.2, 2.0, n)
    barrier[0], barrier[-1] = np.inf, np.nan
    estimates = [
        Estimates.predicted(mean, mean - 8.0, mean + 8.0, np.full(n, 0.9)),
        Estimates.known(barrier, "computed"),
        Estimates.known(rng.uniform(0.0, 0.1, n), "stated"),
    ][:n_objective]
    asked, hashes = _ASKED[:n_objective], [f"{i:064x}" for i in range(n)]
    scores = rank_by_objectives(asked, estimates, hashes)
    placed = [
        PlacedCandidate(
            hashes[i],
            "Na3OCl",
            tuple(_value(known, float(scores.chances[i, j]), i) for j, known in enumerate(estimates)),
            int(scores.layer[i]) or None,
            int(scores.pareto_place[i]) or None,
            _number(float(scores.chance[i])),
            _number(float(scores.utility[i])),
            int(scores.utility_place[i]) or None,
            scores.unknown[i],
        )
        for i in range(n)
    ]
    placed.sort(key=lambda row: (row.pareto_place is None, row.pareto_place or 0))
    objectives = tuple(
        RankedObjective(o.property, o.unit, o.goal, o.threshold, o.weight, worst, best)
        for o, (worst, best) in zip(asked, scores.scales, strict=True)
    )
    return ObjectiveRanking("a" * 64, objectives, tuple(placed), {("g_vrh", "energy_above_hull"): 0.25})


def _value(known: Estimates, chance: float, i: int) -> ObjectiveValue:
    is_number = bool(np.isfinite(known.mean[i]))
    return ObjectiveValue(
        float(known.mean[i]) if is_number else None,
        float(known.deviation[i]) if is_number else None,
        _number(chance),
        str(known.origin[i]),  # type: ignore[arg-type]  # one of `Origin`
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
