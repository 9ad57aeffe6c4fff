"""GPR-NN held against the dense Gaussian process that it stands for, and against what must leave it unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import qmc

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import additive_kernel, container, gpr_nn, least_squares, registry
from matsift.learners.coordinates import coordinate_rows
from matsift.learners.gpr_nn import GprNn, GprNnProblem, GprNnSettings
from matsift.learners.prediction import TrainingData

RNG = np.random.default_rng(8)
N, D = 240, 4
X = np.column_stack([RNG.normal(3.0, 2.0, N), RNG.uniform(-1, 1, N), RNG.lognormal(0, 0.5, N), RNG.integers(0, 5, N)])
Y = 0.65 + 0.05 * np.tanh(X[:, 0] - 3) + 0.04 * X[:, 1] ** 2 - 0.02 * np.log(X[:, 2]) + RNG.normal(0, 0.01, N)
NEW = np.column_stack([RNG.normal(3.0, 3.0, 60), RNG.uniform(-2, 2, 60), RNG.lognormal(0, 0.8, 60), np.full(60, 2.0)])
NAMES = ("a", "b", "c", "d")
LENGTHS = pytest.mark.parametrize("length", [0.3, 0.7, 7.0, 200.0])  # the shortest has more features than rows


def fitted(**settings: Any) -> GprNn:
    model = registry.fit("gpr_nn", X, Y, settings=settings, seed=0, feature_names=NAMES)
    assert isinstance(model, GprNn)
    return model


def dense_kernel(u: NDArray[np.float64], v: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(-((u[:, None, :] - v[None, :, :]) ** 2) / (2 * length**2)).sum(axis=2))


def standardised(y: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (y - y.mean(axis=0)) / y.std(axis=0), (new - y.mean(axis=0)) / y.std(axis=0)


def dense(length: float, noise: float, added: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The posterior mean and variance at NEW of the first-order additive process, written down as in a textbook."""
    z, z_new = standardised(X, NEW)
    W = np.eye(D)
    if added:
        W = np.vstack([W, qmc.Sobol(D, scramble=False).random(8)[1 : 1 + added]])
    u, u_new = standardised(z @ W.T, z_new @ W.T)
    K = dense_kernel(u, u, length) + noise * np.eye(N)
    near = dense_kernel(u_new, u, length)
    return near @ np.linalg.solve(K, Y), D + added - np.einsum("ij,ji->i", near, np.linalg.solve(K, near.T))


@LENGTHS
@pytest.mark.parametrize("added", [0, 5])
def test_it_is_the_additive_gaussian_process(length: float, added: int) -> None:
    model = fitted(length=length, noise_variance=1e-2, added_coordinates=added)
    mean, variance = dense(length, 1e-2, added)
    np.testing.assert_allclose(model.predict(NEW).mean, mean, atol=1e-10)
    np.testing.assert_allclose(model.variance(NEW), variance, atol=1e-9)


def test_the_paper_s_settings_are_the_defaults() -> None:
    mean, variance = dense(7.0, 1e-3)
    said = fitted().predict(NEW)
    np.testing.assert_allclose(said.mean, mean, atol=1e-9)
    np.testing.assert_allclose(said.spread, np.sqrt(variance + 1e-3), rtol=1e-7)
    np.testing.assert_array_equal(said.members, said.mean[None])


def test_coordinates_on_the_unit_interval() -> None:
    low, high = X.min(axis=0), X.max(axis=0)
    u, u_new = (X - low) / (high - low), (NEW - low) / (high - low)
    c = np.linalg.solve(dense_kernel(u, u, 0.45) + 1e-3 * np.eye(N), Y)
    model = fitted(length=0.45, scaling="unit")
    np.testing.assert_allclose(model.predict(NEW).mean, dense_kernel(u_new, u, 0.45) @ c, atol=1e-10)


def test_components_add_up_and_each_knows_its_column_alone() -> None:
    model = fitted()
    components = model.components(NEW)
    np.testing.assert_allclose(components.sum(axis=0), model.predict(NEW).mean, rtol=0, atol=1e-14)
    elsewhere = NEW.copy()
    elsewhere[:, 1:] = 0.3
    np.testing.assert_array_equal(model.components(elsewhere)[0], components[0])
    np.testing.assert_allclose(model.component_importances(), model.components(X).std(axis=1), rtol=1e-9)


