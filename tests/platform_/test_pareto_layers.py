"""Pareto layers: what beats what, ties, unknown and infinite values, and that 20,000 are sorted within a second."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from matsift.ranking.pareto import pareto_layers

SOME = st.one_of(st.integers(0, 4).map(float), st.sampled_from([np.nan, np.inf, -np.inf, -0.0]))
TABLES = st.tuples(st.integers(0, 25), st.integers(1, 5)).flatmap(
    lambda shape: arrays.arrays(np.float64, shape, elements=SOME)
)


def peeled(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the layers by taking away, again and again, what nothing left beats: the definition."""
    layers = np.zeros(len(values), dtype=np.int64)
    left = np.array([not np.isnan(row).any() for row in values], dtype=bool)
    while left.any():
        at = np.flatnonzero(left)
        of = values[at]
        no_worse = np.all(of[None] >= of[:, None], axis=2)
        better = np.any(of[None] > of[:, None], axis=2)
        beaten = np.any(no_worse & better, axis=1)
        layers[at[~beaten]] = layers.max(initial=0) + 1
        left[at[~beaten]] = False
    return layers


@settings(deadline=None, max_examples=150)
@given(TABLES)
def test_layers_are_those_of_the_definition(values: NDArray[np.float64]) -> None:
    np.testing.assert_array_equal(pareto_layers(values), peeled(values))


@settings(deadline=None, max_examples=30)
@given(TABLES, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(values: NDArray[np.float64], random: object) -> None:
    order = np.arange(len(values))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    np.testing.assert_array_equal(pareto_layers(values[order]), pareto_layers(values)[order])


@pytest.mark.parametrize(
    ("values", "layers"),
    [
        pytest.param([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]], [1, 1, 2], id="equal ones share a layer"),
        pytest.param([[2.0, 1.0], [1.0, 2.0], [1.0, 1.0]], [1, 1, 2], id="a front of two"),
        pytest.param([[1.0, np.nan], [0.0, 0.0]], [0, 1], id="unknown has no layer and beats nobody"),
        pytest.param([[5.0, -np.inf], [5.0, 0.0]], [2, 1], id="no path is worse than any barrier"),
        pytest.param([[3.0], [1.0], [2.0]], [1, 3, 2], id="one objective is an order"),
        pytest.param(np.zeros((0, 2)), [], id="nobody"),
    ],
)
def test_small_cases(values: object, layers: list[int]) -> None:
    assert pareto_layers(np.asarray(values, dtype=np.float64)).tolist() == layers


@pytest.mark.parametrize("n_objective", [2, 3])
def test_twenty_thousand_take_less_than_a_second_of_processor_time(n_objective: int) -> None:
    values = np.random.default_rng(1).normal(size=(20_000, n_objective))
    started = time.process_time()
    layers = pareto_layers(values)
    assert time.process_time() - started < 1.0
    assert layers.min() == 1
