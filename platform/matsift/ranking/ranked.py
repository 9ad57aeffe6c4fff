"""Candidates ranked by several objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from matsift.ranking.chances import correlations, joint_chance, surplus
from matsift.ranking.objectives import Estimates, Objective, unknown_objectives
from matsift.ranking.pareto import pareto_layers
from matsift.ranking.utility import expected_utility, expected_worth, scale_of


@dataclass(frozen=True, eq=False)
class Scores:
    """How n candidates stand by several objectives.

    Parameters
    ----------
    layer, pareto_place
        (n,) Pareto layer and place, from 1; 0 where an objective is unknown. Within a layer the likelier to meet all
        thresholds comes first, then the larger utility.
    chances
        (n, n_objective) probability of meeting each threshold; NaN where there is none, or the value is unknown.
    chance
        (n,) probability of meeting all thresholds; NaN where none is set, or a value with a threshold is unknown.
    utility, utility_place
        (n,) expected utility between 0 and 1, NaN where an objective is unknown, and the place by it, 0 there.
    unknown
        (n,) names of the objectives that are unknown.
    scales
        (n_objective,) values of no worth and of full worth.
    correlation
        (n_objective, n_objective) correlation of the ensembles' members, large values good.
    """

    layer: NDArray[np.int64]
    pareto_place: NDArray[np.int64]
    chances: NDArray[np.float64]
    chance: NDArray[np.float64]
    utility: NDArray[np.float64]
    utility_place: NDArray[np.int64]
    unknown: list[tuple[str, ...]]
    scales: list[tuple[float, float]]
    correlation: NDArray[np.float64]


def rank_by_objectives(
    objectives: Sequence[Objective], estimates: Sequence[Estimates], hashes: Sequence[str]
) -> Scores:
    """Return how candidates stand by several objectives.

    Layers compare the expected values; what they may deviate counts in the chance and in the utility. Equal candidates
    are ordered by their structure hashes, so the order of the input does not matter.

    Parameters
    ----------
    objectives
        What is wanted.
    estimates
        What is known of each objective, for the same n candidates.
    hashes
        (n,) structure content hashes.
    """
    layer = pareto_layers(np.stack([o.sign * e.mean for o, e in zip(objectives, estimates, strict=True)], axis=1))
    correlation = correlations(objectives, estimates)
    chances, chance = _chances(objectives, estimates, correlation)
    scales = [scale_of(o, e) for o, e in zip(objectives, estimates, strict=True)]
    worths = [expected_worth(o, e, scale) for o, e, scale in zip(objectives, estimates, scales, strict=True)]
    met = chance if any(o.threshold is not None for o in objectives) else np.ones(len(hashes))
    utility = expected_utility(objectives, np.stack(worths, axis=1), met)
    names = np.array(hashes, dtype=str)
    likely, useful = -np.nan_to_num(chance), -np.nan_to_num(utility)
    return Scores(
        layer,
        _places((names, useful, likely, layer), layer > 0),
        chances,
        chance,
        utility,
        _places((names, useful), layer > 0),
        unknown_objectives(objectives, estimates),
        scales,
        correlation,
    )


def _chances(
    objectives: Sequence[Objective], estimates: Sequence[Estimates], correlation: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n = len(estimates[0])
    asked = [i for i, objective in enumerate(objectives) if objective.threshold is not None]
    chances = np.full((n, len(objectives)), np.nan)
    if not asked:
        return chances, np.full(n, np.nan)
    surpluses = np.stack([surplus(objectives[i], estimates[i]) for i in asked], axis=1)
    chances[:, asked] = ndtr(surpluses)
    joint = joint_chance(surpluses, correlation[np.ix_(asked, asked)])
    return chances, np.clip(joint, 0.0, np.min(chances[:, asked], axis=1))  # never likelier than its least likely part


def _places(keys: tuple[NDArray[np.generic], ...], has_place: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (n,) places from 1 by the last key, then the one before; 0 for those that have none."""
    order = np.lexsort(keys)
    order = order[has_place[order]]
    places = np.zeros(len(has_place), dtype=np.int64)
    places[order] = np.arange(1, len(order) + 1)
    return places
