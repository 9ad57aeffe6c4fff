"""Splits by composition, statistics over them, groups left out: closed forms, and one process or several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr

from matsift.errors import MatsiftError, UserInputError
from matsift.learners import gpr_nn_studies, registry
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.group_splits import (
    GroupedData,
    SplitPlan,
    SplitScores,
    mapped,
    model_of_split,
    over_splits,
    rmse,
    scores_of,
    squared_correlation,
)
from matsift.learners.left_out_groups import LeftOut, calibrate_groups, leave_one_group_out
from matsift.learners.paper_regressors import PAPER_REGRESSORS

RNG = np.random.default_rng(31)
NAMES = ("er", "a", "b")
COMPOSITIONS = [f"A{i}O3" for i in RNG.permutation(np.repeat(np.arange(30), 6))]
OF_COMPOSITION = {name: RNG.normal(size=2) for name in dict.fromkeys(COMPOSITIONS)}
X = np.array([[RNG.uniform(-0.1, 0.1), *OF_COMPOSITION[name]] for name in COMPOSITIONS])
Y = 0.65 + X @ [0.5, 0.02, -0.01] + 0.02 * np.sin(2 * X[:, 1]) + RNG.normal(0, 0.004, 180)
DATA = GroupedData.of(X, Y, COMPOSITIONS, NAMES)
PLAN = SplitPlan(n_split=8, seed=3)


def test_no_composition_is_on_both_sides() -> None:
    masks = list(PLAN.tests(DATA))
    for test in masks:
        inside = {name for name, is_test in zip(COMPOSITIONS, test, strict=True) if is_test}
        outside = {name for name, is_test in zip(COMPOSITIONS, test, strict=True) if not is_test}
        assert not inside & outside
        assert len(inside) == 6  # a fifth of 30
    assert len({mask.tobytes() for mask in masks}) == 8
    assert [m.tolist() for m in SplitPlan(8, seed=3).tests(DATA)] == [m.tolist() for m in masks]
    assert [m.tolist() for m in SplitPlan(8, seed=4).tests(DATA)] != [m.tolist() for m in masks]


def test_more_splits_begin_with_the_same_ones() -> None:
    few, many = (list(replace(PLAN, n_split=n).tests(DATA)) for n in (2, 8))
    assert [m.tolist() for m in few] == [m.tolist() for m in many[:2]]


def test_the_errors_are_those_of_the_model_of_the_split() -> None:
    scores = over_splits("least_squares", DATA, settings={}, plan=PLAN)
    for number, test in enumerate(PLAN.tests(DATA)):
        line = np.linalg.lstsq(np.column_stack([np.ones((~test).sum()), X[~test]]), Y[~test], rcond=None)[0]
        said = line[0] + X @ line[1:]
        assert scores.rmse_test[number] == pytest.approx(np.sqrt(((said - Y)[test] ** 2).mean()), rel=1e-9)
        assert scores.rmse_train[number] == pytest.approx(np.sqrt(((said - Y)[~test] ** 2).mean()), rel=1e-9)
        assert scores.r2_test[number] == pytest.approx(pearsonr(said[test], Y[test])[0] ** 2, rel=1e-9)
        assert scores.r2_train[number] == pytest.approx(pearsonr(said[~test], Y[~test])[0] ** 2, rel=1e-9)


def test_two_processes_say_what_one_says_and_a_model_comes_again() -> None:
    plan, settings = SplitPlan(3, seed=1), {"neurons": 2, "members": 1, "epochs": 20}
    one, two = (
        over_splits("levenberg_marquardt", DATA, settings=settings, plan=plan, n_worker=n_worker) for n_worker in (1, 2)
    )
    np.testing.assert_allclose(two.rmse_test, one.rmse_test, rtol=1e-9)
    again = model_of_split("levenberg_marquardt", DATA, 2, settings=settings, plan=plan)
    test = list(plan.tests(DATA))[2]
    assert rmse(Y[test], again.predict(X[test]).mean) == pytest.approx(one.rmse_test[2], rel=1e-12)


def test_the_summary_is_over_splits_each_measure_by_itself() -> None:
    scores = SplitScores(*(np.array(v) for v in ([1.0, 2.0, 6.0], [3.0, 9.0, 6.0], [0.1, 0.2, 0.3], [0.5, 0.9, 0.8])))
    said = scores.summary()
    assert said["rmse_train"] == {"max": 6.0, "min": 1.0, "median": 2.0, "mean": 3.0, "std": np.std([1.0, 2.0, 6.0])}
    assert (said["rmse_test"]["max"], said["r2_test"]["max"]) == (9.0, 0.9)
    assert scores.best(2).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("y", "said", "expected"),
    [
        pytest.param([1.0, 2.0, 3.0], [-2.0, -4.0, -6.0], 1.0, id="turned round"),
        pytest.param([1.0, 2.0, 3.0], [5.0, 5.0, 5.0], 0.0, id="constant"),
        pytest.param([1.0, 2.0, 3.0], [40.0, -3.0, 40.0], 0.0, id="wild but never negative"),
    ],
)
def test_r2_is_a_squared_correlation(y: list[float], said: list[float], expected: float) -> None:
    assert squared_correlation(np.array(y), np.array(said)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", PAPER_REGRESSORS)
def test_regressors_of_the_paper_can_be_trained(name: str) -> None:
    kind, settings = PAPER_REGRESSORS[name]
    assert registry.validate_settings(kind, settings).items() >= settings.items()
    short = {"epochs": 5} if kind == "levenberg_marquardt" else {}
    scores = over_splits(kind, DATA, settings={**settings, **short}, plan=SplitPlan(1))
    assert scores.rmse_train[0] < Y.std()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"groups": ["a"] * 180}, "rows of one group alone cannot be split", id="one group"),
        pytest.param({"groups": ["a", "b"]}, "180 rows have 180 labels and 2 groups", id="groups"),
        pytest.param({"y": Y[:5]}, "180 rows have 5 labels and 180 groups", id="labels"),
    ],
)
def test_rows_that_cannot_be_split_give_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        GroupedData.of(**{"X": X, "y": Y, "groups": COMPOSITIONS, "feature_names": NAMES, **change})


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_a_fraction_that_leaves_a_side_empty_gives_a_sentence(fraction: float) -> None:
    with pytest.raises(UserInputError, match="splits 30 groups into nothing"):
        over_splits("least_squares", DATA, settings={}, plan=SplitPlan(1, test_fraction=fraction))


def test_what_fails_in_a_process_is_told() -> None:
    with pytest.raises(MatsiftError, match=r"training number 0 failed: .*'boosting'"):
        mapped(scores_of, [("boosting", {}, DATA, np.zeros(180, dtype=bool), 0)], n_worker=2)


def test_single_rows_left_out_of_a_line_have_the_errors_of_its_leverages() -> None:
    said = leave_one_group_out("least_squares", GroupedData.of(X, Y, range(180), NAMES), settings={})
    design = np.column_stack([np.ones(180), X])
    hat = design @ np.linalg.solve(design.T @ design, design.T)
    np.testing.assert_allclose(Y - said.mean, (Y - hat @ Y) / (1 - np.diag(hat)), rtol=1e-8)
    assert said.metrics()["rmse"] == pytest.approx(np.sqrt(((Y - said.mean) ** 2).mean()))


def test_whole_groups_are_left_out() -> None:
    said = leave_one_group_out("gpr_nn", DATA, settings={})
    other = DATA.groups != 7
    model = registry.fit("gpr_nn", X[other], Y[other], settings={}, seed=0, feature_names=NAMES)
    np.testing.assert_allclose(said.mean[~other], model.predict(X[~other]).mean, rtol=1e-12)
    np.testing.assert_allclose(said.spread[~other], model.predict(X[~other]).spread, rtol=1e-12)


def test_an_interval_of_a_group_is_that_of_its_worst_row() -> None:
    groups = np.repeat(np.arange(30), 6)
    shared = np.repeat(RNG.normal(size=30), 6) + RNG.normal(0, 0.01, 180)
    found = calibrate_groups(shared, np.zeros(180), np.ones(180), groups, 0.9)
    worst = np.abs(shared).reshape(30, 6).max(axis=1)
    assert found == ConformalCalibration.fit(worst, np.zeros(30), np.ones(30), 0.9, floor=0.1)
    assert found.n_calibration == 30
    inside = np.abs(shared) <= found.interval(0.0, 1.0)[1]
    assert inside.reshape(30, 6).all(axis=1).sum() == 28  # rank ceil(31 * 0.9)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_hold_for_groups_left_out(coverage: float) -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=400)
    said = LeftOut(y, np.arange(400), np.zeros(400), np.ones(400))
    assert said.coverage(coverage) == pytest.approx(coverage, abs=0.02)
    lower, upper = said.calibration(coverage).interval(0.0, 1.0)
    assert ((lower <= y) & (y <= upper)).mean() == pytest.approx(coverage, abs=0.01)


def test_a_scan_is_one_training_a_point() -> None:
    found = gpr_nn_studies.scan(DATA, (2.0, 20.0), (1e-4, 1e-2), plan=SplitPlan(3))
    for i, length in enumerate(found.lengths):
        for j, noise in enumerate(found.noise_variances):
            settings = {"length": length, "noise_variance": noise}
            scores = over_splits("gpr_nn", DATA, settings=settings, plan=SplitPlan(3))
            np.testing.assert_allclose(found.rmse_test[i, j], scores.rmse_test, rtol=1e-9)
            np.testing.assert_allclose(found.rmse_train[i, j], scores.rmse_train, rtol=1e-9)


def test_the_scan_chooses_the_least_error_that_is_steady() -> None:
    errors = np.array([[[0.1, 0.9], [0.4, 0.4]], [[0.45, 0.45], [0.5, 0.5]]])
    found = gpr_nn_studies.Scan((1.0, 7.0), (0.1, 0.2), errors, errors)
    assert found.chosen() == (1.0, 0.2)


def test_more_coordinates_and_importances_by_component() -> None:
    found = gpr_nn_studies.coupling(DATA, (0, 4), plan=SplitPlan(2))
    assert list(found) == [0, 4]
    np.testing.assert_array_equal(
        found[4].rmse_test, over_splits("gpr_nn", DATA, settings={"added_coordinates": 4}, plan=SplitPlan(2)).rmse_test
    )
    deviations = gpr_nn_studies.component_importances(DATA, plan=SplitPlan(5))
    assert deviations.shape == (5, 3)
    assert (deviations.argmin(axis=1) == 2).all()
