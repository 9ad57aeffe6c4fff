"""Bins shared by many trainings: the same members where the rows are the same, nearly the same where they are not."""

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from matsift.learners.lightgbm_ensemble import LightGbmSettings, train_member
from matsift.learners.prediction import TrainingData
from matsift.learners.shared_bins import SharedBins

RNG = np.random.default_rng(3)
N, P = 400, 8
X = RNG.normal(size=(N, P))
X[:, 3] = RNG.integers(0, 5, N)
X[:, 6] = 2.0  # constant
X[RNG.random(N) < 0.1, 7] = np.nan
Y = 60 + 25 * X[:, 0] + 10 * X[:, 3] + RNG.normal(0, 2, N)
NAMES = [f"column {i}" for i in range(P)]


def predicted(text: str) -> NDArray[np.float64]:
    return np.asarray(lightgbm.Booster(model_str=text).predict(X, num_threads=1))


def own(rows: NDArray[np.int64], settings: LightGbmSettings, seed: int) -> NDArray[np.float64]:
    return predicted(train_member(TrainingData.checked(X[rows], Y[rows], NAMES), settings, seed))


@pytest.mark.parametrize("preset", ["default", "moduli"])
@pytest.mark.parametrize("target", ["linear", "log10"])
def test_where_all_rows_train_shared_bins_change_nothing(preset: str, target: str) -> None:
    settings = LightGbmSettings.model_validate(
        {"preset": preset, "target": target, "train_fraction": 1.0, "n_estimators": 40}
    )
    everything = np.arange(N)
    shared = SharedBins(X, settings).train_member(everything, Y, 5)
    assert (predicted(shared) == own(everything, settings, 5)).all()


def test_columns_with_few_values_have_the_same_bins_whatever_else_was_binned() -> None:
    settings = LightGbmSettings(n_estimators=30)
    coarse = np.column_stack([np.arange(N) % 4, np.arange(N) // 4 % 3]).astype(np.float64)
    y = 10 * coarse[:, 0] - 4 * coarse[:, 1] + RNG.normal(0, 0.1, N)
    rows = np.sort(RNG.permutation(N)[:250])
    text = SharedBins(coarse, settings).train_member(rows, y[rows], 2)
    alone = train_member(TrainingData.checked(coarse[rows], y[rows], ["a", "b"]), settings, 2)
    said = [np.asarray(lightgbm.Booster(model_str=t).predict(coarse)) for t in (text, alone)]
    assert (said[0] == said[1]).all()


def test_on_a_draw_they_differ_by_no_more_than_another_seed_would() -> None:
    settings = LightGbmSettings(n_estimators=40)
    rows = np.sort(RNG.permutation(N)[:250])
    shared = predicted(SharedBins(X, settings).train_member(rows, Y[rows], 5))
    by_bins = np.abs(shared - own(rows, settings, 5)).mean()
    by_seed = np.abs(own(rows, settings, 6) - own(rows, settings, 5)).mean()
    assert 0 < by_bins < by_seed


def test_labels_of_rows_that_do_not_train_are_not_known_to_the_bins() -> None:
    settings = LightGbmSettings(n_estimators=5)
    bins, rows = SharedBins(X, settings), np.arange(0, N, 2)
    before = bins.train_member(rows, Y[rows], 1)
    bins.train_member(np.arange(1, N, 2), 1e6 + Y[1::2], 1)  # what another campaign learns leaves no trace
    assert bins.train_member(rows, Y[rows], 1) == before


def test_early_stopping_watches_rows_of_the_same_bins() -> None:
    settings = LightGbmSettings(n_estimators=400, early_stopping_rounds=5, train_fraction=1.0)
    text = SharedBins(X, settings).train_member(np.arange(N), Y, 4)
    n_tree = lightgbm.Booster(model_str=text).num_trees()
    assert 5 < n_tree < 400
    error = np.abs(predicted(text) - Y).mean()
    assert error < 0.2 * np.abs(Y - Y.mean()).mean()
