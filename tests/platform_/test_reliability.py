"""Reliability: what intervals of every nominal coverage held, by hand, by closed form and after adjustment."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from matsift.errors import UserInputError
from matsift.learners.calibration import LEVELS, ConformalCalibration
from matsift.learners.prediction import Prediction
from matsift.learners.reliability import Foretold, reliability
from matsift.learners.scale import TargetScale

CALIBRATION = ConformalCalibration(0.9, 2.0, 0.5, 40, multipliers=((0.5, 1.0), (0.9, 2.0)))


def foretold(y: np.ndarray, mean: np.ndarray, spread: np.ndarray, calibration: ConformalCalibration) -> Foretold:
    return Foretold.of(y, mean, spread, *calibration.interval(mean, spread), calibration)


def drawn(n: int, factor: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, normal about the mean, whose true deviation is `factor` times the spread that the ensemble says."""
    rng = np.random.default_rng(seed)
    mean, spread = rng.normal(80, 40, n), rng.gamma(3.0, 2.0, n)
    return mean + factor * spread * rng.normal(size=n), mean, spread


def test_by_hand() -> None:
    y = np.array([0.0, 1.0, 2.0, 6.0])
    said = reliability(foretold(y, np.zeros(4), np.ones(4), CALIBRATION))
    # Conformal: half-widths 1.5 at 50 % and 3.0 at 90 %; normal: 0.674 at 50 %, 1.645 at 90 %, 1.96 at 95 %.
    assert (said.n_row, said.before, said.after) == (4, 0.5, 0.75)
    assert dict(zip(said.levels, said.after_curve, strict=True)) == dict.fromkeys(LEVELS) | {0.5: 0.5, 0.9: 0.75}
    assert said.before_curve == (0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.5)
    assert said.error_after == pytest.approx(0.075)
    assert said.error_before == pytest.approx(np.mean([0.15, 0.05, 0.05, 0.15, 0.25, 0.35, 0.2, 0.3, 0.4, 0.45]))
    assert said.spread_error_spearman is None


def test_a_normal_error_of_the_spread_is_reliable_before_any_adjustment() -> None:
    y, mean, spread = drawn(40_000, 1.0, 0)
    said = reliability(foretold(y, mean, spread, CALIBRATION))
    assert said.before_curve == pytest.approx(LEVELS, abs=0.01)
    assert said.spread_error_spearman == pytest.approx(spearmanr(spread, np.abs(y - mean)).statistic)


@pytest.mark.parametrize("factor", [0.5, 3.0], ids=["too cautious", "too sure"])
def test_a_spread_that_is_wrong_by_a_factor_is_seen_before_and_mended_after(factor: float) -> None:
    calibration = ConformalCalibration.fit(*drawn(4000, factor, 1), 0.9)
    y, mean, spread = drawn(40_000, factor, 2)
    said = reliability(foretold(y, mean, spread, calibration))
    z = norm.ppf((1 + np.array(LEVELS)) / 2)
    assert said.before_curve == pytest.approx(2 * norm.cdf(z / factor) - 1, abs=0.01)
    assert said.after_curve == pytest.approx(LEVELS, abs=0.03)
    assert said.error_after is not None
    assert said.error_after < 0.02
    assert said.error_before > 0.1
    assert (said.before, said.after) == (said.before_curve[8], said.after_curve[8])


def test_levels_that_the_calibration_rows_do_not_suffice_for_are_left_out() -> None:
    y, mean, spread = drawn(12, 1.0, 3)
    calibration = ConformalCalibration.fit(y, mean, spread, 0.5)
    assert [level for level, _ in calibration.multipliers] == list(LEVELS[:-1])  # 95 % needs 19 rows
    assert dict(calibration.multipliers)[0.5] == calibration.multiplier
    assert ConformalCalibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_a_model_of_before_the_levels_were_kept_has_no_curve_but_its_coverage() -> None:
    y, mean, spread = drawn(50, 1.0, 4)
    said = reliability(foretold(y, mean, spread, replace(CALIBRATION, multipliers=())))
    assert set(said.after_curve) == {None}
    assert said.error_after is None
    assert said.after > 0


def test_on_a_logarithmic_scale_the_curve_passes_through_the_coverage_of_the_interval() -> None:
    rng = np.random.default_rng(5)
    scale = TargetScale("log10")
    truth = 10 ** rng.uniform(0.05, 2.5, 400)
    said = Prediction.of_members(truth * 10 ** rng.normal(0, 0.3, (6, 400)))
    calibration = ConformalCalibration.of(truth[:200], Prediction.of_members(said.members[:, :200]), 0.8, scale)
    tested = Prediction.of_members(said.members[:, 200:])
    lower, upper = calibration.around(tested)
    assert (lower == -np.inf).any()  # below the floor of the scale, some intervals have no lower end
    found = reliability(Foretold.of(truth[200:], tested.mean, tested.spread, lower, upper, calibration))
    assert found.after_curve[LEVELS.index(0.8)] == pytest.approx(found.after, abs=0.01)
    mean, spread = scale.moments(tested)
    exact = np.abs(scale.forward(truth[200:]) - mean) / (spread + calibration.floor)
    known = lower > 1.0
    scores = Foretold.of(truth[200:], tested.mean, tested.spread, lower, upper, calibration).score
    assert scores[known] == pytest.approx(exact[known])


def test_rows_of_several_models_are_judged_each_by_its_own_calibration() -> None:
    wide = replace(CALIBRATION, multiplier=20.0, multipliers=((0.9, 20.0),))
    y, mean, spread = drawn(30, 4.0, 6)
    first, second = foretold(y, mean, spread, CALIBRATION), foretold(y, mean, spread, wide)
    both = reliability(Foretold.joined([first, second]))
    assert both.n_row == 60
    assert both.after == pytest.approx((reliability(first).after + reliability(second).after) / 2)
    assert both.before == reliability(first).before
    assert both.after_curve[LEVELS.index(0.5)] is None  # the second one does not say


def test_without_a_row_there_is_no_reliability() -> None:
    with pytest.raises(UserInputError, match="no held-out row"):
        reliability(foretold(np.empty(0), np.empty(0), np.empty(0), CALIBRATION))
