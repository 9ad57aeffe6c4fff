"""Pictures by t-SNE: the same each time, like beside like; how mixed two parts of a data set are."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.errors import UserInputError
from matsift.learners.embedding import mixing, tsne

RNG = np.random.default_rng(9)
CLUSTER = np.repeat([0, 1, 2], 30)
POINTS = 40.0 * np.eye(3)[CLUSTER] + RNG.normal(size=(90, 3))


def test_like_rows_lie_beside_each_other_and_the_picture_comes_again() -> None:
    found = tsne(POINTS, perplexity=10, seed=1)
    assert found.shape == (90, 2)
    np.testing.assert_array_equal(found, tsne(POINTS, perplexity=10, seed=1))
    middles = np.array([found[k == CLUSTER].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(found[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == CLUSTER).all()


def test_units_constant_and_unknown_columns_change_nothing() -> None:
    other = np.column_stack([POINTS * [1e-6, 1.0, 1e6], np.full(90, 7.0), np.full(90, np.nan)])
    np.testing.assert_allclose(tsne(other, perplexity=10), tsne(POINTS, perplexity=10), atol=0.5)


def test_few_rows_lower_the_perplexity_and_equal_rows_are_one_point() -> None:
    assert tsne(POINTS[:6]).shape == (6, 2)
    assert not tsne(np.ones((6, 3))).any()


def test_too_few_rows_give_a_sentence() -> None:
    with pytest.raises(UserInputError, match="needs 5 rows or more, there are 4"):
        tsne(POINTS[:4])


def test_a_cluster_held_out_is_apart_and_rows_at_random_are_mixed() -> None:
    assert mixing(POINTS, CLUSTER == 0) == 0.0
    values = [mixing(POINTS, RNG.permutation(90) < 30) for _ in range(40)]
    assert np.mean(values) == pytest.approx(1.0, abs=0.03)


def test_mixing_counts_neighbours_other_than_the_row_itself() -> None:
    line = np.array([[0.0], [1.0], [2.1], [3.3], [10.0]])
    test = np.array([True, False, False, False, False])
    assert mixing(line, test, n_neighbour=1) == pytest.approx(1.0)
    both = np.array([True, True, False, False, False])  # each is the other's neighbour
    assert mixing(line, both, n_neighbour=1) == 0.0


def test_equal_rows_are_neighbours_of_each_other_not_of_themselves() -> None:
    twice = np.repeat(POINTS[:20], 2, axis=0)
    test = np.arange(40) % 2 == 0
    assert mixing(twice, test, n_neighbour=1) == pytest.approx(39 / 20)


@pytest.mark.parametrize("n_test", [0, 90])
def test_one_part_alone_gives_a_sentence(n_test: int) -> None:
    with pytest.raises(UserInputError, match=f"of 90 rows {n_test} test"):
        mixing(POINTS, np.arange(90) < n_test)
