"""Campaigns replayed on labels that are known already: what a strategy would have needed, without any computing."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition import simulation_worker as worker
from matsift.acquisition.context import Candidates, Goal
from matsift.acquisition.registry import needs, rank
from matsift.acquisition.replay_table import ReplayTable
from matsift.acquisition.seeds import round_seed
from matsift.acquisition.simulation_metrics import round_metrics
from matsift.errors import MatsiftError
from matsift.execution.in_process import InProcessPool
from matsift.execution.killable import KillablePool
from matsift.learners.lightgbm_ensemble import LightGbmSettings
from matsift.learners.prediction import Prediction, member_seeds
from matsift.study.strategies import StrategySettings, strategy_settings

_LIMIT_S = 3600.0
_Pool = KillablePool | InProcessPool


@dataclass(frozen=True)
class SimulatedCampaign:
    """One campaign: what it learns, how it chooses, how many labels a round, and at most how many in all.

    `seed` is that of the members, as in a study, and with the round's number that of whatever the strategy draws.
    """

    property_name: str
    strategy: StrategySettings
    batch: int
    seed: int
    budget: int | None = None
    goal: Goal = "maximize"

    @classmethod
    def of(
        cls, property_name: str, strategy: StrategySettings | str, batch: int, seed: int, budget: int | None = None
    ) -> SimulatedCampaign:
        """Return the campaign of a strategy, or of a kind as it comes."""
        return cls(property_name, strategy_settings(strategy), batch, seed, budget)

    @property
    def name(self) -> str:
        """Property, strategy, batch and seed, which tell campaigns apart."""
        return f"{self.property_name} {self.strategy.name} {self.batch} {self.seed}"

    def round_seed(self, number: int) -> int:
        """Return the seed of a round's choice, the same as that of a study's campaign."""
        return round_seed(self.seed, self.property_name, self.strategy.name, number)


@dataclass(frozen=True)
class SimulatedRound:
    """One round: labels bought before it, what its ensemble knew, which rows it chose, and what it cost.

    `picked` are positions in the table, the most wanted first, and empty in the last round. `seconds` are processor
    time in ``training`` and ``predicting``, summed over the members, and in ``choosing``, which covers the metrics;
    ``wall`` is time on the clock since the round before this one, of whichever campaign, had ended.
    """

    number: int
    n_bought: int
    picked: tuple[int, ...]
    metrics: dict[str, float]
    seconds: dict[str, float]


@dataclass(eq=False)
class _State:
    """Where a campaign stands."""

    campaign: SimulatedCampaign
    table: ReplayTable
    number: int = 0
    ended: bool = False
    bought: list[int] = field(default_factory=list)
    members: dict[int, worker.Trained] = field(default_factory=dict)

    def take(self, done: SimulatedRound) -> None:
        self.bought.extend(done.picked)
        self.number, self.ended, self.members = done.number + 1, not done.picked, {}

    @property
    def y(self) -> NDArray[np.float64]:
        return self.table.labels[self.campaign.property_name]

    @property
    def known(self) -> NDArray[np.int64]:
        """Rows whose labels may be read now, ascending."""
        return np.sort(np.concatenate([self.table.start, np.array(self.bought, dtype=np.int64)]))

    @property
    def pool(self) -> NDArray[np.int64]:
        """Rows that are left, ascending."""
        return np.setdiff1d(self.table.pool, self.bought)

    @property
    def n_wanted(self) -> int:
        """How many rows the round will choose."""
        budget = self.campaign.budget
        left = len(self.pool) if budget is None else min(len(self.pool), budget - len(self.bought))
        return min(self.campaign.batch, max(0, left))


class Simulation:
    """Campaigns on one table, side by side on the same workers.

    Parameters
    ----------
    table
        What is known.
    settings
        Settings of the LightGBM ensemble that every round trains anew, as a study gives them.
    n_worker
        Processes, each of one thread; with 0 all is done in this one.
    bins
        ``shared`` bins the rows of start and pool once a worker; ``own`` lets each member bin its draw, as
        `matsift.learners.registry.fit` does, and gives its numbers to the bit.
    """

    def __init__(
        self, table: ReplayTable, settings: LightGbmSettings, *, n_worker: int = 1, bins: worker.Bins = "shared"
    ) -> None:
        self.table, self.settings, self.n_worker, self.bins = table, settings, n_worker, bins

    def run(
        self,
        campaigns: Sequence[SimulatedCampaign],
        done: Mapping[str, Sequence[SimulatedRound]] | None = None,
    ) -> Iterator[tuple[SimulatedCampaign, SimulatedRound]]:
        """Yield each round of each campaign as it ends.

        Parameters
        ----------
        campaigns
            Which to run; their names differ.
        done
            Name of a campaign -> rounds that an earlier run yielded, from the first on; it goes on after them and
            gives what it would have given in one go.

        Raises
        ------
        MatsiftError
            If a worker died.
        """
        states = [_State(campaign, self.table) for campaign in campaigns]
        for state in states:
            for one in (done or {}).get(state.campaign.name, ()):
                state.take(one)
        going = {i: state for i, state in enumerate(states) if not state.ended}
        if not going:
            return
        with tempfile.TemporaryDirectory() as place, self._workers(Path(place)) as pool:
            yield from self._rounds(pool, going)

    def _workers(self, place: Path) -> _Pool:
        worker.write(place, self.table.X)
        prepared = (place, self.table.trainable, self.settings, self.bins)
        if not self.n_worker:
            return InProcessPool(partial(worker.train, worker.prepare(*prepared)))
        return KillablePool(
            worker.RUN, n_worker=self.n_worker, time_limit_s=_LIMIT_S, initializer=worker.HOLD, init_args=prepared
        )

    def _rounds(self, pool: _Pool, states: dict[int, _State]) -> Iterator[tuple[SimulatedCampaign, SimulatedRound]]:
        for key, state in states.items():
            self._submit(pool, key, state)
        since = time.monotonic()
        while pool.n_pending:
            outcome = pool.next_outcome()
            if not outcome.ok:
                raise MatsiftError(f"a member could not be trained: {outcome.error_class}: {outcome.message}")
            key, member = cast("tuple[int, int]", outcome.key)
            state = states[key]
            state.members[member] = outcome.value
            if len(state.members) < self.settings.members:
                continue
            ended = self._end_round(state, since)
            state.take(ended)
            if not state.ended:
                self._submit(pool, key, state)
            since = time.monotonic()
            yield state.campaign, ended

    def _submit(self, pool: _Pool, key: int, state: _State) -> None:
        rows, wanted = state.known, np.concatenate([state.pool, self.table.test])
        for member, seed in enumerate(member_seeds(state.campaign.seed, self.settings.members)):
            pool.submit((key, member), worker.Member(rows, state.y[rows], seed, wanted))

    def _end_round(self, state: _State, since: float) -> SimulatedRound:
        begin = time.process_time()
        trained = [state.members[i] for i in range(self.settings.members)]
        members = np.array([one.predicted for one in trained])
        left, campaign = state.pool, state.campaign
        on_pool = Prediction.of_members(members[:, : len(left)])
        picked = left[:0]
        if state.n_wanted:
            candidates = self._candidates(state, left, on_pool)
            _, order = rank(
                campaign.strategy,
                candidates,
                seed=campaign.round_seed(state.number),
                batch_size=state.n_wanted,
            )
            picked = left[order[: state.n_wanted]]
        metrics = round_metrics(
            self.table,
            state.y,
            goal=campaign.goal,
            bought=np.array(state.bought, dtype=np.int64),
            left=left,
            on_pool=on_pool,
            on_test=Prediction.of_members(members[:, len(left) :]),
            picked=picked,
        )
        seconds = {
            "training": sum(one.training_s for one in trained),
            "predicting": sum(one.predicting_s for one in trained),
            "choosing": time.process_time() - begin,
            "wall": time.monotonic() - since,
        }
        chosen = tuple(int(row) for row in picked)
        return SimulatedRound(state.number, len(state.bought), chosen, metrics, seconds)

    def _candidates(self, state: _State, left: NDArray[np.int64], said: Prediction) -> Candidates:
        """Return what the strategy may see of the rows that are left: no label of theirs."""
        wanted, campaign = needs(state.campaign.strategy), state.campaign
        labels = state.y[state.known]
        return Candidates.of(
            said.mean,
            said.spread,
            members=said.members.T if "members" in wanted else None,
            n_site=self.table.n_site[left] if "n_site" in wanted else None,
            descriptors=self.table.X[left] if "descriptors" in wanted else None,
            best=float(labels.max() if campaign.goal == "maximize" else labels.min()),
            goal=campaign.goal,
        )
