"""A campaign ends by the first of its rules that applies, and never before one does."""

from __future__ import annotations

from typing import Any

import pytest

from matsift.acquisition.context import Goal
from matsift.acquisition.stopping import RoundFacts, Stop, rounds_without_better, stop_after
from matsift.study.campaign import StopSettings


def after(facts: list[RoundFacts], n_round: int = 10, goal: Goal = "maximize", **rules: Any) -> Stop | None:
    return stop_after(facts, n_round=n_round, rules=StopSettings(**rules), property_name="k_vrh", goal=goal)


def rounds(*best: float, spread: float = 5.0, batch: int = 2) -> list[RoundFacts]:
    return [RoundFacts(100 - batch * i, batch * i, spread, value) for i, value in enumerate(best)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param({}, None, id="no_rule"),
        pytest.param({"budget": 4}, Stop("budget", 4.0, 4.0), id="budget_reached"),
        pytest.param({"budget": 5}, None, id="budget_left"),
        pytest.param({"mean_spread_below": {"k_vrh": 5.1}}, Stop("mean_spread", 5.0, 5.1), id="certain_enough"),
        pytest.param({"mean_spread_below": {"k_vrh": 5.0}}, None, id="not_below_but_at"),
        pytest.param({"mean_spread_below": {"g_vrh": 9.0}}, None, id="of_another_property"),
        pytest.param({"no_better_for": 2}, Stop("no_better", 2.0, 2.0), id="no_better"),
        pytest.param({"no_better_for": 3}, None, id="patience_left"),
        pytest.param({"no_better_for": 1, "budget": 1}, Stop("budget", 4.0, 1.0), id="first_rule_is_told"),
    ],
)
def test_a_rule_ends_a_campaign_when_its_limit_is_reached(rules: dict[str, Any], expected: Stop | None) -> None:
    assert after(rounds(50.0, 50.0, 40.0), **rules) == expected


def test_the_planned_rounds_end_it_at_last() -> None:
    assert after(rounds(1.0, 2.0), n_round=2) is None
    assert after(rounds(1.0, 2.0, 3.0), n_round=2) == Stop("rounds", 2.0, 2.0)
    assert after(rounds(1.0), n_round=0) == Stop("rounds", 0.0, 0.0)


def test_an_empty_pool_ends_it_before_anything_else() -> None:
    assert after([RoundFacts(0, 7, None, 1.0)], n_round=0, budget=1) == Stop("pool", 0.0, 0.0)


@pytest.mark.parametrize(
    ("best", "goal", "expected"),
    [
        pytest.param([3.0, 4.0, 5.0], "maximize", 0, id="better_each_time"),
        pytest.param([3.0, 4.0, 5.0], "minimize", 2, id="worse_for_the_other_goal"),
        pytest.param([3.0, 3.0, 3.0], "maximize", 2, id="as_good_is_not_better"),
        pytest.param([3.0, 2.0, 4.0, 1.0], "maximize", 1, id="counts_from_the_last_better"),
        pytest.param([None, 2.0, 1.0], "maximize", 1, id="nothing_known_at_first"),
    ],
)
def test_rounds_without_a_better_label(best: list[float | None], goal: Goal, expected: int) -> None:
    assert rounds_without_better([RoundFacts(9, 0, 1.0, value) for value in best], goal) == expected
