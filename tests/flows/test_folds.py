"""Official folds from a file to dataset snapshots: whole, once, and again only for what changed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.factories.benchmarks import pin_small_kvrh, small_kvrh, write_benchmark
from tests.factories.crystals import many
from tests.flows.running import row_counts, rows

from matsift.learners.official_folds import matbench_folds
from matsift.study.loading import load_mirror, load_study
from matsift_adapters.settings import Settings
from matsift_flows import folds
from matsift_flows.featurize import featurize
from matsift_flows.ingest import ingest
from matsift_flows.judge import judge
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.snapshots import base_snapshot
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store.datasets import write_snapshot
from matsift_schema.store.folds import folded_labels

_ROWS = """
    SELECT (d.settings->>'fold')::int, e.external_id, r.role, r.fold FROM matsift.dataset_row r
    JOIN matsift.dataset_snapshot d ON d.id = r.snapshot_id JOIN matsift.label l ON l.id = r.label_id
    JOIN matsift.source_entry e ON e.id = l.source_entry_id ORDER BY 1, 2
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    pin_small_kvrh(monkeypatch)


def write_study(folder: Path, sha256: str) -> Path:
    path = folder / "bench.toml"
    path.write_text(f"""
[study]
name = "bench"
title = "A benchmark"
[[sources]]
kind = "benchmark"
name = "bench"
dataset = "matbench_log_kvrh"
path = "kvrh.json.gz"
sha256 = "{sha256}"
""")
    return path


@contextmanager
def opened(url: str, home: Path) -> Iterator[Workspace]:
    settings = Settings(home=home / "home", database_url=SecretStr(url), workers=1)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        yield workspace


def take_in(workspace: Workspace, path: Path) -> None:
    invoke(ingest, workspace, load_mirror(path), path.parent)


def test_each_fold_is_a_snapshot_whose_rows_are_tested_once(new_url: Callable[[], str], tmp_path: Path) -> None:
    path, url = write_study(tmp_path, small_kvrh(tmp_path / "kvrh.json.gz")), new_url()
    with opened(url, tmp_path) as workspace:
        take_in(workspace, path)
        before = row_counts(url)
        take_in(workspace, path)
    assert row_counts(url) == before
    assert (before["dataset_snapshot"], before["dataset_row"]) == (5, 100)
    official = {f"mb-log-kvrh-{i + 1:02d}": fold for i, fold in enumerate(matbench_folds(20).tolist())}
    assert rows(url, _ROWS) == [
        (fold, name, "test" if official[name] == fold else "train", official[name])
        for fold in range(5)
        for name in sorted(official)
    ]
    said = rows(url, "SELECT DISTINCT strategy, seed, n_row, settings - 'fold' FROM matsift.dataset_snapshot")
    assert said == [("official_fold", 18012019, 20, {"source": "bench", "n_fold": 5, "n_without_label": 0})]


def test_rows_without_structure_or_label_are_counted_and_move_nobody(
    new_url: Callable[[], str], tmp_path: Path
) -> None:
    sha256 = small_kvrh(tmp_path / "kvrh.json.gz", without_structure=[3], without_label=[5])
    path, url = write_study(tmp_path, sha256), new_url()
    with opened(url, tmp_path) as workspace:
        take_in(workspace, path)
    official = matbench_folds(20).tolist()
    found = {name: fold for _, name, _, fold in rows(url, _ROWS)}
    assert found == {f"mb-log-kvrh-{i + 1:02d}": official[i] for i in range(20) if i not in (3, 5)}
    assert rows(url, "SELECT DISTINCT settings->>'n_without_label' FROM matsift.dataset_snapshot") == [("2",)]


def test_a_mended_file_gives_new_folds_beside_the_old_ones(new_url: Callable[[], str], tmp_path: Path) -> None:
    url = new_url()
    with opened(url, tmp_path) as workspace:
        take_in(workspace, write_study(tmp_path, small_kvrh(tmp_path / "kvrh.json.gz", without_label=[5])))
        take_in(workspace, write_study(tmp_path, small_kvrh(tmp_path / "kvrh.json.gz")))
    counted = rows(url, "SELECT n_row, count(*) FROM matsift.dataset_snapshot GROUP BY 1 ORDER BY 1")
    assert counted == [(19, 5), (20, 5)]


def test_an_interruption_leaves_no_fold_and_the_next_run_writes_them(
    new_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, url = write_study(tmp_path, small_kvrh(tmp_path / "kvrh.json.gz")), new_url()
    written: list[int] = []

    def interrupted(*arguments: Any, **rest: Any) -> int:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(write_snapshot(*arguments, **rest))
        return written[-1]

    with opened(url, tmp_path) as workspace:
        with monkeypatch.context() as patch:
            patch.setattr(folds, "write_snapshot", interrupted)
            with pytest.raises(KeyboardInterrupt):
                take_in(workspace, path)
        assert row_counts(url)["dataset_snapshot"] == 0
        take_in(workspace, path)
    assert row_counts(url)["dataset_snapshot"] == 5


def test_a_file_that_breaks_off_has_no_folds(new_url: Callable[[], str], tmp_path: Path) -> None:
    small_kvrh(tmp_path / "whole.json.gz")
    content = (tmp_path / "whole.json.gz").read_bytes()[:-400]
    (tmp_path / "kvrh.json.gz").write_bytes(content)
    path, url = write_study(tmp_path, hashlib.sha256(content).hexdigest()), new_url()
    with opened(url, tmp_path) as workspace:
        take_in(workspace, path)
    assert row_counts(url)["dataset_snapshot"] == 0
    assert row_counts(url)["source_entry"] > 0


def test_a_study_learns_on_an_official_fold_or_without_an_element(new_url: Callable[[], str], tmp_path: Path) -> None:
    logs = [round(1.0 + 0.01 * i, 2) for i in range(20)]
    crystals = [*many(14), *many(6, "K")]
    path = write_study(tmp_path, write_benchmark(tmp_path / "kvrh.json.gz", crystals, {"log10(K_VRH)": logs}))
    path.write_text(
        path.read_text()
        + """
[labels]
properties = ["k_vrh"]
[descriptors]
sets = ["mp"]
[sampling]
strategy = "official_fold"
element = "K"
fold = 2
validation_fraction = 0.25
[ranking]
property = "k_vrh"
"""
    )
    study = load_study(path)
    with opened(new_url(), tmp_path) as workspace:
        invoke(ingest, workspace, study, tmp_path)
        invoke(judge, workspace, study)
        invoke(featurize, workspace, study)
        snapshot = base_snapshot(workspace, study, "k_vrh", "official_fold")
        without = base_snapshot(workspace, study, "k_vrh", "leave_element_out")
        with workspace.sessions.begin() as session:
            official = {row.structure_hash: row.fold for row in folded_labels(session, "bench")["k_vrh"]}
    assert (snapshot.strategy, snapshot.settings["fold"], len(snapshot)) == ("official_fold", 2, 20)
    tested = [key for key, role in zip(snapshot.structure_hashes, snapshot.roles, strict=True) if role == "test"]
    assert tested == sorted(key for key, fold in official.items() if fold == 2)
    assert Counter(snapshot.roles.tolist()) == {"train": 12, "validation": 4, "test": 4}
    assert (without.strategy, without.settings["element"]) == ("leave_element_out", "K")
    with_potassium = {crystal.content_hash for crystal in crystals[14:]}
    tested_without = [key for key, r in zip(without.structure_hashes, without.roles, strict=True) if r == "test"]
    assert sorted(tested_without) == sorted(with_potassium)
