"""The experiments of paper 004, on formulas made for it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_004 import checks, data, paper, recovery, searches, tables
from benchmarks.repro_004.__main__ import report
from benchmarks.repro_004.data import Data, Gaps, roles
from benchmarks.repro_004.found import Found, measured, plan_of_fits, plan_of_searches
from benchmarks.repro_004.learners import BY_KEY as LEARNERS
from benchmarks.repro_004.plan import FULL, SMALL
from benchmarks.repro_004.running import Result, results
from benchmarks.repro_004.screening import Candidates, rows_of, scored
from benchmarks.repro_004.searches import Search, new_rows
from benchmarks.repro_004.setup import Setup
from benchmarks.repro_004.strategies import BY_KEY, OWN, PAPER, STRATEGIES
from hypothesis import given
from hypothesis import strategies as st

from matsift.generative.formulas import Compositions
from matsift.generative.search.space import Suggestion

_METALS = ("Li", "Na", "K", "Rb", "Mg", "Ca", "Sr", "Ba", "Zn", "Al")
_ANIONS = {"F": 8.0, "O": 5.0, "Cl": 6.0, "S": 2.5, "Br": 4.0}
_HEADERS = {"gaps": ("id", "composition", "Eg"), "known": ("material_id", "pretty_formula", "spacegroup")}


def formulas_and_gaps() -> dict[str, float]:
    """Return 450 compounds, of two elements and of three, whose gap is their anion's but for a little."""
    found = {}
    for i, metal in enumerate(_METALS):
        for anion, gap in _ANIONS.items():
            for n in (1, 2, 3):
                found[f"{metal}1{anion}{n}"] = gap + 0.1 * i - 0.2 * n
            for other in _METALS[i + 1 : i + 7]:
                found[f"{metal}1{other}1{anion}3"] = gap - 0.3
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published files, with rows of our own."""
    home = tmp_path_factory.mktemp("published")
    (home / data.BELOW).mkdir()
    rows = [(i, formula, gap) for i, (formula, gap) in enumerate(formulas_and_gaps().items())]
    order = np.random.default_rng(7).permutation(len(rows))
    write(home / data.BELOW / "agd_bandgap_29089.csv.gz", "gaps", rows)
    write(home / data.BELOW / "agd_initial_1000.csv", "gaps", [rows[i] for i in order[:80]] * 2)
    write(home / data.BELOW / "agd_initial_300.csv", "gaps", [rows[i] for i in order[:60]])
    known = [(f"mp-{i}", formula.replace("1", ""), 1) for i, formula, _ in rows]
    write(home / data.BELOW / "mp_formula_space_group_123805.csv.gz", "known", known * 2)
    return home


def write(path: Path, what: str, rows: Sequence[tuple[object, ...]]) -> None:
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", newline="") as stream:
        csv.writer(stream).writerows([_HEADERS[what], *rows])


@pytest.fixture
def made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    monkeypatch.setenv("MATSIFT_DATA", str(folder))
    return data.load()


def test_the_papers_tables_agree_with_what_it_says_of_them() -> None:
    gains = [paper.TABLE_1[f"{e} AL"].recovery - paper.TABLE_1[f"{e} BS"].recovery for e in ("exp2", "exp3")]
    assert gains == pytest.approx([26.47, 54.90])
    n_found = {line: of.recovery / 100 * paper.TABLE_1["exp1"].n_candidate for line, of in paper.TABLE_1.items()}
    assert {line: round(n) for line, n in n_found.items()} == {
        "exp1": 102,
        "exp2 BS": 53,
        "exp2 AL": 80,
        "exp3 BS": 3,
        "exp3 AL": 59,
    }
    assert list(n_found.values()) == pytest.approx([102, 53, 80, 3, 59], abs=0.01)
    grown = {e: paper.TABLE_1[f"{e} AL"].n - paper.TABLE_1[f"{e} BS"].n for e in paper.DECODED}
    assert grown == paper.DECODED


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=40))
def test_recovery_is_a_share_and_all_of_it_for_the_oracle(pairs: list[tuple[float, float]]) -> None:
    said, oracle = np.array(pairs).T
    found = recovery.screened(said, oracle)
    assert found.n_both <= min(found.n_chosen, found.n_oracle)
    assert np.isnan(found.recovery) == (not (oracle >= paper.WIDE_GAP).any())
    assert np.isnan(found.recovery) or 0 <= found.recovery <= 1
    own = recovery.screened(oracle, oracle)
    assert np.isnan(own.recovery) or own.recovery == own.precision == 1


def test_recovery_and_precision_of_a_choice() -> None:
    found = recovery.screened(np.array([7.0, 6.0, 5.9, 6.5]), np.array([6.0, 5.0, 8.0, 7.0]))
    assert (found.n_chosen, found.n_oracle, found.n_both) == (3, 3, 2)
    assert found.recovery == found.precision == pytest.approx(2 / 3)


def test_no_model_sees_the_formulas_of_the_last_test_and_none_stands_on_two_sides(made: Data) -> None:
    assert len(made.gaps) == len(made.known) == len(formulas_and_gaps())
    assert [len(rows) for rows in made.initial.values()] == [160, 60, 60]
    assert (made.initial["exp4"].gaps < paper.NARROW_GAP).all()
    external = made.external.compositions.reduced()
    assert len(external) > 10
    for experiment in ("exp1", "exp2", "exp3"):
        rows = rows_of(made, experiment)
        assert not rows.compositions.reduced().is_in(external).any()
        for repeat in range(2):
            role = roles(rows, repeat)
            groups = np.array(rows.groups)
            assert not set(groups[role == "test"]) & set(groups[role != "test"])
            assert (role == "test").mean() == pytest.approx(0.2, abs=0.03)
    assert not any(made.initial[e].compositions.reduced().is_in(external).any() for e in ("exp2", "exp3"))
    assert not np.array_equal(roles(made.gaps, 0), roles(made.gaps, 1))


def test_formulas_found_by_a_search_come_once_and_without_those_of_the_last_test(made: Data) -> None:
    tested = made.external.compositions.select(slice(0, 1))
    found = Gaps(Compositions.concatenated([Compositions.from_formulas(["CsF", "CsI"]), tested]), np.array([7.0, 4, 5]))
    rows = rows_of(made, "exp3", found)
    assert len(rows) == 60 + 2
    assert rows.gaps[-2:].tolist() == [7.0, 4.0]


@pytest.mark.parametrize("key", list(LEARNERS))
def test_a_learner_scores_a_line_of_table_1(made: Data, key: str) -> None:
    candidates = Candidates(Compositions.from_formulas(["CsF", "RbF2", "BeS"]), np.array([7.5, 7.6, 2.0]))
    said = scored(LEARNERS[key], rows_of(made, "exp2"), 0, made, candidates, small=True)
    assert said["n"] == 160
    assert said["n_oracle"] == 2
    assert 0 <= said["n_both"] <= min(said["n_chosen"], 2)
    assert said["rmse"] >= said["mae"] > 0
    assert LEARNERS[key].mark(small=True) != LEARNERS[key].mark()


@dataclass(frozen=True)
class Counted:
    """A job that writes a file and says how often it ran."""

    name: str

    def __str__(self) -> str:
        return self.name

    def key(self, setup: Setup) -> str:
        return f"{self.name} {setup.plan.budget}"

    def made(self, setup: Setup) -> bool:
        return self.path(setup).exists()

    def path(self, setup: Setup) -> Path:
        return setup.home / self.name

    def run(self, setup: Setup) -> Result:
        before = int(self.path(setup).read_text()) if self.made(setup) else 0
        self.path(setup).write_text(str(before + 1))
        return {"n": before + 1}


def test_what_was_computed_is_kept_and_what_lost_its_file_comes_again(tmp_path: Path) -> None:
    setup, told, jobs = Setup(tmp_path, SMALL), list[str](), [Counted("a"), Counted("b")]
    first = results(setup, jobs, n_worker=0, tell=told.append)
    assert [r["n"] for r in first.values()] == [1, 1]
    assert [line.split(":")[0] for line in told] == ["1 of 2", "2 of 2"]
    assert results(setup, jobs, n_worker=0, tell=told.append) == first
    (tmp_path / "b").unlink()
    with (tmp_path / "results.jsonl").open("a") as stream:
        stream.write('\n["a 40", {"n": 9')  # a run that was killed while it wrote
    assert results(setup, jobs, n_worker=0, tell=told.append) == first
    assert len(told) == 3
    more = Setup(tmp_path, replace(SMALL, budget=41))
    assert [r["n"] for r in results(more, jobs, n_worker=0, tell=told.append).values()] == [2, 2]


def suggestions(*said: tuple[str | None, float | None]) -> list[searches.Row]:
    latent = np.zeros(2, dtype=np.float32)
    reasons = [None if formula else "no element has a count" for formula, _ in said]
    return [
        (Suggestion(1, i, latent, 0.0, 0.0, 0.0, formula, reason), value)
        for i, ((formula, value), reason) in enumerate(zip(said, reasons, strict=True), start=1)
    ]


def test_the_course_of_a_search_counts_each_new_compound_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(folder))
    setup = Setup(tmp_path, FULL)
    start = setup.data.initial["exp3"].compositions.formulas()[0]
    rows = suggestions(
        ("CsF", 7.0), (None, None), ("F2", 9.0), ("CsF", 7.0), (start, 6.5), ("CsF3", 6.2), ("NaCsO", 3.0)
    )
    found, numbers = new_rows(setup, "exp3", rows)
    assert found.compositions.formulas() == ["CsF", "CsF3", "CsNaO"]
    assert numbers.tolist() == [1, 6, 7]
    said = searches.course(setup, "exp3", rows)
    assert (said["n"], said["n_decoded"], said["n_new"]) == (7, 6, 3)
    assert (said["n_wide"], said["n_wide_valid"], said["n_wide_novel"]) == (2, 1, 1)
    assert (said["wide_by"], said["decoded_by"], said["best_by"]) == ([2], [6], [9.0])
    assert said["first_wide"] == 1
    assert said["mean_gap"] == pytest.approx(16.2 / 3)


def test_the_plan_has_the_papers_repeats_searches_and_kappas(tmp_path: Path) -> None:
    setup = Setup(tmp_path, FULL)
    planned = plan_of_searches(setup)
    assert len(set(planned)) == len(planned)
    assert {s.strategy for s in planned if s.experiment == "exp3" and s.seed == 0} == set(BY_KEY)
    fits = plan_of_fits(setup)
    assert {line for line, _ in fits} == {*paper.TABLE_1, *(f"exp3 {one.key}" for one in STRATEGIES), f"exp2 {OWN.key}"}
    assert len(fits["exp2 AL", "lightgbm"]) == paper.N_REPEAT
    assert {fit.search for of in fits.values() for fit in of} - {None} <= set(planned)
    settings = PAPER.filled(budget=1000)
    assert (settings.kappa, settings.budget, settings.n_decoded, settings.invalid) == (100.0, 1000, 20, "register")
    assert all(one.filled(budget=10, small=True).budget == 10 for one in STRATEGIES)


def answered(tmp_path: Path, *, recovered: dict[str, int]) -> Found:
    """Return results in which the oracle chooses 100 candidates, and a line's models so many of them."""
    setup = Setup(tmp_path, replace(FULL, seeds=2))
    of_search: Result = {
        "n": 1000,
        "n_decoded": 800,
        "n_new": 700,
        "n_wide": 70,
        "n_wide_valid": 35,
        "n_wide_novel": 30,
    }
    of_search |= {"mean_gap": 4.0, "best": 8.0, "first_wide": 3, "cpu_seconds": 60.0}
    of_search |= {"wide_by": [*range(5, 105, 5)], "decoded_by": [0] * 20, "best_by": [8.0] * 20}
    near = {"n_wide": 300, "n_wide_valid": 280}
    courses = {s: {**of_search, **(near if s.strategy == "manifold_process" else {})} for s in plan_of_searches(setup)}
    scores = {"n": 300, "r2": 0.7, "r2_test": 0.5, "mae": 0.5, "rmse": 0.8, "sryf5": 6.5, "cpu_seconds": 5.0}
    fits = {
        (line, learner): [{**scores, "n_chosen": 90, "n_oracle": 100, "n_both": recovered.get(line, 50)} for _ in jobs]
        for (line, learner), jobs in plan_of_fits(setup).items()
    }
    held_out = {"n": 1000, "exact": 0.93}
    share = {"n_drawn": 9, "n_made": 8, "valid": 0.4}
    return Found(
        {
            "autoencoder": {
                "n_train": 4000,
                "held_out": held_out,
                "held_out_8": held_out,
                "box_decodes": 0.4,
                "encoded_a_second": 1e4,
                "decoded_a_second": 1e3,
                "cpu_seconds": 600.0,
            },
            "candidates": {
                "funnel": {"drawn": 1_000_000, "valid": 500_000},
                "shares": {"gan": {**share, "valid": 0.8}, "shuffled": share, "uniform": share, "known": share},
                "sryf5": {"sampled": True, "known": False},
                "cpu_seconds": 100.0,
            },
        },
        courses,
        fits,
        dict.fromkeys(("exp2", "exp3", "exp4"), 2.07),
        0.3,
        1000,
    )


