"""The forest baseline against scikit-learn itself, and its storage."""

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestRegressor
from sklearn.svm import SVR

from matsift.errors import ArtifactError
from matsift.learners import container, registry

RNG = np.random.default_rng(4)
X = RNG.normal(size=(80, 5))
Y = 30 + 10 * X[:, 0] + RNG.normal(0, 1, 80)
NAMES = list("abcde")
SMALL = {"n_estimators": 12}


def test_it_is_scikit_learns_forest() -> None:
    ours = registry.fit("random_forest", X, Y, settings=SMALL, seed=3, feature_names=NAMES)
    theirs = RandomForestRegressor(12, max_features=1 / 3, random_state=3).fit(X, Y)
    np.testing.assert_allclose(ours.predict(X).mean, theirs.predict(X), rtol=1e-12)
    np.testing.assert_allclose(np.asarray(ours.importances()), theirs.feature_importances_, rtol=1e-12)


def test_threads_change_nothing() -> None:
    one = registry.fit("random_forest", X, Y, settings=SMALL, seed=3, feature_names=NAMES)
    two = registry.fit("random_forest", X, Y, settings=SMALL, seed=3, feature_names=NAMES, n_worker=2)
    assert (one.predict(X).members == two.predict(X).members).all()


def test_reading_back_changes_nothing() -> None:
    gaps = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
    gaps[:, 2] = np.nan
    model = registry.fit("random_forest", gaps, Y, settings=SMALL, seed=3, feature_names=NAMES)
    again = registry.load("random_forest", model.dump())
    assert (again.predict(gaps).members == model.predict(gaps).members).all()
    assert again.predict(gaps).members.shape == (12, 80)


def test_two_rows_and_equal_labels_are_enough() -> None:
    model = registry.fit("random_forest", X[:2], [4.0, 4.0], settings=SMALL, seed=0, feature_names=NAMES)
    assert model.predict(X).mean.tolist() == [4.0] * 80
    assert model.predict(X).spread.tolist() == [0.0] * 80


def test_a_file_that_asks_for_another_type_is_refused() -> None:
    header = {"kind": "random_forest", "feature_names": NAMES, "settings": {}, "seed": 0}
    strange = container.pack(header, {"forest.skops": skops.io.dumps(SVR(kernel=np.polyfit))})
    with pytest.raises(ArtifactError, match=r"asks for the type numpy.* not on the trusted list"):
        registry.load("random_forest", strange)


def test_a_damaged_part_gives_a_sentence() -> None:
    header = {"kind": "random_forest", "feature_names": NAMES, "settings": {}, "seed": 0}
    with pytest.raises(ArtifactError, match="the model file is damaged"):
        registry.load("random_forest", container.pack(header, {"forest.skops": b"nonsense"}))
    with pytest.raises(ArtifactError, match=r"lacks the part .forest\.skops"):
        registry.load("random_forest", container.pack(header, {}))
