"""`matsift card`, and the cards that a run leaves beside its report."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.factories.small_study import NAME
from tests.flows.running import Finished, rows
from typer.testing import CliRunner

from matsift.errors import UserInputError
from matsift_flows.cli.app import app


@pytest.fixture(autouse=True)
def _on_the_reference(reference: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATABASE_URL", reference.url)
    monkeypatch.setenv("MATSIFT_HOME", str(reference.home))


def matsift(*words: object) -> str:
    return CliRunner().invoke(app, ["card", *map(str, words)], catch_exceptions=False).stdout


def hashes(reference: Finished, condition: str = "true") -> set[str]:
    return {key for (key,) in rows(reference.url, f"SELECT content_hash FROM matsift.model_version WHERE {condition}")}


def test_a_run_leaves_the_cards_of_the_models_behind_its_ranking(reference: Finished) -> None:
    query = "SELECT left(model_hash, 12) FROM analysis.ranking_model WHERE is_newest"
    newest = {key for (key,) in rows(reference.url, query)}
    assert len(newest) == 2
    folder = reference.report.parent / "models"
    assert {path.name for path in folder.iterdir()} == {f"{key}{kind}" for key in newest for kind in (".md", ".html")}


def test_the_card_of_a_model_is_printed(reference: Finished) -> None:
    key = min(hashes(reference))
    text = matsift(key[:12])
    assert text.startswith("# Model card: ")
    assert key in text
    assert "<html" in matsift(key[:12], "--html")


def test_the_cards_of_a_study_are_written_by_its_name_and_by_its_file(study_path: Path, tmp_path: Path) -> None:
    written = [Path(line) for line in matsift(NAME, "--out", tmp_path / "a").splitlines()]
    assert len(written) == 4
    assert all(path.stat().st_size > 2000 for path in written)
    again = [Path(line).name for line in matsift(study_path, "--out", tmp_path / "b").splitlines()]
    assert again == [path.name for path in written]


def test_all_model_versions_of_a_study_have_cards(reference: Finished, tmp_path: Path) -> None:
    written = {Path(line).stem for line in matsift(NAME, "--all", "--out", tmp_path).splitlines()}
    assert written == {key[:12] for key in hashes(reference)}
    [baseline, *_] = hashes(reference, "purpose = 'baseline'")
    assert "matsift ranks nothing by it" in (tmp_path / f"{baseline[:12]}.md").read_text()


def test_a_name_that_is_none_is_told(study_path: Path, tmp_path: Path) -> None:
    with pytest.raises(UserInputError, match="no model version has a hash that begins with 'nobody'"):
        matsift("nobody")
    other = tmp_path / "other.toml"
    other.write_text(study_path.read_text().replace(f'name = "{NAME}"', 'name = "other"'))
    with pytest.raises(UserInputError, match="the study other has no model yet; run `matsift train"):
        matsift(other)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserInputError, match="the cards cannot be written here"):
        matsift(NAME, "--out", tmp_path / "file")
