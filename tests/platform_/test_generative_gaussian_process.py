"""The Gaussian process of the latent search beside scikit-learn's, and against itself computed anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from matsift.errors import UserInputError
from matsift.generative.search.gaussian_process import GaussianProcess, fit, matern52, squared_distances

Floats = NDArray[np.float64]


def _case(n: int = 60, d: int = 6, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * 2.0
    return X, np.sin(X[:, 0]) + 0.3 * X[:, 1] + 5.0, rng.normal(size=(25, d)) * 2.0


def _sklearn(X: Floats, y: Floats, length_scale: float, *, optimizer: str | None = None) -> GaussianProcessRegressor:
    kernel = Matern(length_scale, nu=2.5)
    return GaussianProcessRegressor(
        kernel, alpha=1e-6, normalize_y=True, optimizer=optimizer, n_restarts_optimizer=5, random_state=0
    ).fit(X, y)


@pytest.mark.parametrize("length_scale", [0.3, 2.0, 40.0], ids=["short", "middle", "long"])
def test_posterior_and_likelihood_are_scikit_learns(length_scale: float) -> None:
    X, y, Q = _case()
    process, oracle = GaussianProcess(X, y, length_scale), _sklearn(X, y, length_scale)
    mean, spread = process.predict(Q)
    wanted_mean, wanted_spread = oracle.predict(Q, return_std=True)
    np.testing.assert_allclose(mean, wanted_mean, rtol=1e-7)
    np.testing.assert_allclose(spread, wanted_spread, rtol=1e-5, atol=1e-8)
    assert process.log_likelihood() == pytest.approx(oracle.log_marginal_likelihood_value_, rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fit_finds_the_length_scale_that_scikit_learn_finds(seed: int) -> None:
    X, y, _ = _case(seed=seed)
    process, oracle = fit(X, y), _sklearn(X, y, 1.0, optimizer="fmin_l_bfgs_b")
    assert process.log_likelihood() >= oracle.log_marginal_likelihood_value_ - 1e-3
    assert process.length_scale == pytest.approx(oracle.kernel_.length_scale, rel=0.01)


def test_posterior_interpolates_and_is_sure_at_its_points() -> None:
    X, y, Q = _case()
    process = fit(X, y)
    mean, spread = process.predict(X)
    np.testing.assert_allclose(mean, y, atol=2e-4)
    assert (spread < 2e-3 * y.std()).all()
    assert (process.predict(Q)[1] > 5.0 * spread.max()).all()


def test_far_away_the_posterior_is_the_prior() -> None:
    X, y, _ = _case()
    process = GaussianProcess(X, y, 1.0)
    mean, spread = process.predict(np.full((1, 6), 1e4))
    assert mean[0] == pytest.approx(y.mean())
    assert spread[0] == pytest.approx(y.std())


def test_points_that_are_appended_are_as_if_they_had_been_there_all_along() -> None:
    X, y, Q = _case(n=120)
    grown = GaussianProcess(X[:20], y[:20], 1.7)
    assert all(grown.append(x, label) for x, label in zip(X[20:], y[20:], strict=True))
    whole = GaussianProcess(X, y, 1.7)
    assert len(grown) == len(whole) == 120
    for got, wanted in zip(grown.predict(Q), whole.predict(Q), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-10)
    assert grown.log_likelihood() == pytest.approx(whole.log_likelihood(), rel=1e-12)
    np.testing.assert_array_equal(grown.labels, y)


def test_a_length_scale_found_near_the_present_one_is_that_found_anywhere() -> None:
    X, y, _ = _case()
    process = fit(X, y)
    found = process.length_scale
    process.refit(warm=True)
    assert process.length_scale == pytest.approx(found, rel=0.02)


def test_a_repeated_point_counts_once_with_its_first_label() -> None:
    X, y, Q = _case()
    twice = GaussianProcess(np.concatenate([X, X[:3]]), np.concatenate([y, y[:3] + 9.0]), 2.0)
    np.testing.assert_array_equal(twice.predict(Q), GaussianProcess(X, y, 2.0).predict(Q))
    assert not twice.append(X[5], 100.0)
    np.testing.assert_array_equal(twice.labels, y)


def test_points_that_almost_coincide_leave_the_posterior_finite() -> None:
    X, y, Q = _case()
    process = GaussianProcess(X, y, 30.0)
    for i in range(20):
        process.append(X[0] + 1e-9 * (i + 1), y[0])
    mean, spread = process.predict(Q)
    assert np.isfinite(mean).all()
    assert np.isfinite(spread).all()


def test_equal_labels_have_no_scale_of_their_own() -> None:
    X, _, Q = _case()
    mean, spread = GaussianProcess(X, np.full(len(X), 3.0), 1.0).predict(Q)
    np.testing.assert_allclose(mean, 3.0)
    assert (spread <= 1.0).all()


def test_slopes_are_those_of_differences() -> None:
    X, y, Q = _case()
    process = fit(X, y)
    mean, spread, d_mean, d_spread = process.slopes(Q)
    np.testing.assert_allclose(process.predict(Q), (mean, spread), rtol=1e-9)
    h = 1e-5
    for axis in range(Q.shape[1]):
        step = np.zeros(Q.shape[1])
        step[axis] = h
        above, below = process.predict(Q + step), process.predict(Q - step)
        np.testing.assert_allclose(d_mean[:, axis], (above[0] - below[0]) / (2 * h), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(d_spread[:, axis], (above[1] - below[1]) / (2 * h), rtol=1e-4, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 50.0))
def test_more_points_never_make_it_less_sure(seed: int, length_scale: float) -> None:
    X, _, Q = _case(n=30, seed=seed)
    y = np.tile([1.0, -1.0], 15)  # so that the scale of the labels stays 1 when a pair is added
    fewer, more = GaussianProcess(X[:28], y[:28], length_scale), GaussianProcess(X, y, length_scale)
    assert (more.predict(Q)[1] <= fewer.predict(Q)[1] + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_kernel_is_scikit_learns(seed: int, length_scale: float) -> None:
    X, _, Q = _case(n=10, seed=seed)
    kernel = matern52(squared_distances(X, Q), length_scale)
    np.testing.assert_allclose(kernel, Matern(length_scale, nu=2.5)(X, Q), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("X", "y"),
    [(np.empty((0, 2)), []), (np.zeros((2, 2)), [1.0]), (np.array([[np.nan]]), [1.0]), (np.ones((1, 1)), [np.inf])],
    ids=["none", "shapes", "no point", "no label"],
)
def test_what_cannot_be_learned_from_is_refused(X: Floats, y: list[float]) -> None:
    with pytest.raises(UserInputError):
        GaussianProcess(X, y, 1.0)
