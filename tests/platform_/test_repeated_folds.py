"""Repeated cross validation: who tests when, averaged outputs, means and deviations over repeats."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.errors import UserInputError
from matsift.learners.held_out import Learning
from matsift.learners.repeated_folds import OutOfFold, cross_validated, repeated_folds

RNG = np.random.default_rng(4)
X = RNG.normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(0, 0.3, 60)
NAMES = ("a", "b", "c")
FORMULAE = [f"X{i // 2}" for i in range(60)]


def test_every_row_is_tested_once_a_repeat_and_formulae_stay_whole() -> None:
    folds = repeated_folds(FORMULAE, n_fold=5, n_repeat=5, seed=1)
    assert folds.shape == (5, 60)
    assert all(np.bincount(own).tolist() == [12] * 5 for own in folds)
    assert (folds[:, ::2] == folds[:, 1::2]).all()
    assert len({own.tobytes() for own in folds}) == 5
    np.testing.assert_array_equal(repeated_folds(FORMULAE, n_repeat=2, seed=1), folds[:2])


def test_repeats_may_share_their_folds() -> None:
    folds = repeated_folds(range(60), n_repeat=3, seed=1, same=True)
    assert (folds == folds[0]).all()


def test_no_repeat_gives_a_sentence() -> None:
    with pytest.raises(UserInputError, match="cannot be repeated 0 times"):
        repeated_folds(FORMULAE, n_repeat=0)


def test_lines_are_those_of_the_other_folds() -> None:
    folds = repeated_folds(FORMULAE, n_fold=3, n_repeat=2, seed=7)
    said = cross_validated(Learning("least_squares", X, Y, NAMES, {}), folds)
    design = np.column_stack([np.ones(60), X])
    for repeat, own in enumerate(folds):
        for fold in range(3):
            line = np.linalg.lstsq(design[own != fold], Y[own != fold], rcond=None)[0]
            np.testing.assert_allclose(said.mean[repeat, own == fold], design[own == fold] @ line, rtol=1e-9)


def test_the_averaged_output_is_the_mean_of_the_repeats() -> None:
    mean = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 5.0]])
    said = OutOfFold(np.array([2.0, 2.0, 5.0]), np.zeros((2, 3), dtype=np.int64), mean, np.zeros((2, 3)))
    assert said.averaged.tolist() == [2.0, 2.0, 4.0]
    assert said.metrics()["rmse"] == pytest.approx(np.sqrt(1 / 3))
    each = [np.sqrt(5 / 3), np.sqrt(1 / 3)]
    assert [own["rmse"] for own in said.each()] == pytest.approx(each)
    assert said.summary()["rmse"] == pytest.approx((np.mean(each), np.std(each, ddof=1)))


def test_one_repeat_has_no_deviation() -> None:
    said = OutOfFold(Y[:3], np.zeros((1, 3), dtype=np.int64), Y[None, :3], np.zeros((1, 3)))
    assert said.summary()["rmse"] == (0.0, None)


def test_averaging_forests_of_other_seeds_helps() -> None:
    folds = repeated_folds(range(60), n_fold=3, n_repeat=4, same=True)
    said = cross_validated(Learning("random_forest", X, Y, NAMES, {"n_estimators": 3}), folds)
    assert said.metrics()["rmse"] < said.summary()["rmse"][0]
    assert len({own["rmse"] for own in said.each()}) == 4
