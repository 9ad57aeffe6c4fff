"""The replayed campaigns of paper 001, on a small folder of the same shape."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_001_active import __main__ as command
from benchmarks.repro_001_active import data, tables
from benchmarks.repro_001_active.cost import measure
from benchmarks.repro_001_active.curves import Arm, Curve, arms, curve
from benchmarks.repro_001_active.data import Labelled
from benchmarks.repro_001_active.kept import KeptRounds
from tests.factories.materials_project import write_materials_project

from matsift.acquisition.simulation import SimulatedCampaign, SimulatedRound, Simulation
from matsift.errors import UserInputError
from matsift.learners.lightgbm_ensemble import LightGbmSettings

SETTINGS = LightGbmSettings(members=2, n_estimators=5, min_data_in_leaf=3)


def made_up(n: int = 300) -> Labelled:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n, 4))
    y = 40 + 10 * X[:, 0]
    formulae = tuple(f"A{i // 3}" for i in range(n))
    elements = tuple(("K", "O") if i % 4 == 0 else ("Mg", "O") for i in range(n))
    return Labelled(X, {"g_vrh": y, "k_vrh": 2 * y}, np.full(n, 2), formulae, elements, n)


@pytest.mark.parametrize("seed", range(5))
def test_parts_share_no_formula_with_the_test_set_and_alkalis_come_first(seed: int) -> None:
    labelled = made_up()
    table = data.split(labelled, n_pool=90, test_share=0.2, seed=seed)
    assert sorted(np.concatenate([table.start, table.pool, table.test])) == list(range(300))
    assert len(table.pool) == 90
    assert 60 <= len(table.test) < 63
    formulae = np.array(labelled.formulae)
    assert not set(formulae[table.test]) & set(formulae[np.concatenate([table.start, table.pool])])
    assert not labelled.is_alkali[table.start].any()
    assert labelled.is_alkali[table.pool].sum() == labelled.is_alkali.sum() - labelled.is_alkali[table.test].sum()
    again = data.split(labelled, n_pool=90, test_share=0.2, seed=seed)
    assert (again.pool == table.pool).all()
    assert (data.split(labelled, n_pool=90, test_share=0.2, seed=seed + 9).pool != table.pool).any()


def test_a_pool_that_leaves_nothing_to_start_from_is_refused() -> None:
    with pytest.raises(UserInputError, match="too few for a pool of 280"):
        data.split(made_up(), n_pool=280, test_share=0.2, seed=1)


def rounds(errors: list[float], step: int = 10) -> list[SimulatedRound]:
    last = len(errors) - 1
    return [
        SimulatedRound(
            i,
            i * step,
            (i,) if i < last else (),
            {"pool_mae": error, "test_mae": error + 1, "top_found": i / last},
            {"training": 4.0, "predicting": 0.5, "choosing": 0.5, "wall": 3.0},
        )
        for i, error in enumerate(errors)
    ]


def test_curves_are_means_over_seeds() -> None:
    found = curve([rounds([8.0, 6.0, 4.0]), rounds([10.0, 6.0, 2.0])])
    assert found.bought.tolist() == [0, 10, 20]
    assert found.mean["pool_mae"].tolist() == [9.0, 6.0, 3.0]
    np.testing.assert_allclose(found.deviation["pool_mae"], [np.sqrt(2), 0, np.sqrt(2)])
    assert found.at("test_mae", 10) == found.at("test_mae", 19) == 7.0
    assert found.mean_until("test_mae", 10) == 8.5


@pytest.mark.parametrize(
    ("errors", "first", "lasting"),
    [
        pytest.param([9, 7, 5, 3], 20, 20, id="falls"),
        pytest.param([9, 5, 7, 3], 10, 30, id="rises-again"),
        pytest.param([9, 8, 7, 6], None, None, id="never"),
        pytest.param([4, 4, 4, 6], 0, None, id="lost-at-the-end"),
        pytest.param([9, 5, 4, float("nan")], 10, 10, id="pool-empty-at-the-end"),
    ],
)
def test_when_an_error_is_reached(errors: list[float], first: int | None, lasting: int | None) -> None:
    found = Curve(np.arange(4) * 10, {"pool_mae": np.array(errors, dtype=float)}, {}, 1)
    assert found.first_at_most("pool_mae", 5.0) == first
    assert found.for_good_at_most("pool_mae", 5.0) == lasting


def test_labels_needed_are_counted_against_random_with_the_same_batch() -> None:
    explored, random = curve([rounds([9, 6, 4, 3, 2])]), curve([rounds([9, 8, 7, 6, 5])])
    curves = {Arm("g_vrh", "exploration", 10): explored, Arm("g_vrh", "random", 10): random}
    text, needed = tables.saving(curves, final=30)
    assert needed == {Arm("g_vrh", "exploration", 10): 10}
    assert "| G | exploration | 10 | 6.00 | 10 | 10 | 7.00 | 10 | 10 |" in text[-2]


def test_curves_are_told_where_the_paper_tells_them() -> None:
    assert tables.steps_of(tables.final_of(2400)) == (0, 250, 500, 1000, 1500, 2000)


def test_campaigns_that_have_not_ended_stand_in_no_table() -> None:
    campaigns = [SimulatedCampaign.of("g_vrh", "random", 10, seed) for seed in (1, 2, 3)]
    done = {campaigns[0].name: rounds([2.0, 1.0]), campaigns[1].name: rounds([2.0, 1.0, 0.5])[:2]}
    assert arms(campaigns, done) == {Arm("g_vrh", "random", 10): [campaigns[0]]}


def test_times_add_up() -> None:
    text = tables.times({Arm("k_vrh", "random", 10): [rounds([2.0, 1.0])]}, n_member=5, n_worker=2)
    assert "took 0.1 min on the clock with 2 processes" in text[0]
    assert "| K | random | 10 | 2 | 0.90 | 5.0 | 80.0% / 10.0% / 10.0% | 0.1 |" in text[-2]


def test_rounds_are_kept_and_a_line_cut_short_is_none(tmp_path: Path) -> None:
    table = data.split(made_up(), n_pool=90, test_share=0.2, seed=1)
    campaign = SimulatedCampaign.of("g_vrh", "exploration", 30, 1)
    whole = [one for _, one in Simulation(table, SETTINGS, n_worker=0).run([campaign])]
    kept = KeptRounds(tmp_path, table, SETTINGS, "shared")
    for one in whole[:2]:
        kept.keep(campaign, one)
    path = next(tmp_path.glob("rounds-*.jsonl"))
    path.write_text(path.read_text() + '\n["g_vrh exploration 30 1", {"number": 2, "n_bou')
    found = kept.load()
    assert found == {campaign.name: whole[:2]}
    rest = [one for _, one in Simulation(table, SETTINGS, n_worker=0).run([campaign], found)]
    assert [(r.number, r.picked, r.metrics) for r in rest] == [(r.number, r.picked, r.metrics) for r in whole[2:]]
    other = data.split(made_up(), n_pool=90, test_share=0.2, seed=2)
    assert KeptRounds(tmp_path, other, SETTINGS, "shared").load() == {}
    assert KeptRounds(tmp_path, table, SETTINGS, "own").load() == {}


def test_the_cost_is_told_with_what_sharing_changes() -> None:
    table = data.split(made_up(), n_pool=90, test_share=0.2, seed=1)
    cost = measure(table, "g_vrh", SETTINGS, seed=1)
    assert cost.own_s > 0
    assert cost.shared_s > 0
    assert cost.by_seed > 0
    assert 0 <= cost.same_batch <= 25
    text = tables.costs({"g_vrh": cost})
    assert f"| {cost.own_s / cost.shared_s:.2f} |" in text[-2]


def test_the_command_on_a_small_folder_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(write_materials_project(tmp_path / "data")))
    home = tmp_path / "home"
    given = (
        f"x --home {home} --workers 1 --members 2 --batches 10 --pool 30 --strategies exploration random diverse "
        "--set n_estimators=5 --set min_data_in_leaf=2"
    )
    monkeypatch.setattr(sys, "argv", given.split())
    command.main()
    first = capsys.readouterr().out
    assert "109 of them once and past the quality rules, 280 descriptor columns" in first
    assert first.count("| diverse | 10 |") == 2 * 5
    assert "exploration has random's error after 25 labels within 12" in first
    lines = next(home.glob("rounds-*.jsonl")).read_text().split("\n")[1:]
    assert len(lines) == 2 * 3 * 4
    assert {json.loads(line)[1]["n_bought"] for line in lines} == {0, 10, 20, 30}
    command.main()
    again = capsys.readouterr().out
    assert next(home.glob("rounds-*.jsonl")).read_text().split("\n")[1:] == lines
    of_curves = "### Learning curves"
    assert again.split(of_curves)[1].split("This run")[0] == first.split(of_curves)[1].split("This run")[0]


def test_data_that_are_not_there_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["x"])
    assert command.main() == 2
    assert "no such folder; set MATSIFT_DATA" in capsys.readouterr().err
