"""The comparisons of paper 003, on crystals made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_003 import dft, elsewhere, paper, pictures, tables
from benchmarks.repro_003 import found as finding
from benchmarks.repro_003.checks import checks
from benchmarks.repro_003.described import GRID, Described, densities, labels
from benchmarks.repro_003.found import ELSEWHERE, Found, Plan, fold_name
from benchmarks.repro_003.jobs import Job, Task, model_path, run_all
from benchmarks.repro_003.learners import BY_KEY, LEARNERS, OF_PAPER, Learner
from benchmarks.repro_003.rows import PROPERTIES, RULES, Rows, assembled

from matsift.crystal import Crystal
from matsift.density.field_statistics import GRID_COLUMNS
from matsift.descriptors.registry import descriptor_set
from matsift.learners.left_out_elements import element_sets
from matsift.learners.repeated_folds import repeated_folds

_FACES = np.array([[0.0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
_HALF = np.array([0.5, 0.5, 0.5])
_METALS, _ANIONS = ("Li", "Na", "K", "Rb", "Mg", "Ca"), ("F", "Cl", "Br", "O")


def rock_salt(metal: str, anion: str, edge: float) -> Crystal:
    places = np.vstack([_FACES, (_FACES + _HALF) % 1.0])
    return Crystal.ordered(np.eye(3) * edge, [metal] * 4 + [anion] * 4, places)


@pytest.fixture(scope="module")
def salts() -> Rows:
    """24 rock salts, stiffer where they are smaller."""
    pairs = [(metal, anion) for metal in _METALS for anion in _ANIONS]
    crystals = {f"mp-{i}": rock_salt(*pair, 4.0 + 0.1 * i) for i, pair in enumerate(pairs)}
    moduli = {name: (200.0 - 5 * i, 100.0 - 2 * i) for i, name in enumerate(crystals)}
    return assembled(crystals.items(), (moduli, {}, {}))


@pytest.fixture(scope="module")
def data(salts: Rows) -> Described:
    """Densities as they are, descriptors drawn at random."""
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=(len(salts), len(descriptor_set(name).columns))) for name in ("magpie", "density")}
    columns["magpie"][:, 20] = salts.moduli["k_vrh"]
    return Described(columns, densities(salts.crystals))


def plan_of(rows: Rows, n_repeat: int = 1) -> Plan:
    folds = repeated_folds(rows.formulae, n_fold=2, n_repeat=n_repeat, seed=0)
    some = np.zeros(len(rows), dtype=bool)
    some[:4] = True
    return Plan(folds, element_sets(rows.elements, only=["Li", "F"]), some)


def task_of(home: Path, rows: Rows, data: Described, plan: Plan, epochs: int = 1) -> Task:
    return Task(home, data, rows.moduli, plan.tests(), epochs)


def answered(task: Task, plan: Plan, learners: Sequence[Learner], error_gpa: dict[str, float]) -> Found:
    """Return results in which each learner is wrong by so many GPa, alternately above and below."""
    results = {}
    for job in plan.jobs(learners):
        y = task.moduli[job.property_name][task.tests[job.test]]
        signs = np.where(np.arange(len(y)) % 2, 1.0, -1.0)
        cost = {"seconds": 1.0, "cpu_seconds": 30.0, "peak_gib": 0.5}
        trained = {"epochs": 3, "samples_per_second": 100.0, "waiting": 0.01} if BY_KEY[job.learner].kind else {}
        said = (y + signs * error_gpa.get(job.learner, 5.0)).tolist()
        results[job] = {"mean": said, "spread": [1.0] * len(y), **cost, **trained}
    return finding.assembled(task, plan, results)


def test_the_papers_tables_agree_with_what_it_says_of_them() -> None:
    counts = dict.fromkeys(paper.LEARNERS_3, 0)
    for by_modulus in paper.TABLE_3.values():
        for name in PROPERTIES:
            best = max(range(5), key=lambda place: (by_modulus[name][place][0], -by_modulus[name][place][1]))
            counts[paper.LEARNERS_3[best]] += 1
    assert list(counts.values()) == [5, 6, 4, 5, 2]
    assert list(paper.TABLE_3) == list(paper.ELEMENTS)
    assert min(paper.ELEMENTS.values()) > paper.THRESHOLD
    spread = {paper.TABLE_2[key][1] / np.sqrt(1 - paper.TABLE_2[key][0]) for key in OF_PAPER}
    assert np.allclose(list(spread), 78.5, atol=0.8)


def test_each_crystal_comes_once_with_a_label_of_the_first_vintage() -> None:
    same_at_another_volume = rock_salt("Na", "Cl", 5.8)
    found = {
        "mp-3": rock_salt("Na", "Cl", 5.6),
        "mp-1": same_at_another_volume,
        "mp-2": rock_salt("K", "Cl", 6.3),
        "mp-4": rock_salt("La", "N", 5.3),
        "mp-5": rock_salt("Mg", "O", 4.2),
        "mp-6": rock_salt("Ca", "O", 4.8),
        "mp-7": rock_salt("Li", "H", 4.0),
    }
    earliest = {"mp-3": (24.0, 14.0), "mp-5": (9000.0, 9000.0), "mp-6": (-1.0, 80.0), "mp-4": (120.0, 80.0)}
    later = {"mp-1": (25.0, 15.0), "mp-2": (17.0, 9.0), "mp-3": (99.0, 99.0)}
    rows = assembled([*found.items(), ("mp-2", found["mp-5"])], (earliest, later, {"mp-7": (35.0, 40.0)}))
    assert sorted(rows.material_ids) == ["mp-2", "mp-3", "mp-7"]
    assert [c.content_hash for c in rows.crystals] == sorted(c.content_hash for c in rows.crystals)
    place = rows.material_ids.index("mp-3")
    assert [rows.moduli[name][place] for name in PROPERTIES] == [24.0, 14.0]
    vintages = dict(zip(rows.material_ids, rows.vintages.tolist(), strict=True))
    assert vintages == {"mp-2": 1, "mp-3": 0, "mp-7": 2}
    assert rows.formulae[place] == "NaCl"
    assert [left for _, left in rows.steps] == [7, 6, 5, *[4] * (len(RULES) - 1), 3]


def test_every_row_is_asked_about_once_a_repeat_and_no_element_is_trained_on(salts: Rows) -> None:
    plan = plan_of(salts, n_repeat=3)
    tests = plan.tests()
    assert len(tests) == 3 * 2 + 2 + 1
    for repeat in range(3):
        assert np.array_equal(sum(tests[fold_name(repeat, fold)].astype(int) for fold in range(2)), np.ones(len(salts)))
    assert [symbols for symbols, test in zip(salts.elements, tests["without Li"], strict=True) if test] == [
        symbols for symbols in salts.elements if "Li" in symbols
    ]
    jobs = plan.jobs(LEARNERS)
    assert len(set(jobs)) == len(jobs) == len(LEARNERS) * 2 * 6 + (len(LEARNERS) - 1) * (2 * 2 + 1)
    assert not [job for job in jobs if job.learner == "fusion" and not job.test.startswith("repeat")]
    assert {job.property_name for job in jobs if job.test == ELSEWHERE} == {"k_vrh"}


def test_what_was_trained_is_kept_and_comes_again(salts: Rows, data: Described, tmp_path: Path) -> None:
    plan = replace(plan_of(salts), sets=())
    task, told, forest = task_of(tmp_path, salts, data, plan), list[str](), [BY_KEY["rf"]]
    first = finding.found(task, plan, n_worker=0, tell=told.append, learners=forest)
    assert told[0] == "5 trainings, 0 are kept"
    assert len(told) == 6
    assert all(np.isfinite(of["rf"].mean).all() for of in first.folds.values())
    again = finding.found(task, plan, n_worker=0, tell=told.append, learners=forest)
    assert len(told) == 6
    assert np.array_equal(again.folds["k_vrh"]["rf"].mean, first.folds["k_vrh"]["rf"].mean)
    more = replace(plan, folds=plan_of(salts, n_repeat=2).folds)
    finding.found(task_of(tmp_path, salts, data, more), more, n_worker=0, tell=told.append, learners=forest)
    assert told[6] == "4 trainings, 5 are kept"


def test_a_fusion_finds_the_branches_of_its_rows(salts: Rows, data: Described, tmp_path: Path) -> None:
    task = task_of(tmp_path, salts, data, plan_of(salts))
    (tmp_path / "networks").mkdir()
    jobs = [Job(key, "k_vrh", fold_name(0, 0)) for key in ("fusion", "magpie", "cnn_2d")]
    said = dict(run_all(task, jobs, n_worker=0))
    assert [job.learner for job in said] == ["magpie", "cnn_2d", "fusion"]
    for job, result in said.items():
        assert len(result["mean"]) == int(task.tests[job.test].sum())
        assert np.isfinite(result["mean"]).all()
        assert result["epochs"] == 1
        assert model_path(task, job).exists()
        assert not model_path(task, job).with_suffix("").exists()
    assert task.key(jobs[0]) != replace(task, epochs=2).key(jobs[0])
    other = replace(task, moduli={name: values + 1 for name, values in task.moduli.items()})
    assert model_path(other, jobs[0]) != model_path(task, jobs[0])


def test_tables_and_checks_say_who_is_best(salts: Rows, data: Described, tmp_path: Path) -> None:
    plan = plan_of(salts)
    task = task_of(tmp_path, salts, data, plan)
    said = answered(task, plan, LEARNERS, {"fusion": 5.2, "rf": 1.0, "tied": 9.0})
    met = checks(said, plan, salts)
    assert [check.met for check in met] == [True] * len(met)
    assert met[0].measured == "1.040 (5.2 over 5.0 GPa)"
    table = "\n".join(tables.table_2(said))
    assert "| RF + Magpie | " in table
    assert "1.0 (18.7)" in table
    lithium = next(line for line in tables.table_3(said, "k_vrh") if line.startswith("| Li "))
    assert "** (0.42 / 29.9)" in lithium
    assert "| RF + Magpie | 4 | 4 | 5 |" in tables.best_of(said)
    assert any(
        line.startswith("| fusion - CNN + Magpie | +0.2 (+0.2 to +0.2) |") for line in tables.differences(said, salts)
    )
    assert "| Li | 20 / 4 | 1948 / 222 |" in tables.table_1(said, salts)
    assert tables.coverage(said)
    assert any(line.startswith("| RF + Magpie | 9 | 4.5 |") for line in tables.costs(said))


def test_a_fusion_that_is_worse_and_a_row_on_the_wrong_side_are_told(
    salts: Rows, data: Described, tmp_path: Path
) -> None:
    plan = plan_of(salts)
    task = task_of(tmp_path, salts, data, plan)
    said = answered(task, plan, LEARNERS, {"fusion": 6.0})
    wrong = replace(plan, sets=(replace(plan.sets[0], test=~plan.sets[0].test),))
    met = [check.met for check in checks(said, wrong, salts)]
    assert met == [False, False, True, False, True, True]


def test_pictures_show_composition_and_density(salts: Rows, data: Described, tmp_path: Path) -> None:
    seen = pictures.representations(data)
    assert {name: X.shape for name, X in seen.items()} == {"Magpie": (24, 132), "density": (24, 1000)}
    sets = plan_of(salts).sets
    assert [path.name for path in pictures.draw(tmp_path, salts, seen, sets)] == [
        "tsne-k_vrh.html",
        "tsne-li.html",
        "tsne-f.html",
    ]
    assert set(pictures.mixed(seen, sets)["density"]) == {"Li", "F"}


def test_both_densities_are_compared_on_the_same_rows(salts: Rows, data: Described, tmp_path: Path) -> None:
    plan = replace(plan_of(salts), sets=(), elsewhere=None)
    grid = {**data.columns, GRID: np.zeros((len(salts), len(GRID_COLUMNS)))}
    assert Described(grid, data.fields).table((GRID,))[1] == GRID_COLUMNS
    task = task_of(tmp_path, salts, data, plan)
    of = {
        side: answered(task, plan, dft.learners(), {"cnn_3d": rmse})
        for side, rmse in (("promolecule", 4.0), ("dft", 3.0))
    }
    line = next(line for line in dft.table(of) if line.startswith("| 3D CNN"))
    assert "-1.0 (-1.0 to -1.0)" in line
    assert dft.computed(tmp_path / "nothing") == ()
    assert int(labels(dft.SPACE_GROUP).max()) > int(labels().max())


def test_rows_on_our_list_are_asked_about_together(salts: Rows, data: Described, tmp_path: Path) -> None:
    plan = plan_of(salts)
    task = task_of(tmp_path, salts, data, plan)
    said = answered(task, plan, LEARNERS, {"rf": 2.0})
    text = elsewhere.table(said, plan, salts, ())
    assert any(line.startswith("| RF + Magpie |") and line.endswith("/ 2.0 |  |") for line in text)
    assert elsewhere.mask(replace(salts, material_ids=("none",) * len(salts))) is None
    assert elsewhere.mask(replace(salts, material_ids=("mp-134", *("none",) * (len(salts) - 1)))) is not None
