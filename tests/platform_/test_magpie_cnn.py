"""The composition network as a learner of tables: which columns it reads, the same again, a line learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matsift.density.fit import fit, load
from matsift.density.inputs import NetworkInputs
from matsift.descriptors.composition import MAGPIE
from matsift.errors import ArtifactError, UserInputError
from matsift.learners import registry
from matsift.learners.columns import element_statistics
from matsift.learners.magpie_cnn import MagpieCnn
from matsift.learners.moduli_bars import BARS
from matsift.learners.prediction import FittedModel

RNG = np.random.default_rng(17)
NAMES = ("volume", *MAGPIE.columns, "0-norm of something else")
X = RNG.normal(size=(48, len(NAMES))) * RNG.uniform(1, 30, len(NAMES))
Y = 100 + X[:, element_statistics(NAMES)][:, :3] @ [1.0, -1.0, 2.0]
TINY: dict[str, Any] = {"members": 2, "epochs": 3, "batch": 8, "filters": [2, 2, 2], "dense": [4], "device": "cpu"}


def trained(X: np.ndarray = X, **changes: Any) -> MagpieCnn:
    model = registry.fit("magpie_cnn", X, Y, settings=TINY | changes, seed=3, feature_names=NAMES)
    assert isinstance(model, MagpieCnn)
    return model


@pytest.fixture(scope="module")
def model() -> MagpieCnn:
    return trained()


def test_the_132_statistics_stand_in_the_order_of_the_set() -> None:
    places = element_statistics(NAMES)
    assert [NAMES[i] for i in places] == list(MAGPIE.columns[6:138])
    assert BARS["RF + Magpie"].columns(MAGPIE.columns).tolist() == list(range(6, 138))
    assert BARS["LightGBM + Magpie"].columns(MAGPIE.columns).tolist() == list(range(145))


def test_it_says_what_the_network_says_of_the_statistics(model: MagpieCnn) -> None:
    places = element_statistics(NAMES)
    network = fit("magpie_cnn", NetworkInputs(magpie=X[:, places]), Y, settings=TINY, seed=3)
    said = network.predict(NetworkInputs(magpie=X[:5, places]))
    np.testing.assert_array_equal(model.predict(X[:5]).members, said.members)


def test_other_columns_play_no_part(model: MagpieCnn) -> None:
    other = X.copy()
    other[:, np.setdiff1d(np.arange(len(NAMES)), element_statistics(NAMES))] = np.nan
    np.testing.assert_array_equal(trained(other).predict(other).members, model.predict(X).members)


def test_it_is_read_back_by_either_side(model: MagpieCnn) -> None:
    again = registry.load("magpie_cnn", model.dump())
    assert (again.kind, again.feature_names, again.settings, again.seed) == ("magpie_cnn", NAMES, model.settings, 3)
    np.testing.assert_array_equal(again.predict(X).members, model.predict(X).members)
    assert again.dump() == model.dump()
    statistics = X[:, element_statistics(NAMES)]
    inputs = NetworkInputs(magpie=statistics)
    np.testing.assert_array_equal(load("magpie_cnn", model.dump()).predict(inputs).mean, model.predict(X).mean)
    bare = registry.load("magpie_cnn", model.network.dump())
    assert bare.feature_names == MAGPIE.columns[6:138]
    np.testing.assert_array_equal(bare.predict(statistics).mean, model.predict(X).mean)


def test_unknown_values_no_rows_and_no_importances(model: MagpieCnn) -> None:
    gaps = X.copy()
    gaps[0] = np.nan
    assert np.isfinite(model.predict(gaps).mean).all()
    assert model.predict(X[:0]).members.shape == (2, 0)
    as_any: FittedModel = model
    assert as_any.importances() is None


def test_more_epochs_learn_more(model: MagpieCnn) -> None:
    longer = trained(epochs=40, inner_fraction=0.0, filters=[8, 8, 8], dense=[16], members=1)
    errors = [float(np.abs(m.predict(X).mean - Y).mean()) for m in (model, longer)]
    assert errors[1] < 0.5 * errors[0]


def test_columns_without_the_statistics_give_a_sentence() -> None:
    with pytest.raises(UserInputError, match="of 2 columns 0 are elemental statistics, not 132"):
        registry.fit("magpie_cnn", X[:, :2], Y, settings=TINY, seed=3, feature_names=("a", "b"))


def test_a_setting_out_of_range_gives_a_sentence() -> None:
    with pytest.raises(UserInputError, match="'members' of the learner 'magpie_cnn' is 0"):
        registry.validate_settings("magpie_cnn", {"members": 0})


def test_a_damaged_file_gives_a_sentence(model: MagpieCnn) -> None:
    with pytest.raises(ArtifactError):
        registry.load("magpie_cnn", model.dump()[:-40])
