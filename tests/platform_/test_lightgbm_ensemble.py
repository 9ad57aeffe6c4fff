"""The ensemble of paper 001: repeatable to the bit, honest about what it does not know."""

import lightgbm
import numpy as np
import pytest

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import registry
from matsift.learners.lightgbm_ensemble import LightGbmEnsemble, LightGbmSettings, train_member, train_members
from matsift.learners.prediction import Prediction, TrainingData, draw_rows

RNG = np.random.default_rng(1)
N, P = 160, 12
X = RNG.normal(size=(N, P))
X[RNG.random((N, P)) < 0.1] = np.nan
X[:, 4] = 3.0  # constant
X[:, 5] = np.nan  # never known
Y = 40 + 20 * np.nan_to_num(X[:, 0]) + 10 * np.nan_to_num(X[:, 1]) ** 2 + RNG.normal(0, 1, N)
NAMES = [f"MagpieData mean Number [{i}]" for i in range(P)]  # with blanks and brackets, as descriptors have them
SMALL = {"members": 4, "n_estimators": 15}


def fit(seed: int = 0, n_worker: int = 1, **settings: object) -> LightGbmEnsemble:
    model = registry.fit(
        "lightgbm_ensemble", X, Y, settings={**SMALL, **settings}, seed=seed, feature_names=NAMES, n_worker=n_worker
    )
    assert isinstance(model, LightGbmEnsemble)
    return model


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert fit().dump() == fit().dump()
    assert (fit(seed=1).predict(X).mean != fit(seed=0).predict(X).mean).any()


def test_threads_change_nothing() -> None:
    data = TrainingData.checked(X, Y, NAMES)
    settings = LightGbmSettings(**SMALL)
    here = train_members(data, settings, [5, 6, 7])
    assert train_members(data, settings, [5, 6, 7], n_worker=2) == here


@pytest.mark.parametrize("preset", ["default", "tuned"])
def test_reading_back_changes_nothing(preset: str) -> None:
    model = fit(preset=preset)
    again = registry.load("lightgbm_ensemble", model.dump())
    assert (again.predict(X).members == model.predict(X).members).all()
    assert again.feature_names == tuple(NAMES)
    assert again.dump() == model.dump()


def test_mean_and_spread_are_those_of_the_members() -> None:
    prediction = fit().predict(X)
    assert prediction.members.shape == (4, N)
    np.testing.assert_allclose(prediction.mean, np.mean(prediction.members, axis=0), rtol=1e-12)
    np.testing.assert_allclose(prediction.spread, np.std(prediction.members, axis=0, ddof=1), rtol=1e-9)


def test_equal_seeds_have_no_spread() -> None:
    data = TrainingData.checked(X, Y, NAMES)
    settings = LightGbmSettings(**SMALL)
    texts = train_members(data, settings, [9] * 20)
    model = LightGbmEnsemble(tuple(NAMES), settings.model_dump(), 9, texts)
    assert (model.predict(X).spread == 0).all()


def test_a_member_is_plain_lightgbm_on_its_draw() -> None:
    data = TrainingData.checked(X, Y, NAMES)
    text = train_member(data, LightGbmSettings(**SMALL), seed=77)
    rows = draw_rows(N, 0.8, 77)
    plain = lightgbm.train(
        {"verbosity": -1, "num_threads": 1, "deterministic": True, "force_col_wise": True},
        lightgbm.Dataset(X[rows], Y[rows]),
        15,
    )
    np.testing.assert_array_equal(lightgbm.Booster(model_str=text).predict(X), plain.predict(X))


def test_draws_are_without_replacement_and_differ() -> None:
    draws = [draw_rows(100, 0.8, seed) for seed in (1, 2)]
    assert all(len(set(d.tolist())) == 80 and (np.diff(d) > 0).all() for d in draws)
    assert set(draws[0].tolist()) != set(draws[1].tolist())


def test_importances_are_shares_of_the_gain() -> None:
    importances = fit().importances()
    assert importances.sum() == pytest.approx(1.0)
    assert importances.argmax() == 0
    assert importances[4] == importances[5] == 0.0


def test_the_tuned_preset_stops_early() -> None:
    data = TrainingData.checked(X, Y, NAMES)
    settings = LightGbmSettings.model_validate({"preset": "tuned", "n_estimators": 400, "early_stopping_rounds": 10})
    assert (settings.learning_rate, settings.num_leaves, settings.bagging_freq) == (0.05, 63, 1)
    n_tree = lightgbm.Booster(model_str=train_member(data, settings, seed=3)).num_trees()
    assert 1 <= n_tree < 400


def test_equal_labels_are_predicted_without_spread() -> None:
    model = registry.fit("lightgbm_ensemble", X, np.full(N, 7.25), settings=SMALL, seed=0, feature_names=NAMES)
    prediction = model.predict(X)
    np.testing.assert_allclose(prediction.mean, 7.25, rtol=1e-6)
    assert (prediction.spread == 0).all()
    assert np.asarray(model.importances()).sum() == 0


def test_columns_that_say_nothing_give_the_mean() -> None:
    model = registry.fit("lightgbm_ensemble", np.ones((N, 2)), Y, settings=SMALL, seed=0, feature_names=["a", "b"])
    prediction = model.predict(np.array([[1.0, 1.0], [2.0, np.nan]]))
    assert prediction.mean == pytest.approx([Y.mean()] * 2, abs=3.0)
    assert prediction.mean[0] == prediction.mean[1]


def test_no_candidates_give_an_empty_prediction() -> None:
    prediction = fit().predict(np.empty((0, P)))
    assert prediction.mean.shape == prediction.spread.shape == (0,)


def test_one_member_has_no_spread() -> None:
    assert Prediction.of_members(np.array([[1.0, 2.0]])).spread.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param(0, "at least two labelled structures, there is none", id="no row"),
        pytest.param(1, "at least two labelled structures, there is 1", id="one row"),
        pytest.param(19, "would see 15 of 19 .* min_data_in_leaf = 20; .* set min_data_in_leaf to 3", id="few rows"),
    ],
)
def test_too_few_rows_give_a_sentence(rows: int, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        registry.fit("lightgbm_ensemble", X[:rows], Y[:rows], settings=SMALL, seed=0, feature_names=NAMES)


def test_few_rows_can_be_learned_with_small_leaves() -> None:
    model = registry.fit(
        "lightgbm_ensemble", X[:19], Y[:19], settings={**SMALL, "min_data_in_leaf": 3}, seed=0, feature_names=NAMES
    )
    assert np.ptp(model.predict(X[:19]).mean) > 0


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"", "not a model file", id="empty"),
        pytest.param(b"PK\x03\x04 nothing", "not a model file", id="no zip"),
        pytest.param(None, "not a model file|damaged", id="cut short"),
    ],
)
def test_a_damaged_file_gives_a_sentence(data: bytes | None, sentence: str) -> None:
    with pytest.raises(ArtifactError, match=sentence):
        registry.load("lightgbm_ensemble", fit().dump()[:-200] if data is None else data)


def test_another_kind_of_model_gives_a_sentence() -> None:
    with pytest.raises(ArtifactError, match="holds a 'lightgbm_ensemble', not a 'ridge'"):
        registry.load("ridge", fit().dump())
