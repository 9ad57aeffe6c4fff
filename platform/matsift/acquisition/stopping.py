"""When a campaign has enough: the rule that ends it after a round, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matsift.acquisition.context import Goal
from matsift.study.campaign import StopSettings

Rule = Literal["pool", "budget", "mean_spread", "no_better", "rounds"]


@dataclass(frozen=True)
class RoundFacts:
    """What the rules look at after the model of a round has scored the candidates that are left.

    `n_label` counts the labels of all rounds before; `mean_spread` is None where no candidate is left; `best` is the
    best label that the model learned from. Both in the property's unit.
    """

    n_candidate: int
    n_label: int
    mean_spread: float | None
    best: float | None


@dataclass(frozen=True)
class Stop:
    """A rule that ends a campaign, what it saw, and its limit: counts, or a spread in the property's unit."""

    rule: Rule
    value_seen: float
    limit: float


def stop_after(
    rounds: Sequence[RoundFacts], *, n_round: int, rules: StopSettings, property_name: str, goal: Goal
) -> Stop | None:
    """Return what ends a campaign after the last of its rounds, None where it goes on.

    Parameters
    ----------
    rounds
        The rounds from number 0 on, the last of them scored and not yet acquired from.
    n_round
        Rounds of acquisition at most.
    rules
        Further rules; the first that applies in the order of its table is told, the number of rounds last.
    property_name, goal
        The property of the campaign, and which end of it is good.
    """
    number, last = len(rounds) - 1, rounds[-1]
    spread_limit = rules.mean_spread_below.get(property_name)
    if last.n_candidate == 0:
        return Stop("pool", 0.0, 0.0)
    if rules.budget is not None and last.n_label >= rules.budget:
        return Stop("budget", float(last.n_label), float(rules.budget))
    if spread_limit is not None and last.mean_spread is not None and last.mean_spread < spread_limit:
        return Stop("mean_spread", last.mean_spread, spread_limit)
    if rules.no_better_for is not None and (worse := rounds_without_better(rounds, goal)) >= rules.no_better_for:
        return Stop("no_better", float(worse), float(rules.no_better_for))
    if number >= n_round:
        return Stop("rounds", float(number), float(n_round))
    return None


def rounds_without_better(rounds: Sequence[RoundFacts], goal: Goal) -> int:
    """Return how many of the last rounds brought no label better than all before, in the sense of the goal."""
    sign = 1.0 if goal == "maximize" else -1.0
    best, since = None, 0
    for facts in rounds:
        value = None if facts.best is None else sign * facts.best
        if best is None or (value is not None and value > best):
            best, since = value, 0
        else:
            since += 1
    return since
