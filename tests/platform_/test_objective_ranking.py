"""Chances, worths, costs and places by several objectives, against scipy, draws and arithmetic."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.stats import multivariate_normal, norm
from tests.platform_.test_study import MINIMAL

from matsift.errors import StudyError
from matsift.ranking.chances import correlations, joint_chance
from matsift.ranking.cost import cost_usd_per_kg
from matsift.ranking.objectives import Estimates, Objective
from matsift.ranking.ranked import Scores, rank_by_objectives
from matsift.ranking.utility import expected_worth, scale_of
from matsift.study.loading import parse_study

STIFF = Objective(property="g_vrh", goal="maximize", threshold=20.0)
STABLE = Objective(property="energy_above_hull", goal="minimize", threshold=0.1)


def normal(mean: list[float], deviation: float, members: NDArray[np.float64] | None = None) -> Estimates:
    """Predictions whose calibrated 90 % intervals have this standard deviation."""
    at = np.array(mean)
    half = deviation * norm.ppf(0.95)
    return Estimates.predicted(at, at - half, at + half, np.full(len(at), 0.9), members)


def ranked(objectives: list[Objective], estimates: list[Estimates]) -> Scores:
    return rank_by_objectives(objectives, estimates, [f"{i:02d}" for i in range(len(estimates[0]))])


@pytest.mark.parametrize(
    "correlation",
    [
        pytest.param([[1.0, 0.7], [0.7, 1.0]], id="two together"),
        pytest.param([[1.0, -0.9], [-0.9, 1.0]], id="two apart"),
        pytest.param([[1.0, 0.7, 0.2], [0.7, 1.0, -0.3], [0.2, -0.3, 1.0]], id="three"),
        pytest.param(np.eye(3), id="independent"),
    ],
)
def test_a_joint_chance_is_that_of_scipy(correlation: object) -> None:
    matrix = np.asarray(correlation, dtype=np.float64)
    reach = np.random.default_rng(5).normal(size=(40, len(matrix)))
    expected = [multivariate_normal(cov=matrix).cdf(row) for row in reach]
    np.testing.assert_allclose(joint_chance(reach, matrix), expected, atol=3e-3)


def test_what_is_certain_leaves_the_chance_to_the_others() -> None:
    matrix = np.array([[1.0, 0.5], [0.5, 1.0]])
    found = joint_chance(np.array([[np.inf, 0.0], [0.0, np.inf], [-np.inf, 3.0], [np.nan, 1.0]]), matrix)
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0, np.nan], atol=2e-3)


def test_the_calibrated_interval_gives_the_standard_deviation_by_its_wider_half() -> None:
    clipped = Estimates.predicted(np.array([5.0]), np.array([0.0]), np.array([25.0]), np.array([0.9]))
    assert clipped.deviation[0] == pytest.approx(20.0 / norm.ppf(0.95))


def test_chances_multiply_where_objectives_are_independent() -> None:
    scores = ranked([STIFF, STABLE], [normal([20.0, 26.0], 6.0), Estimates.known(np.array([0.0, 0.2]), "stated")])
    np.testing.assert_allclose(scores.chances[:, 0], [0.5, norm.cdf(1.0)])
    np.testing.assert_allclose(scores.chance, [0.5, 0.0])


def test_a_known_value_meets_its_threshold_exactly_at_it() -> None:
    scores = ranked([STABLE], [Estimates.known(np.array([0.1, 0.1000001, np.inf]), "stated")])
    assert scores.chance.tolist() == [1.0, 0.0, 0.0]


def test_members_that_move_together_correlate_and_raise_the_joint_chance() -> None:
    draws = np.random.default_rng(2).normal(size=(50, 10))
    means = [20.0] * 50
    compressible = Objective(property="k_vrh", goal="minimize", threshold=20.0)
    together = [normal(means, 5.0, 20.0 + draws), normal(means, 5.0, 20.0 - draws)]
    assert correlations([STIFF, compressible], together)[0, 1] == pytest.approx(0.999)
    joint = ranked([STIFF, compressible], together).chance
    apart = ranked([STIFF, compressible], [normal(means, 5.0), normal(means, 5.0)]).chance
    np.testing.assert_allclose(apart, 0.25)
    assert (joint > 0.45).all()


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
@pytest.mark.parametrize("threshold", [None, 1.0, 5.0])
def test_expected_worth_is_the_mean_of_many_draws(goal: str, threshold: float | None) -> None:
    scale = (0.0, 4.0) if goal == "maximize" else (4.0, 0.0)
    objective = Objective(property="g_vrh", goal=goal, threshold=threshold, scale=scale)
    draws = np.random.default_rng(3).normal(2.0, 3.0, 400_000)
    worth = np.clip(objective.sign * (draws - scale[0]) / 4.0, 0, 1)
    met = np.ones(len(draws), bool) if threshold is None else objective.sign * (draws - threshold) >= 0
    found = expected_worth(objective, normal([2.0], 3.0), scale)
    assert found[0] == pytest.approx(worth[met].mean(), abs=4e-3)


def test_a_hopeless_candidate_has_no_utility_and_a_sure_one_has_all() -> None:
    objective = Objective(property="g_vrh", goal="maximize", threshold=10.0, scale=(0.0, 20.0))
    scores = ranked([objective], [normal([-400.0, 900.0], 1.0)])
    np.testing.assert_allclose(scores.utility, [0.0, 1.0], atol=1e-12)
    assert scores.utility_place.tolist() == [2, 1]


def test_a_scale_that_is_left_open_spans_the_candidates() -> None:
    values = Estimates.known(np.arange(101.0), "stated")
    assert scale_of(STIFF, values) == (5.0, 95.0)
    assert scale_of(STABLE, values) == (95.0, 5.0)


def test_an_unknown_objective_leaves_a_candidate_without_a_place() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = ranked(
            [STIFF, STABLE],
            [normal([30.0, 40.0, np.nan], 5.0), Estimates.known(np.array([0.0, np.nan, 0.0]), "stated")],
        )
    assert scores.layer.tolist() == [1, 0, 0]
    assert scores.pareto_place.tolist() == [1, 0, 0]
    assert scores.unknown == [(), ("energy_above_hull",), ("g_vrh",)]
    assert np.isnan(scores.utility).tolist() == [False, True, True]


def test_equal_candidates_are_ordered_by_their_hashes() -> None:
    same = Estimates.known(np.zeros(3), "stated")
    assert rank_by_objectives([STABLE], [same], ["c", "a", "b"]).pareto_place.tolist() == [3, 1, 2]


def test_without_thresholds_there_is_no_chance_and_still_a_utility() -> None:
    scores = ranked([Objective(property="g_vrh", goal="maximize")], [normal([1.0, 2.0, 3.0], 0.1)])
    assert np.isnan(scores.chance).all()
    assert scores.utility_place.tolist() == [3, 2, 1]


def test_the_cost_is_that_of_the_elements_by_mass() -> None:
    salt, unpriced = cost_usd_per_kg(["NaCl", "Na3OCl"], {"Na": 3.0, "Cl": 0.2})
    assert salt == pytest.approx((22.98977 * 3.0 + 35.453 * 0.2) / 58.44277, rel=1e-4)
    assert np.isnan(unpriced)


@pytest.mark.parametrize(
    ("ranking", "words"),
    [
        ({"objectives": [{"property": "hardness", "goal": "maximize"}]}, "there is no property 'hardness'"),
        ({"objectives": [{"property": "cost", "goal": "minimize"}]}, "the objective 'cost' needs prices"),
        ({"objectives": [{"property": "g_vrh", "goal": "maximize"}] * 2}, "names 'g_vrh' twice"),
        ({"objectives": [{"property": "g_vrh", "goal": "maximize", "scale": [9.0, 1.0]}]}, "runs against goal"),
        ({"objectives": [{"property": "g_vrh", "goal": "maximize", "weight": 0}]}, "weight"),
        ({"objectives": [{"property": "percolation_barrier_2d", "goal": "minimize"}]}, "add a table [mobility]"),
        ({"prices": {"source": "x", "usd_per_kg": {"Xx": 1.0}}}, "Xx"),
    ],
)
def test_an_objective_that_makes_no_sense_is_told_in_a_sentence(ranking: dict[str, object], words: str) -> None:
    with pytest.raises(StudyError) as refused:
        parse_study({**MINIMAL, "ranking": ranking}, "tiny.toml")
    assert words in str(refused.value)


def test_objectives_do_not_change() -> None:
    with pytest.raises(ValidationError):
        STIFF.weight = 2.0  # type: ignore[misc]
