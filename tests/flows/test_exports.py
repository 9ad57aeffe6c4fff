"""`matsift export` and `matsift import` as they are typed, on the database of the small study."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import ase.db
import pyarrow.parquet as pq
import pytest
from tests.flows.running import Finished, one
from typer.testing import CliRunner

from matsift.errors import UserInputError
from matsift_flows.cli.app import app


@pytest.fixture
def done(reference: Finished, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """The small study, whose database and folder the command uses."""
    monkeypatch.setenv("MATSIFT_DATABASE_URL", reference.url)
    monkeypatch.setenv("MATSIFT_HOME", str(reference.home))
    monkeypatch.setenv("MATSIFT_WORKERS", "1")
    return reference


def typed(*words: object) -> str:
    """Return what a command prints."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_views_are_listed_with_what_they_hold(done: Finished) -> None:
    assert "structure " in typed("export", "views")
    assert json.loads(typed("export", "views", "--json"))["structure"] == (
        "One row a crystal, without its coordinates."
    )


def test_a_view_is_the_same_rows_in_every_format(done: Finished, tmp_path: Path) -> None:
    n = one(done.url, "SELECT count(*) FROM analysis.label WHERE property_name = 'k_vrh'")
    for name in ("label.csv", "label.parquet", "label.jsonl"):
        out = tmp_path / name
        told = typed("export", "view", "label", "-o", out, "--where", "property_name=k_vrh", "--quiet")
        assert told == f"{out}: {n} rows of label\n"
    table = pq.read_table(tmp_path / "label.parquet")
    with (tmp_path / "label.csv").open(newline="") as stream:
        from_csv = list(csv.DictReader(stream))
    from_lines = [json.loads(line) for line in (tmp_path / "label.jsonl").read_text("utf-8").splitlines()]
    assert table.num_rows == len(from_csv) == len(from_lines) == n
    values = sorted(table.column("value").to_pylist())
    assert sorted(float(row["value"]) for row in from_csv) == values
    assert sorted(row["value"] for row in from_lines) == values
    assert all(row["licences"] for row in from_lines)
    assert table.schema.field("value").metadata == {b"comment": b"the value, in the unit of the row"}


def test_the_ranking_is_exported_as_it_is_ranked(done: Finished, study_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "best.csv"
    assert typed("export", "ranking", study_path, "-o", out, "--top", 3, "--quiet") == f"{out}: 3 candidates of small\n"
    with out.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert tuple(row["structure_hash"] for row in found) == done.ranked[:3]
    assert all(json.loads(row["licences"]) for row in found)


def test_the_best_structures_of_a_ranking_are_exported_in_its_order(
    done: Finished, study_path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "best.db"
    typed("export", "structures", "-o", out, "--study", study_path, "--top", 2, "--quiet")
    assert tuple(row.structure_hash for row in ase.db.connect(out).select()) == done.ranked[:2]


def test_structures_of_a_condition_become_a_folder_of_cifs(done: Finished, tmp_path: Path) -> None:
    n = one(done.url, "SELECT count(*) FROM analysis.structure WHERE n_site <= 2")
    told = typed("export", "structures", "-o", tmp_path / "cifs", "--where", "n_site<=2", "--quiet")
    assert told == f"{tmp_path / 'cifs'}: {n} structures\n"
    assert len(list((tmp_path / "cifs").glob("*.cif"))) == n


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("view", "lable", "-o", "x.csv"), "there is no view 'lable'; .* for example label"),
        (("view", "label", "-o", "x.txt"), "x.txt says no format; end it with .csv, .parquet or .jsonl"),
        (("structures", "-o", "x.db", "--top", "3"), "--top asks for the best of a ranking; name its study"),
        (("structures", "-o", "x.db", "--source", "nowhere"), "no entry has the source 'nowhere'; there is"),
        (("structures", "-o", "x.db", "--licence", "mine"), "no entry has the licence 'mine'; there is"),
        (("structures", "-o", "x.db", "--where", "n_site<1"), "no structure is as you ask"),
    ],
)
def test_what_cannot_be_exported_is_told_and_leaves_no_file(
    done: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[Any, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserInputError, match=sentence):
        typed("export", *words, "--quiet")
    assert not list(tmp_path.iterdir())


def test_a_package_goes_from_one_installation_to_another(
    done: Finished, study_path: Path, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "small.zip"
    assert "models; licences: " in typed("export", "package", study_path, "-o", package, "--quiet")
    monkeypatch.setenv("MATSIFT_DATABASE_URL", database_url)
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path / "elsewhere"))
    assert "the study small" in typed("import", "package", package, "--quiet")
    again = json.loads(typed("import", "package", package, "--json"))
    assert {taken["new"] for taken in again.values()} == {0}
    assert again["structure"]["there"] == one(database_url, "SELECT count(*) FROM matsift.structure")
