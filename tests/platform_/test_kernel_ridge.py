"""Kernel ridge on normal scores, and its blend with trees, held against scikit-learn and against themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.preprocessing import QuantileTransformer

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import container, kernel_ridge, registry
from matsift.learners.normal_scores import NormalScores
from matsift.learners.prediction import draw_rows, member_seeds

RNG = np.random.default_rng(2)
X = np.column_stack([RNG.normal(size=300), RNG.lognormal(0, 2, 300), RNG.integers(0, 4, 300), np.full(300, 7.0)])
Y = 50 + 20 * X[:, 0] + 5 * np.log(X[:, 1]) + 3 * X[:, 2]
NAMES = ("a", "b", "c", "d")
KERNEL: dict[str, Any] = {"members": 3, "length": 1.0}
BLEND: dict[str, Any] = {"members": 3, "target": "linear", "lightgbm": {"n_estimators": 30}, "kernel": {"length": 1.0}}
BOTH = pytest.mark.parametrize(("kind", "settings"), [("kernel_ridge", KERNEL), ("blend", BLEND)])


def fitted(kind: str = "kernel_ridge", settings: dict[str, Any] = KERNEL, n_worker: int = 1, seed: int = 4) -> Any:
    return registry.fit(kind, X, Y, settings=settings, seed=seed, feature_names=NAMES, n_worker=n_worker)


def test_scores_are_those_of_scikit_learn() -> None:
    theirs = QuantileTransformer(n_quantiles=300, output_distribution="normal")
    expected = theirs.fit_transform(X[:, :2])
    ours = NormalScores.fit(X[:, :2])
    inside = np.abs(expected) < 2  # quantiles of 300 rows differ in how the outermost are interpolated
    np.testing.assert_allclose(
        (ours.transform(X[:, :2]) * ours.deviation + ours.mean)[inside], expected[inside], atol=0.02
    )


def test_scores_do_not_know_units_nor_outliers() -> None:
    plain, other = NormalScores.fit(X), NormalScores.fit(X * 1000.0)
    np.testing.assert_allclose(plain.transform(X), other.transform(X * 1000.0), atol=1e-9)
    assert np.abs(plain.transform(X * 1e9)).max() < 5


def test_what_is_unknown_or_never_varied_scores_zero() -> None:
    scores = NormalScores.fit(X).transform(np.array([[np.nan, 1.0, 2.0, 9.0]]))
    assert scores[0, 0] == 0.0
    assert scores[0, 3] == 0.0
    assert scores[0, 1] != 0.0


def test_a_member_is_kernel_ridge_on_its_draw() -> None:
    model = fitted()
    drawn = draw_rows(300, 0.8, member_seeds(4, 3)[1])
    Z = NormalScores.fit(X).transform(X)
    oracle = KernelRidge(alpha=0.03, kernel="rbf", gamma=0.5 / 4).fit(Z[drawn], Y[drawn] - Y.mean())
    np.testing.assert_allclose(model.predict(X).members[1], oracle.predict(Z) + Y.mean(), rtol=1e-7)


@BOTH
def test_reading_back_changes_nothing(kind: str, settings: dict[str, Any]) -> None:
    model = fitted(kind, settings)
    again = registry.load(kind, model.dump())
    np.testing.assert_array_equal(model.predict(X).members, again.predict(X).members)
    assert model.dump() == again.dump()


@BOTH
def test_workers_and_blocks_change_nothing(kind: str, settings: dict[str, Any]) -> None:
    model, other = fitted(kind, settings), fitted(kind, settings, n_worker=2)
    np.testing.assert_array_equal(model.predict(X).members, other.predict(X).members)
    np.testing.assert_array_equal(model.predict(X[256:]).members, model.predict(X).members[:, 256:])


@BOTH
def test_it_predicts_what_it_was_not_shown(kind: str, settings: dict[str, Any]) -> None:
    model = registry.fit(kind, X[:240], Y[:240], settings=settings, seed=4, feature_names=NAMES)
    said = model.predict(X[240:]).mean
    assert 1 - ((said - Y[240:]) ** 2).sum() / ((Y[240:] - Y[240:].mean()) ** 2).sum() > 0.9


@BOTH
def test_no_candidates_give_an_empty_prediction(kind: str, settings: dict[str, Any]) -> None:
    assert fitted(kind, settings).predict(X[:0]).members.shape == (3, 0)


def test_a_blend_is_the_mean_of_its_two_on_the_same_draws() -> None:
    blend = fitted("blend", BLEND)
    trees = registry.fit(
        "lightgbm_ensemble", X, Y, settings={"members": 3, "n_estimators": 30}, seed=4, feature_names=NAMES
    )
    expected = (trees.predict(X).members + fitted().predict(X).members) / 2
    np.testing.assert_allclose(blend.predict(X).members, expected)
    np.testing.assert_array_equal(blend.importances(), trees.importances())
    assert fitted().importances() is None


def test_more_rows_than_a_member_can_take_give_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_ridge, "MOST_ROWS", 100)
    with pytest.raises(UserInputError, match="would see 240 rows, and kernel ridge takes up to 100; lower train_fr"):
        fitted()


@BOTH
def test_a_damaged_file_gives_a_sentence(kind: str, settings: dict[str, Any]) -> None:
    header, parts = container.unpack(fitted(kind, settings).dump())
    with pytest.raises(ArtifactError):
        registry.load(kind, container.pack(header, {name: part[: len(part) // 2] for name, part in parts.items()}))
