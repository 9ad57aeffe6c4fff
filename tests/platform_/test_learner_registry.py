"""Settings and rows that no learner can take."""

from typing import Any

import numpy as np
import pytest

from matsift.errors import UserInputError
from matsift.learners import registry


def test_defaults_are_filled_in() -> None:
    settings = registry.validate_settings("lightgbm_ensemble", {"members": 8})
    assert (settings["members"], settings["train_fraction"], settings["n_estimators"]) == (8, 0.8, 100)
    assert (settings["num_leaves"], settings["learning_rate"], settings["min_data_in_leaf"]) == (31, 0.1, 20)


def test_a_given_key_wins_over_the_preset() -> None:
    settings = registry.validate_settings("lightgbm_ensemble", {"preset": "tuned", "num_leaves": 7})
    assert (settings["num_leaves"], settings["n_estimators"]) == (7, 1000)


#: All learners but those of fixed columns, which have tests of their own.
OF_ANY_COLUMNS = sorted(set(registry.known_learners()) - {"magpie_cnn", "roost"})


@pytest.mark.parametrize("kind", OF_ANY_COLUMNS)
def test_a_fitted_model_says_the_kind_that_the_registry_knows_it_by(kind: str) -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 2))
    model = registry.fit(kind, X, X @ [1.0, 2.0], settings={}, seed=1, feature_names=("x", "y"))
    assert model.kind == kind
    assert np.array_equal(registry.load(kind, model.dump()).predict(X).mean, model.predict(X).mean)


@pytest.mark.parametrize("kind", registry.known_learners())
def test_filled_settings_are_settings(kind: str) -> None:
    filled = registry.validate_settings(kind, {})
    assert registry.validate_settings(kind, filled) == filled


@pytest.mark.parametrize(
    ("kind", "settings", "sentence"),
    [
        pytest.param(
            "boosting",
            {},
            r"no learner 'boosting' \(did you mean 'roost'\?\); use one of blend, gpr_nn, kernel_ridge, least_squares",
            id="kind",
        ),
        pytest.param(
            "lightgbm_ensemble", {"num_leafs": 9}, "no setting 'num_leafs'; did you mean 'num_leaves'", id="typo"
        ),
        pytest.param(
            "ridge", {"depth": 9}, "no setting 'depth'; it knows alphas, members, train_fraction", id="unknown"
        ),
        pytest.param("random_forest", {"n_estimators": "many"}, "'n_estimators' .* is 'many'", id="text"),
        pytest.param("lightgbm_ensemble", {"train_fraction": 1.5}, "'train_fraction' .* is 1.5", id="out of range"),
        pytest.param("blend", {"kernel": {"members": 3}}, "set 'members' of the blend itself", id="shared"),
        pytest.param("blend", {"kernel": {"size": 3}}, "kernel.size: extra inputs are not permitted", id="nested typo"),
        pytest.param("blend", {"lightgbm": {"num_leaves": 1}}, "lightgbm.num_leaves: .* greater", id="nested range"),
    ],
)
def test_wrong_settings_give_a_sentence_that_names_the_key(kind: str, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        registry.validate_settings(kind, settings)


@pytest.mark.parametrize(
    ("X", "y", "sentence"),
    [
        pytest.param([[1.0, np.inf], [1.0, 2.0]], [1.0, 2.0], "descriptor 'b' of row 0 is infinite", id="infinite"),
        pytest.param([[1.0, 2.0], [1.0, 2.0]], [1.0, np.nan], "label 1 is nan", id="NaN label"),
        pytest.param([[1.0], [1.0]], [1.0, 2.0], "do not match 2 column names", id="columns"),
        pytest.param([[1.0, 2.0]], [1.0, 2.0], "1 rows of descriptors but labels of shape", id="rows"),
    ],
)
@pytest.mark.parametrize("kind", registry.known_learners())
def test_rows_that_cannot_be_learned_give_a_sentence(
    kind: str, X: list[list[float]], y: list[float], sentence: str
) -> None:
    with pytest.raises(UserInputError, match=sentence):
        registry.fit(kind, X, y, settings={}, seed=0, feature_names=["a", "b"])