def test_residuals_are_the_noise_times_the_coefficients() -> None:
    noise = 1e-2
    said = fitted(noise_variance=noise).predict(X).mean
    z, _ = standardised(X, NEW)
    np.testing.assert_allclose(dense_kernel(z, z, 7.0) @ ((Y - said) / noise), said, atol=1e-9)


@pytest.mark.parametrize("change", ["permuted", "scaled", "turned round"])
def test_order_and_size_of_directions_do_not_matter(change: str) -> None:
    W = coordinate_rows(D, 6)
    changed = {
        "permuted": W[RNG.permutation(len(W))],
        "scaled": W * RNG.uniform(0.1, 10.0, (len(W), 1)),
        "turned round": -W,
    }[change]
    rows, settings = TrainingData(X, Y, NAMES), GprNnSettings()
    one, other = (GprNnProblem.of(rows, settings, directions).solve(settings) for directions in (W, changed))
    np.testing.assert_allclose(other.predict(NEW).mean, one.predict(NEW).mean, atol=1e-11)


def test_a_long_kernel_is_least_squares() -> None:
    line = registry.fit("least_squares", X, Y, settings={}, seed=0, feature_names=NAMES).predict(NEW).mean
    for length, noise, tolerance in ((200.0, 1e-5, 0.03), (20_000.0, 3e-11, 1e-3)):
        curve = fitted(length=length, noise_variance=noise).predict(NEW).mean
        assert np.abs(curve - line).max() < tolerance * line.std()
    assert np.abs(fitted(length=7.0).predict(NEW).mean - line).max() > 0.1 * line.std()


def test_many_directions_do_not_overfit() -> None:
    half = N // 2
    errors = []
    for added in (0, 20, 100):
        model = registry.fit(
            "gpr_nn", X[:half], Y[:half], settings={"added_coordinates": added}, seed=0, feature_names=NAMES
        )
        errors.append(float(np.sqrt(((model.predict(X[half:]).mean - Y[half:]) ** 2).mean())))
    assert max(errors[1:]) < 1.3 * errors[0]


def test_fewer_directions_than_columns() -> None:
    rows = coordinate_rows(5, -2)
    np.testing.assert_array_equal(rows, qmc.Sobol(5, scramble=False).random(4)[1:])
    np.testing.assert_array_equal(coordinate_rows(5, 0), np.eye(5))
    np.testing.assert_array_equal(coordinate_rows(5, 3)[5:], rows)
    assert fitted(added_coordinates=-2).components(NEW).shape == (2, 60)
    with pytest.raises(UserInputError, match="4 columns with -4 coordinates leave none"):
        fitted(added_coordinates=-4)


def test_a_standard_target_does_not_know_the_unit() -> None:
    plain = fitted(standardise_target=True)
    scaled = registry.fit("gpr_nn", X, 7 + 300 * Y, settings={"standardise_target": True}, seed=0, feature_names=NAMES)
    assert isinstance(scaled, GprNn)
    one, other = plain.predict(NEW), scaled.predict(NEW)
    np.testing.assert_allclose(other.mean, 7 + 300 * one.mean, rtol=1e-10)
    np.testing.assert_allclose(other.spread, 300 * one.spread, rtol=1e-8)
    np.testing.assert_allclose(scaled.components(NEW).sum(axis=0), other.mean - scaled.offset, atol=1e-10)


def test_far_away_nothing_is_known() -> None:
    far = np.full((1, D), 1e9)
    np.testing.assert_allclose(fitted().variance(far), [D], rtol=1e-12)
    np.testing.assert_allclose(fitted().predict(far).mean, [0.0], atol=1e-12)


