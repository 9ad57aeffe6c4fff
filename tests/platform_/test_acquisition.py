"""Acquisition: the order in which candidates are wanted."""

import numpy as np
import pytest

from matsift.acquisition.registry import known_strategies, rank
from matsift.errors import UserInputError

MEAN = np.array([50.0, 60.0, 70.0, 80.0, 90.0])
SPREAD = np.array([1.0, 4.0, 2.0, 4.0, 3.0])


def test_exploration_wants_the_largest_spread_and_breaks_ties_by_position() -> None:
    scores, order = rank("exploration", MEAN, SPREAD, seed=0, batch_size=2)
    assert scores.tolist() == SPREAD.tolist()
    assert order.tolist() == [1, 3, 4, 2, 0]


def test_exploration_does_not_look_at_the_seed() -> None:
    assert rank("exploration", MEAN, SPREAD, seed=0, batch_size=2)[1].tolist() == [1, 3, 4, 2, 0]
    assert rank("exploration", MEAN, SPREAD, seed=9, batch_size=2)[1].tolist() == [1, 3, 4, 2, 0]


def test_random_choice_follows_the_seed_and_nothing_else() -> None:
    mean, spread = np.arange(500.0), np.arange(500.0)
    _, order = rank("random", mean, spread, seed=4, batch_size=5)
    assert (order == rank("random", -mean, spread * 0, seed=4, batch_size=5)[1]).all()
    assert (order != rank("random", mean, spread, seed=5, batch_size=5)[1]).any()
    assert sorted(order) == list(range(500))


def test_random_choice_is_uniform() -> None:
    first = [int(rank("random", MEAN, SPREAD, seed=s, batch_size=1)[1][0]) for s in range(2000)]
    counts = np.bincount(first, minlength=5)
    assert ((counts - 400) ** 2 / 400).sum() < 18.5  # chi square, 4 degrees of freedom, p = 0.001


@pytest.mark.parametrize("strategy", known_strategies())
def test_no_candidates_give_an_empty_order(strategy: str) -> None:
    scores, order = rank(strategy, [], [], seed=0, batch_size=5)
    assert len(scores) == len(order) == 0


@pytest.mark.parametrize(
    ("strategy", "spread", "batch", "sentence"),
    [
        pytest.param(
            "greedy", SPREAD, 5, "no acquisition strategy 'greedy'; use one of exploration, random", id="name"
        ),
        pytest.param("random", SPREAD, 0, "a batch of 0 acquisitions is empty", id="empty batch"),
        pytest.param("exploration", SPREAD * np.nan, 5, "one finite mean and one finite spread", id="NaN spread"),
        pytest.param("exploration", SPREAD[:3], 5, "one finite mean and one finite spread", id="lengths differ"),
    ],
)
def test_bad_input_gives_a_sentence(strategy: str, spread: np.ndarray, batch: int, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        rank(strategy, MEAN, spread, seed=0, batch_size=batch)
