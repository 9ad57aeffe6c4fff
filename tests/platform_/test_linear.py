"""The ridge baseline."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from matsift.learners import registry
from matsift.learners.evaluation import regression_metrics

RNG = np.random.default_rng(6)
X = RNG.normal(3.0, [1.0, 50.0, 0.01, 1.0, 1.0], size=(120, 5))
Y = 5 + 2 * X[:, 0] + 0.1 * X[:, 1] + 300 * X[:, 2] + RNG.normal(0, 0.1, 120)
NAMES = list("abcde")


def test_columns_of_any_scale_are_learned() -> None:
    model = registry.fit("ridge", X[:80], Y[:80], settings={"members": 5}, seed=0, feature_names=NAMES)
    assert regression_metrics(Y[80:], model.predict(X[80:]).mean)["r2"] > 0.99
    assert model.importances() is None


def test_one_draw_of_everything_is_ridge_on_standardised_columns() -> None:
    settings = {"members": 2, "train_fraction": 1.0, "alphas": [10.0]}
    model = registry.fit("ridge", X, Y, settings=settings, seed=0, feature_names=NAMES)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(model.predict(X).mean, Ridge(10.0).fit(standard, Y).predict(standard), rtol=1e-9)
    assert model.predict(X).spread == pytest.approx(np.zeros(120), abs=1e-12)


def test_reading_back_changes_nothing() -> None:
    gaps = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
    gaps[:, 3], gaps[:, 4] = np.nan, 1.0
    model = registry.fit("ridge", gaps, Y, settings={"members": 3}, seed=0, feature_names=NAMES)
    again = registry.load("ridge", model.dump())
    assert np.isfinite(model.predict(gaps).mean).all()
    assert (again.predict(gaps).members == model.predict(gaps).members).all()


def test_an_unknown_value_takes_the_median() -> None:
    model = registry.fit("ridge", X, Y, settings={"members": 2, "train_fraction": 1.0}, seed=0, feature_names=NAMES)
    unknown, median = X[:1].copy(), X[:1].copy()
    unknown[0, 1], median[0, 1] = np.nan, np.median(X[:, 1])
    assert model.predict(unknown).mean == pytest.approx(model.predict(median).mean)


def test_three_rows_and_equal_labels_are_enough() -> None:
    model = registry.fit("ridge", X[:3], [4.0, 4.0, 4.0], settings={"members": 3}, seed=0, feature_names=NAMES)
    assert model.predict(X).mean == pytest.approx(np.full(120, 4.0))


def test_a_value_far_outside_the_training_range_counts_as_its_end() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(80, 3))
    X[:, 2] = 1.0 + 1e-9 * rng.normal(size=80)
    y = X[:, 0] + 0.1 * rng.normal(size=80)
    model = registry.fit("ridge", X, y, settings={"members": 3}, seed=1, feature_names=["a", "b", "c"])
    far, end = X[:1].copy(), X[:1].copy()
    far[0, 2], end[0, 2] = 5.0, X[:, 2].max()
    assert abs(model.predict(far).mean[0] - model.predict(end).mean[0]) < 0.5
