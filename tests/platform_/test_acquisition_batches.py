"""Strategies that weigh a batch as a whole: the draws of Thompson sampling, and batches that are diverse."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from matsift.acquisition import diversity
from matsift.acquisition.context import Candidates, Goal
from matsift.acquisition.registry import rank

# (4 candidates, 5 members); the best by member: 0, 0, 2, 2, 3; the least: 2, 3, 0, 0, 0.
MEMBERS = np.array([[9.0, 8.0, 1.0, 2.0, 5.0], [8.0, 7.0, 2.0, 3.0, 6.0], [1.0, 2.0, 9.0, 9.5, 7.0], [2, 1, 8, 8, 8.0]])


def ensemble(members: NDArray[np.float64], goal: Goal = "maximize") -> Candidates:
    return Candidates.of(members.mean(axis=1), members.std(axis=1), members=members, goal=goal)


def picks(candidates: Candidates, batch_size: int, n_draw: int = 4000) -> NDArray[np.int64]:
    """(n_draw, batch_size) what is picked under many seeds."""
    orders = [rank("thompson", candidates, seed=s, batch_size=batch_size)[1][:batch_size] for s in range(n_draw)]
    return np.array(orders)


@pytest.mark.parametrize(
    ("goal", "chances"), [("maximize", [0.4, 0.0, 0.4, 0.2]), ("minimize", [0.6, 0.0, 0.2, 0.2])], ids=str
)
def test_the_first_pick_has_the_probability_of_being_the_best(goal: Goal, chances: list[float]) -> None:
    counts = np.bincount(picks(ensemble(MEMBERS, goal), 1)[:, 0], minlength=4)
    expected = 4000 * np.array(chances)
    assert (counts[expected == 0] == 0).all()
    seen = expected > 0
    assert ((counts - expected)[seen] ** 2 / expected[seen]).sum() < 13.8  # chi square, 2 degrees, p = 0.001


def test_each_slot_of_the_batch_draws_a_member_of_its_own() -> None:
    pairs = picks(ensemble(MEMBERS), 2)
    # By hand: first the best of the first member, then the best that is left of the second member.
    expected = np.zeros((4, 4))
    for first in range(5):
        i = int(MEMBERS[:, first].argmax())
        for second in range(5):
            left = np.where(np.arange(4) == i, -np.inf, MEMBERS[:, second])
            expected[i, int(left.argmax())] += len(pairs) / 25
    counts = np.zeros((4, 4))
    np.add.at(counts, (pairs[:, 0], pairs[:, 1]), 1)
    seen = expected > 0
    assert (counts[~seen] == 0).all()
    assert ((counts - expected)[seen] ** 2 / expected[seen]).sum() < 22.5  # 6 degrees of freedom, p = 0.001


def test_the_score_of_a_pick_is_what_its_member_predicts_and_the_rest_is_ordered_by_one_more_member() -> None:
    members = np.random.default_rng(3).normal(size=(50, 7))
    scores, order = rank("thompson", ensemble(members, "minimize"), seed=1, batch_size=5)
    drawn = np.random.default_rng(1).integers(7, size=6)
    for slot, member in enumerate(drawn[:5]):
        left = np.setdiff1d(np.arange(50), order[:slot])
        assert order[slot] == left[members[left, member].argmin()]
        assert scores[order[slot]] == -members[order[slot], member]
    rest = order[5:]
    assert scores[rest].tolist() == (-members[rest, drawn[5]]).tolist()
    assert (np.diff(scores[rest]) <= 0).all()


def distances(descriptors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, n) distances between standardized rows, by the definition."""
    filled = np.where(np.isnan(descriptors), np.nanmean(descriptors, axis=0), descriptors)
    deviation = np.nanstd(descriptors, axis=0)
    points = (filled - np.nanmean(descriptors, axis=0)) / np.where(deviation > 0, deviation, 1.0)
    return np.asarray(np.sqrt(((points[:, None] - points[None]) ** 2).mean(axis=2)))


def test_a_diverse_batch_is_that_of_brute_force() -> None:
    rng = np.random.default_rng(8)
    descriptors = rng.normal(size=(40, 6)) * [1, 10, 100, 1, 1, 0.01]
    descriptors[:, 3] = 7.0  # constant: no distance
    descriptors[rng.random(descriptors.shape) < 0.1] = np.nan
    spread = rng.gamma(2.0, size=40)
    apart = distances(descriptors)
    batch = [int(spread.argmax())]
    expected = {batch[0]: spread.max() * apart[batch[0]].max()}
    while len(batch) < 8:
        worth = [-1.0 if i in batch else spread[i] * min(apart[i, j] for j in batch) for i in range(40)]
        batch.append(int(np.argmax(worth)))
        expected[batch[-1]] = max(worth)
    scores, order = rank("diverse", Candidates.of(spread, spread, descriptors=descriptors), seed=0, batch_size=8)
    assert order[:8].tolist() == batch
    assert scores[batch] == pytest.approx([expected[i] for i in batch])
    rest = order[8:]
    assert scores[rest] == pytest.approx([spread[i] * min(apart[i, j] for j in batch) for i in rest])
    assert all(scores[a] >= scores[b] for a, b in pairwise(order))


def test_a_diverse_batch_is_near_the_best_of_all_batches() -> None:
    """Greedy max-min dispersion is at least half of the optimum (Gonzalez 1985) where all spreads are equal."""
    for seed in range(20):
        descriptors = np.random.default_rng(seed).normal(size=(9, 3))
        apart = distances(descriptors)
        _, order = rank(
            "diverse", Candidates.of(np.zeros(9), np.ones(9), descriptors=descriptors), seed=0, batch_size=4
        )
        dispersion = {four: min(apart[i, j] for i, j in combinations(four, 2)) for four in combinations(range(9), 4)}
        assert dispersion[tuple(sorted(order[:4].tolist()))] >= max(dispersion.values()) / 2


def test_copies_of_the_chosen_come_last_however_uncertain() -> None:
    descriptors = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [3.0, 1.0], [4.0, 2.0]])
    candidates = Candidates.of(np.zeros(5), [9.0, 8.0, 10.0, 0.1, 0.2], descriptors=descriptors)
    scores, order = rank("diverse", candidates, seed=0, batch_size=3)
    assert order.tolist() == [2, 4, 3, 0, 1]
    assert scores[[0, 1]].tolist() == [0, 0]


def test_without_any_difference_the_spread_decides() -> None:
    same = Candidates.of(np.zeros(4), [1.0, 3.0, 2.0, 3.0], descriptors=np.full((4, 3), 5.0))
    scores, order = rank("diverse", same, seed=0, batch_size=3)
    assert order.tolist() == [1, 3, 2, 0]
    assert scores.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("strategy", ["diverse", "thompson"])
def test_a_batch_may_be_larger_than_the_pool(strategy: str) -> None:
    few = Candidates.of([1.0, 2.0], [1.0, 2.0], members=[[1.0, 2.0], [3.0, 2.0]], descriptors=[[1.0], [np.nan]])
    scores, order = rank(strategy, few, seed=0, batch_size=50)
    assert sorted(order) == [0, 1]
    assert np.isfinite(scores).all()


def test_columns_are_standardized_over_what_is_known() -> None:
    points = diversity.standardized(np.array([[1.0, 5.0, np.nan], [3.0, 5.0, np.nan], [np.nan, 5.0, np.nan]]))
    assert points == pytest.approx(np.array([[-1, 0, 0], [1, 0, 0], [0, 0, 0]]) / np.sqrt(3))
