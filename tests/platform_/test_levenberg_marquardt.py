"""The perceptron: its equations against finite differences, its training against SciPy's, its storage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import container, registry
from matsift.learners.levenberg_marquardt import LevenbergMarquardtSettings, start, train
from matsift.learners.neuron_layer import GroupedRows, NeuronLayer

RNG = np.random.default_rng(21)
NAMES = ("er", "a", "b")


def grouped_rows() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows of 20 compositions, 3 to 12 each in mixed order, that differ within one in the first column only."""
    sizes = RNG.integers(3, 13, 20)
    composition = np.repeat(RNG.uniform(-1, 1, (20, 2)), sizes, axis=0)
    X = np.column_stack([RNG.uniform(-1, 1, len(composition)), composition])
    X = X[RNG.permutation(len(X))]
    return X, np.tanh(X @ [1.0, 0.7, -0.4]) - 0.3 * np.tanh(X @ [-0.5, 1.5, 1.0] + 0.2)


GROUPED = grouped_rows()
PLAIN = (RNG.uniform(-1, 1, (60, 3)), RNG.uniform(-1, 1, 60))
BOTH = pytest.mark.parametrize("rows", [GROUPED, PLAIN], ids=["grouped", "plain"])


def output(X: NDArray[np.float64], inner: NDArray[np.float64], outer: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.tanh(inner[:, 0] + X @ inner[:, 1:].T) @ outer[:-1] + outer[-1])


def test_rows_of_one_composition_are_grouped_and_others_are_not() -> None:
    grouped, plain = GroupedRows.of(*GROUPED), GroupedRows.of(*PLAIN)
    assert grouped.shared.shape == (20, 3)
    assert grouped.there.sum() == len(GROUPED[1])
    assert grouped.columns.tolist() == [1, 2, 0]
    assert (plain.shared.shape, plain.own.shape) == ((1, 1), (1, 60, 3))


@BOTH
def test_the_error_is_that_of_the_network(rows: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    layer = NeuronLayer(GroupedRows.of(*rows), 4)
    weights = start(layer, np.random.default_rng(0))
    expected = ((rows[1] - output(rows[0], *layer.by_column(weights))) ** 2).sum()
    assert layer.try_out(weights) == pytest.approx(expected, rel=1e-13)


@BOTH
@pytest.mark.parametrize("n_neuron", [1, 3])
def test_equations_are_those_of_finite_differences(
    rows: tuple[NDArray[np.float64], NDArray[np.float64]], n_neuron: int
) -> None:
    layer = NeuronLayer(GroupedRows.of(*rows), n_neuron)
    weights = start(layer, np.random.default_rng(1))
    step = 1e-6
    jacobian = np.column_stack(
        [
            output(rows[0], *layer.by_column(weights + d)) - output(rows[0], *layer.by_column(weights - d))
            for d in step * np.eye(layer.n_weight)
        ]
    ) / (2 * step)
    layer.try_out(weights)
    layer.keep()
    matrix, gradient = layer.equations(weights)
    error = rows[1] - output(rows[0], *layer.by_column(weights))
    np.testing.assert_allclose(matrix, jacobian.T @ jacobian, atol=1e-6)
    np.testing.assert_allclose(gradient, jacobian.T @ error, atol=1e-6)


@BOTH
def test_where_training_ends_scipy_finds_nothing_better(rows: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
    layer = NeuronLayer(GroupedRows.of(*rows), 2)
    settings = LevenbergMarquardtSettings(neurons=2, tolerance=1e-8, epochs=2000)
    found = train(layer, start(layer, np.random.default_rng(2)), settings)
    theirs = least_squares(lambda w: rows[1] - output(rows[0], *layer.by_column(w)), found, method="lm")
    assert 2 * theirs.cost > 0.999 * layer.try_out(found)


def test_a_network_finds_a_network() -> None:
    X, y = GROUPED
    settings = {"neurons": 2, "members": 3, "tolerance": 0.0}
    model = registry.fit("levenberg_marquardt", X, y, settings=settings, seed=1, feature_names=NAMES)
    new = RNG.uniform(-0.9, 0.9, (50, 3))
    expected = np.tanh(new @ [1.0, 0.7, -0.4]) - 0.3 * np.tanh(new @ [-0.5, 1.5, 1.0] + 0.2)
    errors = np.abs(model.predict(new).members - expected).max(axis=1)
    assert errors.min() < 1e-3


def fitted(X: Any = GROUPED[0], y: Any = GROUPED[1], seed: int = 5, **settings: Any) -> Any:
    return registry.fit(
        "levenberg_marquardt", X, y, settings={"members": 2, "epochs": 20, **settings}, seed=seed, feature_names=NAMES
    )


def test_members_start_apart_and_the_seed_decides() -> None:
    new = RNG.uniform(-1, 1, (9, 3))
    said = fitted(neurons=3).predict(new)
    assert (said.members[0] != said.members[1]).all()
    np.testing.assert_allclose(said.spread, said.members.std(axis=0, ddof=1), rtol=1e-9)
    np.testing.assert_array_equal(fitted(neurons=3).predict(new).mean, said.mean)
    assert (fitted(neurons=3, seed=6).predict(new).mean != said.mean).any()


def test_more_epochs_never_fit_worse() -> None:
    X, y = GROUPED
    errors = [float(((fitted(neurons=3, epochs=n).predict(X).members - y) ** 2).sum()) for n in (1, 5, 25, 125)]
    assert errors == sorted(errors, reverse=True)


def test_what_is_unknown_is_the_middle_and_a_constant_is_learned() -> None:
    X, _ = GROUPED
    gaps = X.copy()
    gaps[::5, 1] = np.nan
    gaps[:, 2] = 4.0
    middle = (np.nanmin(gaps[:, 1]) + np.nanmax(gaps[:, 1])) / 2
    model = fitted(gaps)
    one, other = model.predict(np.array([[0.1, np.nan, 4.0], [0.1, middle, 77.0]])).mean
    assert one == pytest.approx(other, abs=1e-12)
    np.testing.assert_allclose(fitted(X, np.full(len(X), 3.0)).predict(X[:4]).mean, 3.0, atol=1e-12)


def test_a_stored_model_says_the_same() -> None:
    model, new = fitted(neurons=4), RNG.uniform(-1, 1, (9, 3))
    again = registry.load("levenberg_marquardt", model.dump())
    np.testing.assert_array_equal(again.predict(new).members, model.predict(new).members)
    assert again.dump() == model.dump()
    assert again.importances() is None
    np.testing.assert_array_equal(again.predict(new[3:4]).mean, model.predict(new).mean[3:4])


def test_a_file_without_weights_is_refused() -> None:
    header, parts = container.unpack(fitted().dump())
    del parts["outer.npy"]
    with pytest.raises(ArtifactError, match="lacks 'outer'"):
        registry.load("levenberg_marquardt", container.pack(header, parts))


def test_neurons_are_counted() -> None:
    with pytest.raises(UserInputError, match="'neurons' of the learner 'levenberg_marquardt' is 0"):
        fitted(neurons=0)
