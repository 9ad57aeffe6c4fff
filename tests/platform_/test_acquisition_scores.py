"""Scores of the strategies against closed forms, numerical integrals and numbers of many digits."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy.integrate import quad
from scipy.stats import norm

from matsift.acquisition import improvement
from matsift.acquisition.context import Candidates, Goal
from matsift.acquisition.registry import needs, rank
from matsift.study.campaign import CampaignSettings
from matsift.study.strategies import (
    CostAware,
    ExpectedImprovement,
    ProbabilityAbove,
    StrategySettings,
    UpperConfidenceBound,
)

MEAN = np.array([50.0, 60.0, 70.0, 80.0, 90.0])
SPREAD = np.array([30.0, 4.0, 20.0, 1.0, 0.0])


def scored(strategy: StrategySettings | str, **known: object) -> tuple[list[float], list[int]]:
    candidates = Candidates.of(MEAN, SPREAD, **known)  # type: ignore[arg-type]
    scores, order = rank(strategy, candidates, seed=0, batch_size=2)
    assert np.isfinite(scores).all()
    return scores.tolist(), order.tolist()


@pytest.mark.parametrize(
    ("strategy", "goal", "scores"),
    [
        ("greedy", "maximize", [50, 60, 70, 80, 90]),
        ("greedy", "minimize", [-50, -60, -70, -80, -90]),
        ("upper_confidence_bound", "maximize", [110, 68, 110, 82, 90]),
        ("upper_confidence_bound", "minimize", [10, -52, -30, -78, -90]),
        (UpperConfidenceBound(kappa=0.0), "maximize", [50, 60, 70, 80, 90]),
        (UpperConfidenceBound(kappa=0.5), "minimize", [-35, -58, -60, -79.5, -90]),
    ],
)
def test_greedy_and_confidence_bounds(strategy: StrategySettings | str, goal: Goal, scores: list[float]) -> None:
    said, order = scored(strategy, goal=goal)
    assert said == scores
    assert order == np.argsort(-np.array(scores), kind="stable").tolist()


@pytest.mark.parametrize("goal", get_args(Goal))
@pytest.mark.parametrize("xi", [0.0, 7.0])
def test_expected_improvement_is_the_integral_over_a_normal_distribution(goal: Goal, xi: float) -> None:
    best = 72.0
    sign = 1.0 if goal == "maximize" else -1.0
    said, order = scored(ExpectedImprovement(xi=xi), best=best, goal=goal)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    for mean, spread, score in zip(MEAN[:-1], SPREAD[:-1], said[:-1], strict=True):
        bar = sign * best + xi
        # Gauss and Legendre's rule on pieces of half a spread, from the bar to 40 spreads above it and the mean.
        starts = np.arange(bar, max(bar, sign * mean) + 40 * spread, spread / 2)
        y = starts[:, None] + spread / 4 * (1 + nodes)
        integral = ((y - bar) * norm.pdf(y, sign * mean, spread) * weights).sum() * spread / 4
        assert score == pytest.approx(integral, rel=1e-9, abs=1e-300)
    assert said[-1] == pytest.approx(max(sign * (90.0 - best) - xi, 0.0))  # a spread of 0: what it surpasses by
    assert order == np.argsort(-np.array(said), kind="stable").tolist()


@pytest.mark.parametrize("u", [8.0, 1.0, 0.0, -0.999999, -1.000001, -5.0, -40.0, -3e3, -9.9e3, -1.1e4, -1e9])
def test_the_logarithm_of_the_expected_improvement_holds_far_below_the_bar(u: float) -> None:
    # E[max(z + u, 0)] = the integral over t > 0 of t phi(t - u); with s = t width its integrand has a width of 1.
    width = max(-u, 1.0)
    integral, _ = quad(lambda s: s * math.exp(s * u / width - (s / width) ** 2 / 2), 0, 60, epsrel=1e-12)
    expected = math.log(integral) - 2 * math.log(width) - u**2 / 2 - math.log(2 * math.pi) / 2
    (said,) = improvement.log_expected(Candidates.of([3.0 * u], [3.0]), 0.0)
    assert said - math.log(3.0) == pytest.approx(expected, rel=4e-16, abs=1e-7)


def test_improvements_too_small_for_a_number_are_still_ordered() -> None:
    far = Candidates.of([0.0, 10.0, 5.0, 1.0], [0.1, 0.1, 0.1, 0.0], best=100.0)
    scores, order = rank("expected_improvement", far, seed=0, batch_size=2)
    assert scores.tolist() == [0, 0, 0, 0]
    assert order.tolist() == [1, 2, 0, 3]


@pytest.mark.parametrize(
    ("goal", "best", "threshold", "probabilities"),
    [
        ("maximize", None, 80.0, [norm.sf(1.0), norm.sf(5.0), norm.sf(0.5), 0.5, 1.0]),
        ("minimize", None, 80.0, [norm.cdf(1.0), norm.cdf(5.0), norm.cdf(0.5), 0.5, 0.0]),
        ("maximize", 90.0, None, [norm.sf(4 / 3), norm.sf(7.5), norm.sf(1.0), norm.sf(10.0), 0.5]),
        ("maximize", 90.0, 95.0, [norm.sf(1.5), norm.sf(8.75), norm.sf(1.25), norm.sf(15.0), 0.0]),
    ],
    ids=["above", "below", "the best", "not the best"],
)
def test_probability_above_a_threshold(
    goal: Goal, best: float | None, threshold: float | None, probabilities: list[float]
) -> None:
    said, order = scored(ProbabilityAbove(threshold=threshold), best=best, goal=goal)
    assert said == pytest.approx(probabilities, rel=1e-12)
    assert order == np.argsort(-np.array(probabilities), kind="stable").tolist()


def test_probabilities_that_round_to_one_are_still_ordered() -> None:
    sure = Candidates.of([100.0, 120.0, 110.0], [1.0, 1.0, 1.0])
    scores, order = rank(ProbabilityAbove(threshold=0.0), sure, seed=0, batch_size=2)
    assert scores.tolist() == [1, 1, 1]
    assert order.tolist() == [1, 2, 0]


def test_a_cost_of_atoms_cubed_divides_the_spread() -> None:
    said, order = scored("cost_aware", n_site=[10, 2, 4, 1, 1])
    assert said == pytest.approx([0.03, 0.5, 0.3125, 1.0, 0.0])
    assert order == [3, 1, 2, 0, 4]


def test_without_an_exponent_a_label_costs_the_same_everywhere() -> None:
    said, order = scored(CostAware(exponent=0.0), n_site=[10, 2, 4, 1, 1])
    assert said == pytest.approx(SPREAD)
    assert order == scored("exploration")[1]


def test_the_gain_may_be_the_expected_improvement() -> None:
    strategy = CostAware(gain="expected_improvement", exponent=2.0)
    assert needs(strategy) == {"n_site", "best"}
    plain, _ = scored("expected_improvement", best=75.0)
    said, _ = scored(strategy, best=75.0, n_site=[10, 2, 4, 1, 1])
    assert said == pytest.approx((np.array(plain) / np.array([100, 4, 16, 1, 1])).tolist(), rel=1e-12)


def test_a_threshold_that_is_given_needs_no_label() -> None:
    assert needs(ProbabilityAbove(threshold=3.0)) == frozenset()


def test_a_name_in_a_study_file_is_that_kind_as_it_comes_and_a_table_may_set_more() -> None:
    given = ["exploration", {"kind": "upper_confidence_bound", "kappa": 1.0}, {"kind": "cost_aware", "name": "cheap"}]
    said = CampaignSettings.model_validate({"strategies": given}).strategies
    assert [(s.kind, s.name) for s in said] == [
        ("exploration", "exploration"),
        ("upper_confidence_bound", "upper_confidence_bound"),
        ("cost_aware", "cheap"),
    ]
    assert said[1] == UpperConfidenceBound(kappa=1.0)


@pytest.mark.parametrize(
    "given",
    [
        "fastest",
        {"kind": "fastest"},
        {"name": "x"},
        {"kind": "greedy", "kappa": 2.0},
        {"kind": "upper_confidence_bound", "kappa": -1.0},
        {"kind": "upper_confidence_bound", "kappa": math.inf},
        {"kind": "probability_above", "threshold": math.nan},
        {"kind": "cost_aware", "gain": "mean"},
        {"kind": "thompson", "name": "Thompson sampling"},
        3,
    ],
    ids=str,
)
def test_a_faulty_strategy_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(StrategySettings).validate_python(given)