def test_what_is_unknown_is_the_mean_and_what_never_varied_says_nothing() -> None:
    gaps = X.copy()
    gaps[::7, 0] = np.nan
    gaps[:, 3] = 4.0
    model = registry.fit("gpr_nn", gaps, Y, settings={}, seed=0, feature_names=NAMES)
    known = np.array([[np.nanmean(gaps[:, 0]), 0.1, 1.0, 4.0]])
    unknown = np.array([[np.nan, 0.1, 1.0, 99.0]])
    assert model.predict(known).mean == pytest.approx(model.predict(unknown).mean, abs=1e-12)
    importances = model.importances()
    assert importances is not None
    assert importances.sum() == pytest.approx(1.0)
    assert importances[3] == pytest.approx(0.0, abs=1e-12)


def test_importances_need_directions_of_one_column() -> None:
    leading = fitted().importances()
    assert leading is not None
    assert leading.argmax() == 0
    assert fitted(added_coordinates=2).importances() is None


def test_a_row_alone_gets_what_it_gets_among_others() -> None:
    model = fitted(added_coordinates=3)
    together = model.predict(X)
    alone = [model.predict(X[i : i + 1]) for i in (0, 1, 239)]
    assert [float(p.mean[0]) for p in alone] == together.mean[[0, 1, 239]].tolist()
    assert [float(p.spread[0]) for p in alone] == together.spread[[0, 1, 239]].tolist()
    assert model.predict(X[:0]).mean.shape == (0,)


@pytest.mark.parametrize(
    "settings", [{}, {"added_coordinates": 3, "standardise_target": True, "scaling": "unit"}], ids=str
)
def test_a_stored_model_says_the_same(settings: dict[str, Any]) -> None:
    model = fitted(**settings)
    again = registry.load("gpr_nn", model.dump())
    assert isinstance(again, GprNn)
    np.testing.assert_array_equal(again.predict(NEW).mean, model.predict(NEW).mean)
    np.testing.assert_array_equal(again.predict(NEW).spread, model.predict(NEW).spread)
    assert again.dump() == model.dump() == fitted(**settings).dump()
    assert container.unpack(model.dump())[0]["generator"].startswith("scipy.stats.qmc.Sobol")


@pytest.mark.parametrize("part", ["weights.npy", "mean.npy", "factor.npy"])
def test_a_damaged_file_is_refused(part: str) -> None:
    header, parts = container.unpack(fitted().dump())
    with pytest.raises(ArtifactError, match="damaged array"):
        registry.load("gpr_nn", container.pack(header, {**parts, part: parts[part][:40]}))
    del parts[part]
    with pytest.raises(ArtifactError, match=part.removesuffix(".npy")):
        registry.load("gpr_nn", container.pack(header, parts))


def test_kernels_too_short_for_their_range_give_a_sentence() -> None:
    with pytest.raises(UserInputError, match=r"4 kernels of length 0.003 need \d+ features, more than 4000; raise"):
        fitted(length=0.003)


@given(
    reach=st.floats(0.0, 12.0), points=st.lists(st.floats(-1.0, 1.0), min_size=2, max_size=8), far=st.floats(-4.0, 4.0)
)
def test_features_are_the_kernel(reach: float, points: list[float], far: float) -> None:
    u = reach * np.array(points)
    n = additive_kernel.n_feature(reach)
    inside = additive_kernel.features(u, n)
    np.testing.assert_allclose(inside @ inside.T, np.exp(-((u[:, None] - u) ** 2) / 2), atol=2e-13)
    v = reach * np.array([far])
    outside = additive_kernel.features(v, n)
    np.testing.assert_allclose(outside @ inside.T, np.exp(-((v[:, None] - u) ** 2) / 2), atol=1e-12)


def test_one_reduction_serves_every_noise() -> None:
    rows = TrainingData(X, Y, NAMES)
    problem = GprNnProblem.of(rows, GprNnSettings())
    for noise in (1e-6, 1e-3, 1.0):
        settings = GprNnSettings(noise_variance=noise)
        np.testing.assert_allclose(
            problem.solve(settings).predict(NEW).mean, gpr_nn.fit(rows, settings, seed=3).predict(NEW).mean, rtol=1e-12
        )


def test_noise_of_zero_is_no_setting() -> None:
    with pytest.raises(UserInputError, match="'noise_variance' of the learner 'gpr_nn' is 0"):
        fitted(noise_variance=0)
    assert least_squares.KIND in registry.known_learners()
