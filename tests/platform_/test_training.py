"""What one model version is: trained, calibrated and evaluated on the rows of its roles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matsift.errors import UserInputError
from matsift.learners.evaluation import regression_metrics
from matsift.learners.training import ModelSpecification, train

RNG = np.random.default_rng(3)
N = 240
X = RNG.normal(size=(N, 4))
Y = np.abs(20 * X[:, 0] + 5 * X[:, 1] + RNG.normal(0, 3, N))
ROLES = np.array(["train"] * 140 + ["validation"] * 40 + ["test"] * 60)
COLUMNS = ("a", "b", "c", "d")
RIDGE = ModelSpecification("g_vrh", "ridge", {"members": 4}, 7, 0.8, (("mp", "1"),))


def test_metrics_are_those_of_the_test_rows_alone() -> None:
    trained = train(RIDGE, X, Y, ROLES, COLUMNS, subsets={"test:Na": X[:, 2] > 0})
    rows = np.flatnonzero(ROLES == "test")
    said = trained.model.predict(X[rows])
    n_row, metrics = trained.metrics["test"]
    assert n_row == 60
    assert metrics["mae"] == pytest.approx(regression_metrics(Y[rows], said.mean)["mae"])
    assert trained.metrics["test:Na"][0] == int((X[rows, 2] > 0).sum())


def test_labels_of_test_rows_do_not_reach_the_model() -> None:
    spoiled = Y.copy()
    spoiled[ROLES == "test"] = 1e6
    one = train(RIDGE, X, Y, ROLES, COLUMNS, subsets={})
    other = train(RIDGE, X, spoiled, ROLES, COLUMNS, subsets={})
    np.testing.assert_array_equal(one.test.prediction.members, other.test.prediction.members)
    assert one.calibration == other.calibration


def test_intervals_end_at_the_bounds_of_the_property() -> None:
    trained = train(RIDGE, X, Y, ROLES, COLUMNS, subsets={})
    free = trained.calibration.interval(trained.test.prediction.mean, trained.test.prediction.spread)
    assert (free[0] < 0).any()
    assert (trained.test.lower >= 0).all()
    assert (trained.test.lower <= trained.test.upper).all()


def test_a_subset_of_two_rows_is_not_evaluated() -> None:
    mask = np.zeros(N, dtype=bool)
    mask[-2:] = True
    assert "test:Na" not in train(RIDGE, X, Y, ROLES, COLUMNS, subsets={"test:Na": mask}).metrics


def test_too_few_calibration_rows_are_one_sentence() -> None:
    with pytest.raises(UserInputError, match=r"40 labels of g_vrh calibrate its intervals, 99 are needed"):
        train(replace(RIDGE, coverage=0.99), X, Y, ROLES, COLUMNS, subsets={})


@pytest.mark.parametrize(
    "other",
    [
        replace(RIDGE, seed=8),
        replace(RIDGE, coverage=0.9),
        replace(RIDGE, settings={"members": 5}),
        replace(RIDGE, descriptor_sets=(("mp", "2"),)),
        replace(RIDGE, property_name="k_vrh"),
    ],
    ids=["seed", "coverage", "settings", "descriptor version", "property"],
)
def test_whatever_decides_a_prediction_is_in_the_identity(other: ModelSpecification) -> None:
    assert other.content_hash("s") != RIDGE.content_hash("s")


def test_defaults_written_out_are_the_same_model() -> None:
    assert replace(RIDGE, settings=RIDGE.filled_settings()).content_hash("s") == RIDGE.content_hash("s")
    assert RIDGE.content_hash("s") != RIDGE.content_hash("t")
