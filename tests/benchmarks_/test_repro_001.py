"""The reproduction of paper 001 on a handful of made-up rows: what it counts, and that it does not peek."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_001 import jobs, paper, rows_kept, tables
from benchmarks.repro_001.features import Features
from benchmarks.repro_001.jobs import Job, Rows
from benchmarks.repro_001.plan import ABLATION, jobs_of
from benchmarks.repro_001.real_data import MODULI, RealSet
from benchmarks.repro_001.result_file import ResultFile

from matsift.crystal import Crystal
from matsift.screening.quality import paper_rules


def crystal(*symbols: str) -> Crystal:
    coords = np.arange(len(symbols))[:, None] / len(symbols) * np.ones(3)
    return Crystal.ordered(4.0 * np.eye(3), list(symbols), coords)


def made_up_set() -> RealSet:
    crystals = (crystal("Na", "Cl"), crystal("Xe", "F"), crystal("U", "O"), crystal("Fe", "O"), crystal("Na", "F"))
    moduli = {name: np.full(5, np.nan) for name in MODULI}
    moduli["k_vrh"][:4], moduli["g_vrh"][:4] = [30.0, 20.0, 200.0, 160.0], [15.0, 10.0, 80.0, -5.0]
    facts = {
        "band_gap": np.array([5.0, 1.0, 1.0, 1.0, np.nan]),
        "formation_energy_per_atom": np.array([-2.0, -1.0, -1.0, -1.0, -2.5]),
        "energy_above_hull": np.zeros(5),
    }
    return RealSet("made_up", "made up", "Na", crystals, moduli, facts)


def test_rows_kept_by_each_rule() -> None:
    data = made_up_set()
    assert [left for _, left, _ in rows_kept.quality_steps(data)] == [4, 3, 3, 2, 1, 1, 1, 1]
    assert rows_kept.accepted(data, paper_rules()).tolist() == [True, False, False, False, False]


def test_structures_kept_by_each_criterion() -> None:
    data = made_up_set()
    nothing_failed = {name: np.zeros(5, dtype=bool) for name in ("mp", "packing", "magpie", "voronoi")}
    steps, passed = rows_kept.screening_steps(data, Features(np.zeros((5, 0)), (), (), nothing_failed))
    assert steps[0] == ("structures with Na", 2, "")
    assert steps[3] == ("criterion `band_gap`", 2, "0 fail it, 1 unknown")
    assert passed.tolist() == [0]  # the gap of NaF is not known


def made_up_rows(n: int, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = 80 + 40 * X[:, 0] + 15 * X[:, 1] ** 2 + rng.normal(0, 3, n)
    return Rows(X, {"k_vrh": y}, X[:, 3] > 1.2, tuple(f"A{i % 90}" for i in range(n)), ("magpie",) * 4, X[:5])


@pytest.mark.parametrize("strategy", ["model_1", "model_2", "model_3"])
def test_a_sampling_strategy_is_measured_with_and_without_its_tail(strategy: str) -> None:
    jobs.hold(made_up_rows(300))
    options = (("strategy", strategy), ("threshold", 140.0 if strategy == "model_3" else None), ("tail", 140.0))
    measured = jobs.run(Job("strategy", "k_vrh", ("magpie",), 1, options))
    assert measured["r2"] > 0.6
    assert (measured["n_tail_in_test"] == 0) == (strategy == "model_3")
    assert 0.5 < measured["interval_coverage"] <= 1.0


def test_folds_by_formula_predict_every_row() -> None:
    jobs.hold(made_up_rows(300))
    assert jobs.run(Job("folds", "k_vrh", ("magpie",), 1, (("grouped", True),)))["r2"] > 0.6


def test_the_replay_reads_no_label_before_it_is_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"START": 60, "POOL": 60, "BATCH": 10, "ROUNDS": 2, "MEMBERS": 2}.items():
        monkeypatch.setattr(jobs, f"REPLAY_{name}", value)
    rows = made_up_rows(160)
    job = Job("replay", "k_vrh", ("magpie",), 3, (("strategy", "exploration"),))
    picked = _training_rows(monkeypatch, rows, job)
    assert [len(rows_of_round) for rows_of_round in picked] == [60, 70, 80]
    never = np.setdiff1d(np.arange(160), picked[-1])
    changed = made_up_rows(160)
    changed.y["k_vrh"][never] += 500.0
    again = _training_rows(monkeypatch, changed, job)
    assert all((a == b).all() for a, b in zip(picked, again, strict=True))


def _training_rows(monkeypatch: pytest.MonkeyPatch, rows: Rows, job: Job) -> list[np.ndarray]:
    """Return the rows that each round of a replay trained on, told apart by their first column."""
    seen = []
    ensemble = jobs._ensemble

    def watched(X: np.ndarray, y: np.ndarray, seed: int, members: int) -> object:
        seen.append(np.array([int(np.flatnonzero(rows.X[:, 0] == value)[0]) for value in X[:, 0]]))
        return ensemble(X, y, seed, members)

    monkeypatch.setattr(jobs, "_ensemble", watched)
    jobs.hold(rows)
    jobs.run(job)
    monkeypatch.setattr(jobs, "_ensemble", ensemble)
    return seen


def test_the_tables_hold_the_papers_figures_and_ours() -> None:
    results = {
        job: {"r2": 0.5 + 0.1 * job.seed, "mae": 9.0, "rmse": 12.0}
        for job in jobs_of(range(2), ensemble_seeds=(), replay_seeds=(), has_candidates=False)
    }
    text = "\n".join(tables.ablation(results))
    assert text.count("0.550 ± 0.071") == 2 * len(ABLATION)
    assert f"{paper.R2_ALL['k_vrh']} / {paper.R2_ALL['g_vrh']}" in text
    assert "\n".join(tables.accuracy(results)).count("0.550 ± 0.071") == 14


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    rows, job = made_up_rows(20), Job("folds", "k_vrh", ("magpie",), 1, (("grouped", True),))
    ResultFile(tmp_path, rows).keep(job, {"r2": 0.5})
    path = next(tmp_path.iterdir())
    path.write_text(path.read_text() + '\n["Job(kin')  # killed while writing
    other = Job("folds", "k_vrh", ("magpie",), 2)
    ResultFile(tmp_path, rows).keep(other, {"r2": 0.25})
    again = ResultFile(tmp_path, rows)
    assert (again.get(job), again.get(other)) == ({"r2": 0.5}, {"r2": 0.25})
    assert ResultFile(tmp_path, rows).get(Job("folds", "g_vrh", ("magpie",), 1, (("grouped", True),))) is None
    assert ResultFile(tmp_path, made_up_rows(20, seed=1)).get(job) is None
