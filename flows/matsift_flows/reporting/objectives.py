"""A ranking by several objectives as the report shows it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.ranking.objectives import Estimates
from matsift.ranking.ranked import Scores
from matsift.reports.objectives import ObjectiveRanking, ObjectiveValue, PlacedCandidate, RankedObjective
from matsift_schema.store.objective_rankings import RankingRecord


def reported(
    record: RankingRecord,
    hashes: Sequence[str],
    formulae: Sequence[str],
    estimates: Sequence[Estimates],
    scores: Scores,
) -> ObjectiveRanking:
    """Return a ranking in Pareto order; candidates with an unknown objective come last, by structure hash."""
    asked = record.objectives
    objectives = tuple(
        RankedObjective(o.property, o.unit, o.goal, o.threshold, o.weight, worst, best)
        for o, (worst, best) in zip(asked, scores.scales, strict=True)
    )
    columns = [_values(known, scores.chances[:, j]) for j, known in enumerate(estimates)]
    rows = zip(
        hashes,
        formulae,
        zip(*columns, strict=True),
        scores.layer.tolist(),
        scores.pareto_place.tolist(),
        map(_number, scores.chance.tolist()),
        map(_number, scores.utility.tolist()),
        scores.utility_place.tolist(),
        scores.unknown,
        strict=True,
    )
    placed = [
        PlacedCandidate(
            key, formula, values, layer or None, place or None, chance, utility, by_utility or None, unknown
        )
        for key, formula, values, layer, place, chance, utility, by_utility, unknown in rows
    ]
    placed.sort(key=lambda row: (row.pareto_place is None, row.pareto_place or 0, row.structure_hash))
    return ObjectiveRanking(record.content_hash, objectives, tuple(placed), _correlations(scores, objectives))


def _values(known: Estimates, chances: NDArray[np.float64]) -> list[ObjectiveValue]:
    finite = np.isfinite(known.mean)
    return [
        ObjectiveValue(mean if is_number else None, deviation if is_number else None, _number(chance), origin)
        for is_number, mean, deviation, chance, origin in zip(
            finite.tolist(),
            known.mean.tolist(),
            known.deviation.tolist(),
            chances.tolist(),
            known.origin.tolist(),
            strict=True,
        )
    ]


def _correlations(scores: Scores, objectives: Sequence[RankedObjective]) -> dict[tuple[str, str], float]:
    pairs = zip(*np.nonzero(np.triu(scores.correlation, 1)), strict=True)
    return {(objectives[i].name, objectives[j].name): float(scores.correlation[i, j]) for i, j in pairs}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
