"""Learning a logarithm: what goes there and back, and intervals that are symmetric there and hold here."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.learners import registry
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.prediction import Prediction
from matsift.learners.scale import LINEAR, TargetScale
from matsift.learners.training import ModelSpecification, train

LOG = TargetScale("log10", 1.0)
RNG = np.random.default_rng(5)
N = 600
X = RNG.normal(size=(N, 3))
Y = 10.0 ** (1.5 + 0.5 * X[:, 0] + 0.1 * RNG.normal(size=N))
NAMES = ("a", "b", "c")
SMALL = {"members": 4, "n_estimators": 40, "target": "log10"}


def test_there_and_back() -> None:
    values = np.array([0.0, 0.5, 1.0, 10.0, 574.0])
    np.testing.assert_allclose(LOG.forward(values), [0, 0, 0, 1, np.log10(574)])
    np.testing.assert_allclose(LOG.back(LOG.forward(values)), [1, 1, 1, 10, 574])
    assert LINEAR.forward(values) is values


def test_the_spread_on_the_scale_is_that_of_the_logarithms() -> None:
    prediction = Prediction.of_members(np.array([[10.0, 100.0], [1000.0, 100.0]]))
    mean, spread = LOG.moments(prediction)
    np.testing.assert_allclose(mean, [2.0, 2.0])
    np.testing.assert_allclose(spread, [np.sqrt(2.0), 0.0])


def test_an_interval_is_symmetric_in_the_logarithm() -> None:
    prediction = Prediction.of_members(np.array([[9.0, 90.0], [11.0, 110.0]]))
    lower, upper = ConformalCalibration(0.9, 2.0, 0.01, 50, LOG).around(prediction)
    centre = np.sqrt(9.0 * 11.0) * np.array([1.0, 10.0])
    np.testing.assert_allclose(lower * upper, centre**2)
    np.testing.assert_allclose(upper[1] / upper[0], 10.0)


def test_an_interval_that_reaches_the_floor_reaches_everything_below() -> None:
    lower, upper = LOG.interval_back(np.array([-0.1, 0.0, 0.1]), np.array([1.0, 1.0, 1.0]))
    assert lower.tolist() == [-np.inf, -np.inf, 10.0**0.1]
    assert upper.tolist() == [10.0, 10.0, 10.0]


def test_a_calibration_on_a_scale_survives_json() -> None:
    calibration = ConformalCalibration.of(Y[:50], Prediction.of_members(np.array([Y[:50], 1.1 * Y[:50]])), 0.9, LOG)
    assert calibration.scale == LOG
    assert ConformalCalibration.from_json(calibration.to_json()) == calibration


def test_one_stored_before_there_were_scales_is_linear() -> None:
    stored = {"coverage": 0.9, "multiplier": 2.0, "floor": 0.1, "n_calibration": 40}
    assert ConformalCalibration.from_json(stored).scale == LINEAR


def test_labels_of_zero_can_be_learned() -> None:
    labels = np.where(RNG.uniform(size=N) < 0.05, 0.0, Y)
    model = registry.fit("lightgbm_ensemble", X, labels, settings=SMALL, seed=1, feature_names=NAMES)
    assert np.isfinite(model.predict(X).members).all()
    assert (model.predict(X).members > 0).all()


@pytest.mark.parametrize("kind", ["lightgbm_ensemble", "blend"])
def test_a_trained_model_keeps_its_promise_in_the_unit_of_the_property(kind: str) -> None:
    settings = SMALL if kind == "lightgbm_ensemble" else {"members": 4, "lightgbm": {"n_estimators": 40}}
    roles = np.array(["train"] * 300 + ["validation"] * 150 + ["test"] * 150)
    specification = ModelSpecification("g_vrh", kind, settings, 7, 0.9, (("mp", "1"),))
    trained = train(specification, X, Y, roles, NAMES, subsets={})
    assert trained.calibration.scale == LOG
    n_row, metrics = trained.metrics["test"]
    assert n_row == 150
    assert 0.82 <= metrics["interval_coverage"] <= 0.97
    assert (trained.test.lower >= 0).all()
    assert np.isfinite(trained.test.upper).all()


def test_the_logarithm_is_the_better_target_where_errors_grow_with_the_value() -> None:
    def error(target: str) -> float:
        settings = {**SMALL, "target": target}
        model = registry.fit("lightgbm_ensemble", X[:400], Y[:400], settings=settings, seed=1, feature_names=NAMES)
        return float(np.abs(np.log10(np.maximum(model.predict(X[400:]).mean, 1.0)) - np.log10(Y[400:])).mean())

    assert error("log10") < error("linear")
