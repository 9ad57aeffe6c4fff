"""Ordinary least squares against its closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from matsift.errors import ArtifactError
from matsift.learners import container, registry

RNG = np.random.default_rng(12)
X = np.column_stack([RNG.normal(1e3, 5.0, 80), RNG.normal(size=80), RNG.uniform(0, 1e-3, 80)])
Y = 2.0 + 0.01 * X[:, 0] - 0.3 * X[:, 1] + 40 * X[:, 2] + RNG.normal(0, 0.05, 80)
NEW = X[:10] * 1.5
NAMES = ("a", "b", "c")


def fitted(rows: Any = X, labels: Any = Y) -> Any:
    names = [f"x{i}" for i in range(np.shape(rows)[1])]
    return registry.fit("least_squares", rows, labels, settings={}, seed=0, feature_names=names)


def test_it_solves_the_normal_equations() -> None:
    design = np.column_stack([np.ones(80), X - X.mean(axis=0)])
    beta = np.linalg.solve(design.T @ design, design.T @ Y)
    new = np.column_stack([np.ones(10), NEW - X.mean(axis=0)])
    said = fitted().predict(NEW)
    np.testing.assert_allclose(said.mean, new @ beta, rtol=1e-11)
    variance = ((Y - design @ beta) ** 2).sum() / (80 - 4)
    leverage = np.einsum("ij,ji->i", new, np.linalg.solve(design.T @ design, new.T))
    np.testing.assert_allclose(said.spread, np.sqrt(variance * (1 + leverage)), rtol=1e-10)
    np.testing.assert_array_equal(said.members, said.mean[None])


def test_units_of_the_columns_do_not_matter() -> None:
    units = np.array([1e-6, 1e6, -3.0])
    np.testing.assert_allclose(fitted(X * units).predict(NEW * units).mean, fitted().predict(NEW).mean, rtol=1e-11)


@pytest.mark.parametrize("extra", [X[:, :1] * 2 + 1, np.full((80, 1), 7.0)], ids=["a copy", "a constant"])
def test_a_column_that_says_nothing_new_changes_nothing(extra: Any) -> None:
    said = fitted(np.hstack([X, extra])).predict(
        np.hstack([NEW, (NEW[:, :1] * 2 + 1) if extra[0, 0] != 7 else extra[:10]])
    )
    np.testing.assert_allclose(said.mean, fitted().predict(NEW).mean, rtol=1e-9)
    np.testing.assert_allclose(said.spread, fitted().predict(NEW).spread, rtol=1e-9)


def test_what_is_unknown_is_the_mean() -> None:
    gaps = X.copy()
    gaps[::9, 1] = np.nan
    model = fitted(gaps)
    unknown, mean = NEW.copy(), NEW.copy()
    unknown[:, 1], mean[:, 1] = np.nan, np.nanmean(gaps[:, 1])
    np.testing.assert_allclose(model.predict(unknown).mean, model.predict(mean).mean, rtol=1e-12)


def test_two_rows_are_met_exactly_and_nothing_is_known_of_the_error() -> None:
    said = fitted(np.array([[1.0], [2.0]]), np.array([3.0, 5.0])).predict(np.array([[4.0]]))
    np.testing.assert_allclose(said.mean, [9.0], rtol=1e-14)
    assert said.spread.tolist() == [0.0]


def test_a_stored_model_says_the_same() -> None:
    model = fitted()
    again = registry.load("least_squares", model.dump())
    np.testing.assert_array_equal(again.predict(NEW).mean, model.predict(NEW).mean)
    np.testing.assert_array_equal(again.predict(NEW).spread, model.predict(NEW).spread)
    assert again.dump() == model.dump() == fitted().dump()
    assert again.importances() is None


def test_a_file_without_slopes_is_refused() -> None:
    header, parts = container.unpack(fitted().dump())
    del parts["slopes.npy"]
    with pytest.raises(ArtifactError, match="lacks 'slopes'"):
        registry.load("least_squares", container.pack(header, parts))
