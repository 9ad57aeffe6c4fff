"""Acquisition functions of the latent search, and the maximum of them in a box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from matsift.acquisition import improvement
from matsift.acquisition.context import Candidates
from matsift.generative.search.acquisition import Utility
from matsift.generative.search.gaussian_process import fit
from matsift.generative.search.maximizer import DecodingWeight, best_points, climb
from matsift.generative.search.settings import Acquisition, BoxSettings

KINDS: tuple[Acquisition, ...] = (
    "upper_confidence_bound",
    "expected_improvement",
    "probability_of_improvement",
)
_finite = st.floats(-50, 50)
_spreads = st.floats(0, 20)


@given(_finite, _spreads, st.floats(0, 100), st.floats(0, 100))
def test_confidence_bound_is_monotone_in_kappa(mean: float, spread: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    bound = [float(Utility("upper_confidence_bound", kappa).value(mean, spread)) for kappa in (low, high)]
    assert bound[0] <= bound[1]
    assert bound[0] >= mean


@given(_finite, _spreads, _finite, st.floats(0, 5))
def test_expected_improvement_is_never_negative_and_never_below_the_sure_one(
    mean: float, spread: float, best: float, xi: float
) -> None:
    value = float(Utility("expected_improvement", best=best, xi=xi).value(mean, spread))
    assert value >= 0.0
    assert value >= mean - best - xi - 1e-9


@given(_finite, _spreads, _finite, st.floats(0, 5))
def test_probability_of_improvement_is_a_probability(mean: float, spread: float, best: float, xi: float) -> None:
    assert 0.0 <= float(Utility("probability_of_improvement", best=best, xi=xi).value(mean, spread)) <= 1.0


@pytest.mark.parametrize("xi", [0.0, 0.3])
def test_improvements_are_integrals_over_the_normal(xi: float) -> None:
    mean, spread, best = 1.2, 0.7, 1.5
    grid = np.linspace(mean - 10 * spread, mean + 10 * spread, 400_001)
    density = norm.pdf(grid, mean, spread)
    expected = np.trapezoid(np.maximum(grid - best - xi, 0.0) * density, grid)
    probability = norm.sf(best + xi, mean, spread)
    assert Utility("expected_improvement", best=best, xi=xi).value(mean, spread) == pytest.approx(expected, rel=1e-7)
    assert Utility("probability_of_improvement", best=best, xi=xi).value(mean, spread) == pytest.approx(probability)


def test_expected_improvement_is_that_of_the_campaigns() -> None:
    rng = np.random.default_rng(3)
    mean, spread = rng.normal(size=200), rng.uniform(0, 2, size=200)
    ours = Utility("expected_improvement", best=0.4).value(mean, spread)
    np.testing.assert_allclose(ours, np.exp(improvement.log_expected(Candidates.of(mean, spread), 0.4)), rtol=1e-9)


def test_without_spread_only_what_is_better_improves() -> None:
    mean, spread = np.array([0.0, 1.0, 2.0]), np.zeros(3)
    np.testing.assert_array_equal(Utility("expected_improvement", best=1.0).value(mean, spread), [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(Utility("probability_of_improvement", best=1.0).value(mean, spread), [0.0, 0.5, 1.0])


@settings(max_examples=50)
@given(st.sampled_from(KINDS), st.floats(-3, 3), st.floats(0.1, 3))
def test_slopes_are_those_of_differences(kind: Acquisition, mean: float, spread: float) -> None:
    utility, h = Utility(kind, kappa=2.5, best=0.2, xi=0.1), 1e-6
    by_mean, by_spread = utility.slopes(np.array([mean]), np.array([spread]))
    at = [utility.value(mean + h, spread), utility.value(mean - h, spread)]
    assert by_mean[0] == pytest.approx(float(at[0] - at[1]) / (2 * h), abs=1e-6)
    at = [utility.value(mean, spread + h), utility.value(mean, spread - h)]
    assert by_spread[0] == pytest.approx(float(at[0] - at[1]) / (2 * h), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_best_point_of_the_box_beats_a_fine_grid(kind: Acquisition) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(25, 2))
    y = -((X[:, 0] - 1.1) ** 2) - (X[:, 1] + 0.4) ** 2
    process = fit(X, y)
    utility = Utility(kind, kappa=1.0, best=float(y.max()))
    bounds = np.array([[-2.0, 2.0], [-2.0, 2.0]])
    points, worths = best_points(process, utility, bounds, BoxSettings(n_random=500, n_climb=8), rng)
    axis = np.linspace(-2, 2, 101)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    on_grid = utility.value(*process.predict(grid))
    assert worths[0] >= on_grid.max() - 1e-4 * abs(on_grid.max())
    assert (np.diff(worths) <= 0).all()
    assert (np.abs(points) <= 2.0).all()
    np.testing.assert_allclose(worths, utility.value(*process.predict(points)), rtol=1e-6, atol=1e-12)


def test_greedy_climb_finds_the_top_of_a_hill_and_an_explorer_the_corner() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, size=(40, 2))
    process = fit(X, -((X - 0.3) ** 2).sum(axis=1))
    bounds = np.array([[-3.0, 3.0], [-3.0, 3.0]])
    settings_ = BoxSettings(n_random=200, n_climb=8)
    top, _ = best_points(process, Utility("upper_confidence_bound", 0.0), bounds, settings_, rng)
    far, _ = best_points(process, Utility("upper_confidence_bound", 100.0), bounds, settings_, rng)
    np.testing.assert_allclose(top[0], 0.3, atol=0.02)
    np.testing.assert_allclose(np.abs(far[0]), 3.0, atol=1e-6)


def test_a_climb_that_regards_decoding_ends_where_both_are_served() -> None:
    rng = np.random.default_rng(2)
    X = rng.uniform(-1, 1, size=(40, 2))
    process = fit(X, X[:, 0])
    bounds = np.array([[-3.0, 3.0], [-3.0, 3.0]])
    center = np.array([-1.5, 2.0])
    utility = Utility("upper_confidence_bound", 0.5)

    def slopes(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        away = points - center
        return -20.0 * (away**2).sum(axis=1), -40.0 * away

    starts = rng.uniform(-3, 3, size=(4, 2))
    weight = DecodingWeight(slopes, 1.0, -50.0)
    ends = climb(process, utility, starts, bounds, 200, weight)
    np.testing.assert_allclose(ends, np.broadcast_to(center, (4, 2)), atol=0.05)

    def wanted(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(utility.value(*process.predict(points)) + 50.0) + slopes(points)[0]

    axis = np.linspace(-0.1, 0.1, 41)
    around = ends[0] + np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    assert wanted(ends[:1])[0] >= wanted(around).max() - 1e-6
