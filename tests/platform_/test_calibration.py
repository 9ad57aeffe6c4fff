"""Conformal intervals: the guarantee on drawn data, the quantile by hand, the edges."""

import json

import numpy as np
import pytest

from matsift.errors import ArtifactError, UserInputError
from matsift.learners.calibration import FLOOR_SHARE, ConformalCalibration, rows_needed


def draw(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Skewed, heteroscedastic errors that the spread knows only roughly."""
    spread = rng.gamma(2.0, 2.0, n)
    mean = rng.normal(80.0, 40.0, n)
    return mean + spread * rng.laplace(0.4, 1.5, n) * rng.choice([0.5, 3.0], n), mean, spread


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("n", [19, 60, 300])
def test_a_further_row_is_covered_at_least_as_often_as_promised(coverage: float, n: int) -> None:
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(1500):
        y, mean, spread = draw(n + 20, rng)
        calibration = ConformalCalibration.fit(y[:n], mean[:n], spread[:n], coverage)
        lower, upper = calibration.interval(mean[n:], spread[n:])
        covered.append(((y[n:] >= lower) & (y[n:] <= upper)).mean())
    error = np.std(covered) / np.sqrt(len(covered))
    # The exact law: between coverage and coverage + 1 / (n + 1) for scores without ties.
    assert coverage - 4 * error <= np.mean(covered) <= coverage + 1 / (n + 1) + 4 * error


def test_the_quantile_is_that_of_the_finite_sample() -> None:
    y = np.arange(1.0, 20.0)  # scores 1 to 19 in units of (1 + 0.1)
    calibration = ConformalCalibration.fit(y, np.zeros(19), np.ones(19), 0.9)
    assert calibration.floor == FLOOR_SHARE
    assert calibration.multiplier * 1.1 == pytest.approx(18.0)  # rank ceil(20 * 0.9) = 18
    assert calibration.n_calibration == 19


def test_the_interval_is_wider_where_the_members_disagree() -> None:
    calibration = ConformalCalibration(coverage=0.9, multiplier=2.0, floor=0.5, n_calibration=100)
    lower, upper = calibration.interval([10.0, 10.0], [1.0, 3.0])
    assert lower.tolist() == [7.0, 3.0]
    assert upper.tolist() == [13.0, 17.0]


def test_members_that_all_agree_give_a_plain_interval() -> None:
    y = np.linspace(-1, 1, 50)
    calibration = ConformalCalibration.fit(y, np.zeros(50), np.zeros(50), 0.9)
    lower, upper = calibration.interval([5.0], [0.0])
    half = np.sort(np.abs(y))[45]
    assert (lower[0], upper[0]) == pytest.approx((5 - half, 5 + half))


def test_perfect_predictions_give_an_interval_of_no_width() -> None:
    calibration = ConformalCalibration.fit(np.ones(20), np.ones(20), np.zeros(20), 0.9)
    lower, upper = calibration.interval([1.0], [0.0])
    assert lower[0] == upper[0] == 1.0


@pytest.mark.parametrize(("coverage", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_the_fewest_rows(coverage: float, needed: int) -> None:
    assert rows_needed(coverage) == needed
    ConformalCalibration.fit(np.ones(needed), np.zeros(needed), np.ones(needed), coverage)
    with pytest.raises(UserInputError, match=f"at least {needed} calibration rows, there are {needed - 1}; raise"):
        ConformalCalibration.fit(np.ones(needed - 1), np.zeros(needed - 1), np.ones(needed - 1), coverage)


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90.0])
def test_a_coverage_that_is_no_share_gives_a_sentence(coverage: float) -> None:
    with pytest.raises(UserInputError, match="must lie between 0 and 1"):
        ConformalCalibration.fit(np.ones(20), np.ones(20), np.ones(20), coverage)


def test_a_label_that_is_no_number_gives_a_sentence() -> None:
    y = np.ones(20)
    y[3] = np.nan
    with pytest.raises(UserInputError, match="not a finite number"):
        ConformalCalibration.fit(y, np.ones(20), np.ones(20), 0.9)


def test_it_survives_json() -> None:
    rng = np.random.default_rng(0)
    calibration = ConformalCalibration.fit(*draw(137, rng), 0.9)
    assert ConformalCalibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_a_stored_dict_without_a_key_gives_a_sentence() -> None:
    with pytest.raises(ArtifactError, match="lacks 'floor'; train again"):
        ConformalCalibration.from_json({"coverage": 0.9, "multiplier": 1.0, "n_calibration": 3})
