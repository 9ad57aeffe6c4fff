"""Learning curves: the mean over seeds of each metric by labels bought, and when one reaches another's error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.simulation import SimulatedCampaign, SimulatedRound


@dataclass(frozen=True)
class Arm:
    """A property, a strategy and a batch: what its seeds have in common."""

    property_name: str
    strategy: str
    batch: int


@dataclass(frozen=True, eq=False)
class Curve:
    """(n_round,) labels bought; metric -> (n_round,) mean and deviation over seeds, NaN where undefined."""

    bought: NDArray[np.int64]
    mean: Mapping[str, NDArray[np.float64]]
    deviation: Mapping[str, NDArray[np.float64]]
    n_seed: int

    def at(self, metric: str, n_label: int) -> float:
        """Return the mean of a metric after so many labels, that of the round before where they fall into a batch."""
        place = int(np.searchsorted(self.bought, n_label, side="right")) - 1
        return float(self.mean[metric][place]) if metric in self.mean else float("nan")

    def mean_until(self, metric: str, n_label: int) -> float:
        """Return the mean of a metric over the rounds until so many labels, which single rounds' noise hardly moves."""
        return float(self.mean[metric][self.bought <= n_label].mean()) if metric in self.mean else float("nan")

    def first_at_most(self, metric: str, value: float) -> int | None:
        """Return after how many labels a metric is for the first time at most this value, None if it never is."""
        there = np.flatnonzero(self.mean[metric] <= value)
        return int(self.bought[there[0]]) if len(there) else None

    def for_good_at_most(self, metric: str, value: float) -> int | None:
        """Return from how many labels on a metric is at most this value in every later round that defines it."""
        known = np.flatnonzero(np.isfinite(self.mean[metric]))
        above = np.flatnonzero(~(self.mean[metric][known] <= value))
        first = int(above[-1]) + 1 if len(above) else 0
        return int(self.bought[known[first]]) if first < len(known) else None


def arms(
    campaigns: Sequence[SimulatedCampaign], rounds: Mapping[str, Sequence[SimulatedRound]]
) -> dict[Arm, list[SimulatedCampaign]]:
    """Return the campaigns that have ended, by what their seeds have in common."""
    found: dict[Arm, list[SimulatedCampaign]] = {}
    for campaign in campaigns:
        done = rounds.get(campaign.name, ())
        if done and not done[-1].picked:
            arm = Arm(campaign.property_name, campaign.strategy.name, campaign.batch)
            found.setdefault(arm, []).append(campaign)
    return found


def curve(seeds: Sequence[Sequence[SimulatedRound]]) -> Curve:
    """Return the curve of campaigns that differ in nothing but their seed."""
    bought = np.array([one.n_bought for one in seeds[0]])
    names = sorted({name for rounds in seeds for one in rounds for name in one.metrics})
    values = {name: np.array([[one.metrics.get(name, np.nan) for one in rounds] for rounds in seeds]) for name in names}
    mean = {name: table.mean(axis=0) for name, table in values.items()}
    deviation = {name: table.std(axis=0, ddof=1 if len(seeds) > 1 else 0) for name, table in values.items()}
    return Curve(bought, mean, deviation, len(seeds))