def test_tables_show_the_papers_figures_beside_ours(tmp_path: Path) -> None:
    found = answered(tmp_path, recovered={"exp3 AL": 80})
    table = tables.table_1(found)
    assert any(line.startswith("| exp3 AL | paper | 1153 | 0.757 ± 0.015 | 0.417 ± 0.005 |") for line in table)
    assert sum("| LightGBM (10) | 300 | 0.700 ± 0.000 | " in line for line in table) == len(paper.TABLE_1) + 2
    assert any(line.endswith("| 90 ± 0 | 80.0 ± 0.0 | 88.9 ± 0.0 |") for line in table)
    assert (
        tables.kappas(found, paper.KAPPAS)[2] == "| paper, kappa 0 | 10 | 20 | 30 | 50 | 70 | 100 | 800 | 700 | 8.00 |"
    )
    assert tables.best_kappa(found, paper.KAPPAS).startswith("Most at kappa = 0, with climbs at 0 (paper: 10;")
    assert any("| 800 ± 0 | 700 ± 0 | 300 ± 0 | 42.9 ± 0.0 | 280 ± 0 |" in line for line in tables.compared(found))
    assert tables.narrow(found)[0].startswith("From gaps below 3 eV: suggestion 3 is the first")
    assert tables.named(found)[0].startswith("SrYF5 is among the samples of the GAN; it is not among the known")
    assert "| GAN | 8 | 80.0% |" in tables.shares(found)
    assert "| drawn | 1,000,000 | 2,990,000 |" in tables.candidates(found)
    assert tables.rows(found)[4] == "| of these, given back exactly | 0.930 | wanted 0.9 |"
    assert tables.costs(found)[-2] == "On two free cores: about 24 min."


