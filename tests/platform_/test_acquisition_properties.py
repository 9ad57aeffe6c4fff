"""What holds for every strategy, whatever the candidates: order, permutation, unit; and how long many of them take."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matsift.acquisition.context import Candidates, Goal
from matsift.acquisition.registry import rank
from matsift.study.strategies import (
    CostAware,
    ExpectedImprovement,
    ProbabilityAbove,
    StrategySettings,
    UpperConfidenceBound,
    known_strategies,
)

STRATEGIES: tuple[StrategySettings | str, ...] = (
    *known_strategies(),
    UpperConfidenceBound(kappa=0.3),
    ExpectedImprovement(xi=4.0),
    ProbabilityAbove(threshold=95.0),
    CostAware(gain="expected_improvement", exponent=1.5),
)
#: Its scores follow the order in which the candidates come, by intent.
UNORDERED: tuple[StrategySettings | str, ...] = tuple(s for s in STRATEGIES if s != "random")


def drawn(seed: int, n: int, goal: Goal = "maximize") -> Candidates:
    """Candidates without ties, as moduli may be."""
    rng = np.random.default_rng(seed)
    members = 100 + 20 * rng.normal(size=(n, 1)) + 10 * rng.normal(size=(n, 6))
    descriptors = rng.normal(size=(n, 4))
    descriptors[rng.random((n, 4)) < 0.1] = np.nan
    return Candidates.of(
        members.mean(axis=1),
        members.std(axis=1, ddof=1),
        members=members,
        n_site=rng.integers(1, 200, size=n),
        descriptors=descriptors,
        best=110.0,
        goal=goal,
    )


def changed(candidates: Candidates, order: np.ndarray, unit: float = 1.0) -> Candidates:
    """The same candidates in another order, in another unit."""
    assert candidates.best is not None
    return Candidates.of(
        candidates.mean[order] * unit,
        candidates.spread[order] * unit,
        members=candidates.members[order] * unit,
        n_site=candidates.n_site[order],
        descriptors=candidates.descriptors[order],
        best=candidates.best * unit,
        goal=candidates.goal,
    )


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 30), batch=st.integers(1, 40))
def test_the_order_names_everyone_once_and_scores_fall_along_it(
    strategy: StrategySettings | str, seed: int, n: int, batch: int
) -> None:
    scores, order = rank(strategy, drawn(seed, n), seed=seed, batch_size=batch)
    assert scores.shape == (n,)
    assert np.isfinite(scores).all()
    assert sorted(order.tolist()) == list(range(n))
    falling = order[batch:] if strategy == "thompson" else order  # each of its batch is scored by another member
    assert (np.diff(scores[falling]) <= 1e-12).all()


@pytest.mark.parametrize("strategy", UNORDERED, ids=str)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 30), goal=st.sampled_from(["maximize", "minimize"]))
def test_the_order_in_which_candidates_come_does_not_matter(
    strategy: StrategySettings | str, seed: int, n: int, goal: Goal
) -> None:
    before, shuffled = drawn(seed, n, goal), np.random.default_rng(seed + 1).permutation(n)
    scores, order = rank(strategy, before, seed=1, batch_size=5)
    after, order_after = rank(strategy, changed(before, shuffled), seed=1, batch_size=5)
    assert after == pytest.approx(scores[shuffled])
    assert shuffled[order_after].tolist() == order.tolist()


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
@given(seed=st.integers(0, 10**6), power=st.integers(-8, 8))
def test_the_unit_of_the_property_does_not_matter(strategy: StrategySettings | str, seed: int, power: int) -> None:
    """Powers of two: no rounding. Settings in the unit change with it."""
    unit, before = 2.0**power, drawn(seed, 20)
    in_unit = {"xi", "threshold"}
    converted = strategy
    if not isinstance(strategy, str):
        settings = {k: v * unit for k, v in strategy.model_dump().items() if k in in_unit and v is not None}
        converted = strategy.model_copy(update=settings)
    scores, order = rank(strategy, before, seed=1, batch_size=5)
    after, order_after = rank(converted, changed(before, np.arange(20), unit), seed=1, batch_size=5)
    name = strategy if isinstance(strategy, str) else strategy.kind
    assert after == pytest.approx(scores * (1.0 if name in {"random", "probability_above"} else unit))
    assert order_after.tolist() == order.tolist()


@pytest.mark.parametrize(
    "strategy", sorted(set(known_strategies()) - {"random", "exploration", "cost_aware", "diverse"})
)
@given(seed=st.integers(0, 10**6))
def test_to_minimize_is_to_maximize_what_is_mirrored(strategy: str, seed: int) -> None:
    up = drawn(seed, 20)
    assert up.best is not None
    down = Candidates.of(-up.mean, up.spread, members=-up.members, best=-up.best, goal="minimize")
    scores, order = rank(strategy, up, seed=1, batch_size=5)
    mirrored, order_mirrored = rank(strategy, down, seed=1, batch_size=5)
    assert mirrored.tolist() == scores.tolist()
    assert order_mirrored.tolist() == order.tolist()


def test_a_hundred_thousand_candidates_are_ranked_while_one_waits() -> None:
    n = 100_000
    rng = np.random.default_rng(0)
    members = 100 + 20 * rng.normal(size=(n, 20))
    many = Candidates.of(
        members.mean(axis=1),
        members.std(axis=1),
        members=members,
        n_site=rng.integers(1, 200, size=n),
        descriptors=rng.normal(size=(n, 100)),
        best=150.0,
    )
    taken = {}
    for strategy in known_strategies():
        begun = time.process_time()
        rank(strategy, many, seed=0, batch_size=20)
        taken[strategy] = time.process_time() - begun
    assert max(taken.values()) < 20.0, taken  # processor seconds; a tenth of that on an idle machine
