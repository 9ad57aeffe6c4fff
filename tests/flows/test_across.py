"""`matsift report` on several studies, as it is typed, on a copy of the database of the small study."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from tests.flows.running import Finished, one
from tests.postgres import PostgresServer
from typer.testing import CliRunner, Result

from matsift_adapters.settings import Settings
from matsift_flows.cli.app import app
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.store.overview import StudyState, overview


@pytest.fixture
def url(
    reference: Finished, postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of the copy, which the command uses, with a copy of the data folder."""
    original = make_url(reference.url).database
    assert original is not None
    name = postgres_server.create_database(original)
    shutil.copytree(reference.home, tmp_path / "home")
    monkeypatch.setenv("MATSIFT_DATABASE_URL", postgres_server.url(name))
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MATSIFT_WORKERS", "1")
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def second_path(study_path: Path, tmp_path: Path) -> Path:
    """The same study under another name, that asks for the softest first."""
    folder = tmp_path / "second"
    shutil.copytree(study_path.parent, folder)
    text = study_path.read_text("utf-8")
    path = folder / "second.toml"
    path.write_text(text.replace('name = "small"', 'name = "second"'), encoding="utf-8")
    assert path.read_text("utf-8") != text
    return path


def shown_studies() -> list[StudyState]:
    with open_workspace(Settings.load(), Reporter(quiet=True)) as workspace, workspace.sessions.begin() as session:
        return list(overview(session).studies)


def typed(*words: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, words)])


def test_several_studies_end_in_a_page_across_them_written_once(url: str, study_path: Path, second_path: Path) -> None:
    first = typed(study_path, second_path)
    assert first.exit_code == 0, first.output
    pages = [Path(line) for line in first.stdout.splitlines() if line.endswith(".html")]
    assert [page.parent.name for page in pages] == ["small", "second", "all-studies"]
    text = pages[-1].read_text("utf-8")
    assert 'href="../small/report.html"' in text
    assert 'href="../second/report.html"' in text
    assert (pages[-1].parent / "candidates.csv").exists()
    reports = "SELECT count(*) FROM matsift.study_report WHERE study = 'all-studies'"
    assert one(url, reports) == 1
    assert [study.name for study in shown_studies()] == ["second", "small"]
    written_at = pages[-1].stat().st_mtime_ns
    again = typed(study_path, second_path)
    assert again.exit_code == 0, again.output
    assert (one(url, reports), pages[-1].stat().st_mtime_ns) == (1, written_at)


def test_one_study_has_no_page_across(url: str, study_path: Path) -> None:
    told = typed(study_path)
    assert [Path(line).parent.name for line in told.stdout.splitlines() if line.endswith(".html")] == ["small"]


@pytest.mark.usefixtures("url")
def test_a_study_named_twice_and_settings_for_many_are_refused(study_path: Path, second_path: Path) -> None:
    twice = typed(study_path, study_path)
    assert twice.exit_code != 0
    assert "is named twice" in str(twice.exception)
    many = typed(study_path, second_path, "--set", "learner.seed=2")
    assert "--set changes one study" in str(many.exception)
