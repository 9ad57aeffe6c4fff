"""Simulated campaigns: what the flow would have picked and predicted, without peeking, from any point on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from matsift.acquisition.context import Candidates
from matsift.acquisition.registry import rank
from matsift.acquisition.replay_table import ReplayTable
from matsift.acquisition.simulation import SimulatedCampaign, SimulatedRound, Simulation
from matsift.errors import MatsiftError, UserInputError
from matsift.learners import registry
from matsift.learners.lightgbm_ensemble import LightGbmSettings
from matsift.study.strategies import known_strategies

N, P = 260, 6
SETTINGS = LightGbmSettings(members=3, n_estimators=12, min_data_in_leaf=5)


def made_up_table() -> ReplayTable:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(N, P))
    y = 50 + 20 * X[:, 0] + 8 * X[:, 1] ** 2 + rng.normal(0, 1, N)
    order = rng.permutation(N)
    start, pool, test = (np.sort(part) for part in np.split(order, [100, 160]))
    return ReplayTable(
        X, {"k_vrh": y, "g_vrh": 0.5 * y + X[:, 2]}, 1 + np.arange(N) % 7, start, pool, test, {"warm": X[:, 3] > 0}
    )


TABLE = made_up_table()


def run(
    *campaigns: SimulatedCampaign,
    table: ReplayTable = TABLE,
    bins: str = "own",
    done: dict[str, list[SimulatedRound]] | None = None,
    n_worker: int = 0,
) -> dict[str, list[SimulatedRound]]:
    simulation = Simulation(table, SETTINGS, n_worker=n_worker, bins="shared" if bins == "shared" else "own")
    found: dict[str, list[SimulatedRound]] = {campaign.name: [] for campaign in campaigns}
    for campaign, one in simulation.run(campaigns, done):
        found[campaign.name].append(one)
    return found


def deterministic(rounds: Sequence[SimulatedRound]) -> list[tuple[object, ...]]:
    """Everything but the seconds."""
    return [(one.number, one.n_bought, one.picked, one.metrics) for one in rounds]


@pytest.mark.parametrize("strategy", ["exploration", "random", "thompson"])
def test_picks_and_errors_are_those_of_the_registry_on_the_same_rows(strategy: str) -> None:
    campaign = SimulatedCampaign.of("k_vrh", strategy, 25, 7)
    y, rows, left = TABLE.labels["k_vrh"], TABLE.start, TABLE.pool
    for one in run(campaign)[campaign.name]:
        model = registry.fit(
            "lightgbm_ensemble",
            TABLE.X[rows],
            y[rows],
            settings=SETTINGS.model_dump(mode="json"),
            seed=7,
            feature_names=[str(i) for i in range(P)],
        )
        if len(left):
            said = model.predict(TABLE.X[left])
            candidates = Candidates.of(said.mean, said.spread, members=said.members.T)
            size = min(25, len(left))
            wanted = rank(strategy, candidates, seed=campaign.round_seed(one.number), batch_size=size)[1][:size]
            assert one.picked == tuple(left[wanted])
            assert one.metrics["pool_mae"] == np.abs(said.mean - y[left]).mean()
        tested = model.predict(TABLE.X[TABLE.test]).mean
        assert one.metrics["test_mae"] == np.abs(tested - y[TABLE.test]).mean()
        rows, left = np.sort(np.concatenate([rows, one.picked])).astype(int), np.setdiff1d(left, one.picked)


@pytest.mark.parametrize("strategy", known_strategies())
def test_every_strategy_empties_the_pool_once(strategy: str) -> None:
    campaign = SimulatedCampaign.of("g_vrh", strategy, 25, 1)
    rounds = run(campaign, bins="shared")[campaign.name]
    assert [one.n_bought for one in rounds] == [0, 25, 50, 60]
    assert sorted(row for one in rounds for row in one.picked) == sorted(TABLE.pool)
    assert "pool_mae" not in rounds[-1].metrics
    assert rounds[-1].metrics["top_found"] == 1.0


def test_a_budget_ends_a_campaign_between_rounds_and_within_one() -> None:
    campaign = SimulatedCampaign.of("g_vrh", "random", 25, 1, budget=40)
    assert [len(one.picked) for one in run(campaign)[campaign.name]] == [25, 15, 0]


def test_no_label_is_read_before_it_is_picked() -> None:
    campaigns = [SimulatedCampaign.of("k_vrh", name, 10, 3, budget=30) for name in ("exploration", "greedy")]
    for campaign in campaigns:
        rounds = run(campaign)[campaign.name]
        picked = [row for one in rounds for row in one.picked]
        unread = np.setdiff1d(np.concatenate([TABLE.pool, TABLE.test]), picked)
        y = TABLE.labels["k_vrh"].copy()
        y[unread] = 1e5 * np.random.default_rng(0).normal(size=len(unread))
        other = ReplayTable(TABLE.X, {"k_vrh": y}, TABLE.n_site, TABLE.start, TABLE.pool, TABLE.test)
        again = run(campaign, table=other)[campaign.name]
        assert [one.picked for one in again] == [one.picked for one in rounds]
        assert again[0].metrics["pool_mae"] > 100 * rounds[0].metrics["pool_mae"]


@pytest.mark.parametrize("n_done", [0, 1, 3, 4])
def test_it_goes_on_where_an_earlier_run_was_stopped(n_done: int) -> None:
    campaigns = [SimulatedCampaign.of("k_vrh", name, 20, 2) for name in ("exploration", "random")]
    whole = run(*campaigns, bins="shared")
    done = {name: rounds[:n_done] for name, rounds in whole.items()}
    rest = run(*campaigns, bins="shared", done=done)
    for name, rounds in whole.items():
        assert deterministic([*done[name], *rest[name]]) == deterministic(rounds)


def test_neighbours_and_workers_change_nothing() -> None:
    campaigns = [SimulatedCampaign.of(name, "exploration", 30, 5) for name in ("k_vrh", "g_vrh")]
    together, alone = run(*campaigns, bins="shared", n_worker=2), run(campaigns[0], bins="shared")
    assert deterministic(together[campaigns[0].name]) == deterministic(alone[campaigns[0].name])


def test_a_worker_that_fails_is_told() -> None:
    settings = LightGbmSettings(members=2, n_estimators=1, max_bin=2)
    table = ReplayTable(TABLE.X * np.inf, TABLE.labels, TABLE.n_site, TABLE.start, TABLE.pool, TABLE.test)
    campaign = SimulatedCampaign.of("k_vrh", "random", 50, 2)
    with pytest.raises(MatsiftError, match=r"UserInputError: descriptor .* is infinite"):
        list(Simulation(table, settings, n_worker=1, bins="own").run([campaign]))


def test_with_shared_bins_campaigns_err_as_much() -> None:
    campaign = SimulatedCampaign.of("k_vrh", "exploration", 20, 2)
    shared, own = (run(campaign, bins=bins)[campaign.name] for bins in ("shared", "own"))
    error = [np.mean([one.metrics["test_mae"] for one in rounds]) for rounds in (shared, own)]
    assert error[0] == pytest.approx(error[1], rel=0.05)


def test_metrics_of_the_first_round_by_hand() -> None:
    campaign = SimulatedCampaign.of("k_vrh", "greedy", 6, 9, budget=6)
    first, last = run(campaign)[campaign.name]
    y = TABLE.labels["k_vrh"]
    model = registry.fit(
        "lightgbm_ensemble",
        TABLE.X[TABLE.start],
        y[TABLE.start],
        settings=SETTINGS.model_dump(mode="json"),
        seed=9,
        feature_names=[str(i) for i in range(P)],
    )
    on_pool, on_test = model.predict(TABLE.X[TABLE.pool]), model.predict(TABLE.X[TABLE.test])
    member_mae = [np.abs(member - y[TABLE.pool]).mean() for member in on_pool.members]
    assert first.metrics["pool_mae_stdev"] == pytest.approx(np.std(member_mae, ddof=1))
    warm = TABLE.subsets["warm"][TABLE.test]
    assert first.metrics["test_warm_mae"] == pytest.approx(np.abs(on_test.mean - y[TABLE.test])[warm].mean())
    picked = np.array(first.picked)
    said = dict(zip(TABLE.pool, on_pool.mean, strict=True))
    assert first.metrics["picked_mae"] == pytest.approx(np.mean([abs(said[row] - y[row]) for row in picked]))
    six_best = set(TABLE.pool[np.argsort(-y[TABLE.pool])[:6]])
    assert last.metrics["top_found"] == pytest.approx(len(six_best & set(picked)) / 6)
    assert first.metrics["top_found"] == 0.0


@pytest.mark.parametrize(
    ("start", "pool", "test", "message"),
    [
        pytest.param([0, 1], [1, 2], [3], "twice", id="overlap"),
        pytest.param([0, 1], [2], [], "a test set", id="empty"),
        pytest.param([0, 1], [2], [4], "finite", id="no-label"),
    ],
)
def test_parts_that_make_no_sense_are_refused(start: list[int], pool: list[int], test: list[int], message: str) -> None:
    y: NDArray[np.float64] = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    first, second, third = (np.array(part, dtype=np.int64) for part in (start, pool, test))
    with pytest.raises(UserInputError, match=message):
        ReplayTable(np.zeros((5, 1)), {"k_vrh": y}, np.ones(5, dtype=np.int64), first, second, third)
