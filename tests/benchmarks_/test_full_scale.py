"""The study of published Materials Project data, and its tables, on a small folder of the same shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_001 import matbench, study_tables
from benchmarks.repro_001.from_database import of_database
from benchmarks.repro_001.jobs import Job, Rows, hold, run
from benchmarks.repro_001.rows_kept import accepted
from benchmarks.repro_001.study_run import STUDY, finished_study
from pydantic import SecretStr
from tests.factories.materials_project import write_materials_project
from tests.flows.running import rows

from matsift.errors import SourceError
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.study import run_study
from matsift_flows.workspace import open_workspace

SMALL = (
    "learner.settings={members=3, lightgbm={n_estimators=20, min_data_in_leaf=3}}",
    "learner.coverage=0.8",
    "sampling.validation_fraction=0.2",
    "sampling.thresholds={k_vrh=300.0, g_vrh=150.0}",
)


def test_the_study_is_valid_as_it_stands() -> None:
    study = load_study(STUDY)
    assert [criterion.name for criterion in study.screening][-1] == "converged"
    assert len(study.screening) == 9
    assert study.learner.settings["members"] == 20


def test_data_that_are_not_there_are_one_sentence(database_url: str, tmp_path: Path) -> None:
    study = load_study(STUDY, [f"sources.0.folder={str(tmp_path / 'nowhere')!r}"])
    settings = Settings(home=tmp_path, database_url=SecretStr(database_url))
    with (
        open_workspace(settings, Reporter(quiet=True)) as workspace,
        pytest.raises(
            SourceError, match=r"nowhere: there is no such folder; put the data of the source materials-proj"
        ),
    ):
        run_study(workspace, study, STUDY.parent)


def test_the_study_and_its_tables(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(write_materials_project(tmp_path / "data")))
    monkeypatch.setenv("MATSIFT_DATABASE_URL", database_url)
    with finished_study(tmp_path / "home", n_worker=2, overrides=SMALL) as (workspace, study):
        before = rows(database_url, "SELECT count(*) FROM matsift.run")
        assert run_study(workspace, study, STUDY.parent).added == {}
        assert rows(database_url, "SELECT count(*) FROM matsift.run") == before
        text = "\n".join(study_tables.section(workspace, study))
        data, table = of_database(workspace, study)
    failed = rows(database_url, "SELECT stage, count(*) FROM matsift.failure GROUP BY 1 ORDER BY 1")
    assert dict(failed) == {"label_value": 1, "mobility": 4, "parse": 2}
    assert rows(database_url, "SELECT count(*) FROM matsift.source_entry WHERE structure_id IS NOT NULL") == [(136,)]
    assert text.count("| K | blend | test (") == text.count("| G | blend | test (") == 1
    assert text.count(" of them eligible |") == 2
    assert text.count(" of 25 |") == 2
    assert "| `lowest_polymorph` |" in text
    assert "2,432 (35.7%)" in text
    labelled = int(data.labelled.sum())
    assert labelled == 110
    assert (data.has_element | data.labelled | np.isfinite(data.moduli["g_vrh"])).all()
    assert table.X.shape == (len(data.crystals), 6 + 2 + 3 + 145 + 126)
    assert (
        accepted(data, study.labels.rules).sum()
        == rows(
            database_url,
            "SELECT n_row FROM matsift.dataset_snapshot JOIN matsift.property p ON p.id = property_id"
            " WHERE p.name = 'k_vrh'",
        )[0][0]
    )


def test_the_first_rows_alone(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATA", str(write_materials_project(tmp_path / "data")))
    monkeypatch.setenv("MATSIFT_DATABASE_URL", database_url)
    with finished_study(tmp_path / "home", n_worker=1, limit=90, overrides=SMALL):
        pass
    assert rows(database_url, "SELECT count(*) FROM matsift.source_entry") == [(90,)]


def made_up_rows(n: int = 200) -> Rows:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = dict.fromkeys(("k_vrh", "g_vrh"), 10.0 ** (1.5 + 0.3 * X[:, 0]))
    sets = ("mp", "packing", "magpie", "voronoi")
    return Rows(X, y, X[:, 1] > 0, ("A",) * n, sets, X[:0], np.arange(n) % 5)


def test_an_official_fold_is_predicted_by_what_the_others_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.repro_001.jobs.MATBENCH_MEMBERS", 2)
    data = made_up_rows()
    hold(data)
    job = Job("matbench", "k_vrh", matbench.SETS, 1, (("fold", 2), ("learner", "lightgbm_ensemble")))
    errors = run(job)["errors"]
    assert len(errors) == 40
    data.y["k_vrh"][data.fold == 2] *= 10.0
    np.testing.assert_allclose(np.array(run(job)["errors"]), 1.0, atol=0.4)  # what is tested was not looked at


def test_the_table_holds_the_leaderboard_and_the_mean_of_the_folds() -> None:
    data = made_up_rows()
    results = {job: {"errors": [0.1 * (1 + int(job.option("fold")))] * 40} for job in matbench.jobs_of()}
    text = "\n".join(matbench.section(data, results))
    assert text.count("0.3000") == 8
    assert "MODNet 0.0548" in text
    assert "MODNet 0.0731" in text
