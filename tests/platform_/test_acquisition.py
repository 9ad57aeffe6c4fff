"""Acquisition: the order in which candidates are wanted."""

import numpy as np
import pytest

from matsift.acquisition.context import Candidates
from matsift.acquisition.registry import needs, rank
from matsift.errors import UserInputError
from matsift.study.strategies import known_strategies

MEAN = np.array([50.0, 60.0, 70.0, 80.0, 90.0])
SPREAD = np.array([1.0, 4.0, 2.0, 4.0, 3.0])
PLAIN = Candidates.of(MEAN, SPREAD)


def test_exploration_wants_the_largest_spread_and_breaks_ties_by_position() -> None:
    scores, order = rank("exploration", PLAIN, seed=0, batch_size=2)
    assert scores.tolist() == SPREAD.tolist()
    assert order.tolist() == [1, 3, 4, 2, 0]


def test_exploration_does_not_look_at_the_seed() -> None:
    assert rank("exploration", PLAIN, seed=0, batch_size=2)[1].tolist() == [1, 3, 4, 2, 0]
    assert rank("exploration", PLAIN, seed=9, batch_size=2)[1].tolist() == [1, 3, 4, 2, 0]


def test_random_choice_follows_the_seed_and_nothing_else() -> None:
    many = Candidates.of(np.arange(500.0), np.arange(500.0))
    _, order = rank("random", many, seed=4, batch_size=5)
    assert (order == rank("random", Candidates.of(-many.mean, many.spread * 0), seed=4, batch_size=5)[1]).all()
    assert (order != rank("random", many, seed=5, batch_size=5)[1]).any()
    assert sorted(order) == list(range(500))


def test_random_choice_is_uniform() -> None:
    first = [int(rank("random", PLAIN, seed=s, batch_size=1)[1][0]) for s in range(2000)]
    counts = np.bincount(first, minlength=5)
    assert ((counts - 400) ** 2 / 400).sum() < 18.5  # chi square, 4 degrees of freedom, p = 0.001


@pytest.mark.parametrize("strategy", known_strategies())
def test_no_candidates_give_an_empty_order(strategy: str) -> None:
    scores, order = rank(strategy, Candidates.of([], []), seed=0, batch_size=5)
    assert len(scores) == len(order) == 0


@pytest.mark.parametrize(
    ("strategy", "batch", "sentence"),
    [
        pytest.param("fastest", 5, "no acquisition strategy 'fastest'; use one of exploration, random, gr", id="name"),
        pytest.param("random", 0, "a batch of 0 acquisitions is empty", id="empty batch"),
        pytest.param("thompson", 5, "'thompson' needs the predictions of the members", id="no members"),
        pytest.param("diverse", 5, "'diverse' needs the descriptors", id="no descriptors"),
        pytest.param("cost_aware", 5, "'cost_aware' needs the atoms in the cells", id="no atoms"),
        pytest.param("expected_improvement", 5, "needs the best label so far, and there is no label", id="no best"),
        pytest.param("probability_above", 5, "needs the best label so far", id="no threshold"),
    ],
)
def test_what_cannot_be_ranked_gives_a_sentence(strategy: str, batch: int, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        rank(strategy, PLAIN, seed=0, batch_size=batch)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"spread": SPREAD * np.nan}, "one finite mean and one finite spread", id="NaN spread"),
        pytest.param({"spread": SPREAD[:3]}, "one finite mean and one finite spread", id="lengths differ"),
        pytest.param({"spread": -SPREAD}, "one finite spread, 0 or more", id="negative spread"),
        pytest.param({"mean": MEAN * np.inf}, "one finite mean", id="infinite mean"),
        pytest.param({"members": np.ones((4, 20))}, "members need one finite prediction", id="members of others"),
        pytest.param({"members": np.full((5, 2), np.nan)}, "members need one finite prediction", id="NaN member"),
        pytest.param({"descriptors": np.ones(5)}, "descriptors need one row", id="a single column"),
        pytest.param({"descriptors": np.full((5, 2), np.inf)}, "NaN where a value is unknown", id="infinite column"),
        pytest.param({"n_site": [1, 2, 3]}, "1 atom or more each", id="atoms of others"),
        pytest.param({"n_site": [1, 2, 0, 4, 5]}, "1 atom or more each", id="no atoms"),
        pytest.param({"best": np.nan}, "best label so far cannot be nan", id="NaN best"),
    ],
)
def test_faulty_candidates_give_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        Candidates.of(**{"mean": MEAN, "spread": SPREAD, **changes})  # type: ignore[arg-type]


def test_each_strategy_says_what_must_be_loaded_for_it() -> None:
    assert {kind: sorted(needs(kind)) for kind in known_strategies() if needs(kind)} == {
        "expected_improvement": ["best"],
        "probability_above": ["best"],
        "thompson": ["members"],
        "cost_aware": ["n_site"],
        "diverse": ["descriptors"],
    }