def test_checks_compare_with_and_without_the_searchs_rows_and_beyond_the_paper(tmp_path: Path) -> None:
    better = {"exp2 AL": 80, "exp3 AL": 80, "exp3 kappa 100": 80, "exp3 components": 85}
    better |= {f"{experiment} {OWN.key}": 70 for experiment in ("exp2", "exp3")}
    said = checks.checks(answered(tmp_path, recovered=better))
    assert [check.met for check in said] == [True] * len(said)
    assert said[0].measured == "0.930 of 1000"
    beyond = {check.says.split(": ")[1]: check for check in said if "beyond" in check.says}
    assert beyond["recovery"].measured == "85.0%"
    assert beyond["new compositions above 6 eV per suggestion"].measured == "30.0%"
    assert "(manifold_process)" in beyond["the same, chemically valid ones alone"].says
    worse = {"exp2 AL": 40, "exp3 AL": 50, "exp3 kappa 100": 90}
    assert [check.met for check in checks.checks(answered(tmp_path, recovered=worse))] == [
        *[True] * 3,
        *[False] * 4,
        True,
        False,
        *[True] * 4,
    ]


@pytest.mark.bench
def test_all_stages_go_through_and_a_search_that_was_stopped_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(folder))
    plan = replace(SMALL, limit=400, n_sample=2000, budget=30, kappas=(0.0, 100.0), learners={"lightgbm": 1})
    setup, told = Setup(tmp_path, plan), list[str]()
    found = measured(setup, n_worker=0, tell=told.append)
    text = "\n".join(report(found, plan))
    assert text.count("## ") == 7
    assert len(checks.checks(found)) == 13
    job = Search("exp3", PAPER.key)
    kept = job.path(setup).read_text()
    lines = [line for line in kept.splitlines() if line]
    job.path(setup).write_text("\n".join(lines[:17]) + "\n" + lines[17][:50])
    job.run(Setup(tmp_path, plan))
    assert [line for line in job.path(setup).read_text().splitlines() if line][18:] == lines[17:]
    n_told = len(told)
    again = measured(Setup(tmp_path, plan), n_worker=0, tell=told.append)
    assert again.searches == found.searches
    assert again.fits == found.fits
    assert len(told) == n_told + 3
