"""The shell completes study files anywhere, and names where a database runs; otherwise it says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from tests.factories.hostile import STUDY
from tests.factories.pipeline import small_study

from matsift_flows.cli import completion

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two studies, a TOML file of another program, and one that cannot be read."""
    (tmp_path / "studies" / "sources").mkdir(parents=True)
    (tmp_path / "studies" / "tiny.toml").write_text(STUDY)
    (tmp_path / "studies" / "sources" / "shelf.toml").write_text('[study]\nname = "mirror"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n')
    (tmp_path / "studies" / "broken.toml").write_bytes(b"\xff")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_study_files_are_found_with_their_titles(folder: Path) -> None:
    assert completion.study_files("") == [("studies/tiny.toml", "Rock salts"), ("studies/sources/shelf.toml", "")]
    assert completion.study_files("studies/t") == [
        ("studies/tiny.toml", "Rock salts"),
    ]
    assert [path for path, _ in completion.study_files("studies/")] == [
        "studies/tiny.toml",
        "studies/sources/shelf.toml",
    ]
    assert completion.study_files("nowhere/at/all") == []
    assert completion.files_by_name() == {
        "tiny": Path("studies/tiny.toml"),
        "mirror": Path("studies/sources/shelf.toml"),
    }


def test_names_of_the_database_that_is_in_use(database: str) -> None:
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with Session(engine) as session, session.begin():
        small_study(session)
    engine.dispose()
    assert completion.source_names("") == ["shelf"]
    assert completion.source_names("x") == []
    assert "label" in completion.view_names("la")
    assert all(len(name) == 12 for name in completion.model_hashes(""))
    assert isinstance(completion.study_names(""), list)


@pytest.mark.parametrize("url", [None, "postgresql://u@127.0.0.1:1/d", "no address at all"])
def test_without_a_database_nothing_is_said_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], url: str | None
) -> None:
    if url is not None:
        monkeypatch.setenv("MATSIFT_DATABASE_URL", url)
    assert completion.study_names("") == completion.source_names("") == completion.view_names("") == []
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "home").exists()


def test_a_shell_asks_and_is_answered(folder: Path) -> None:
    environment = {**os.environ, "_MATSIFT_COMPLETE": "complete_bash", "COMP_WORDS": "matsift run ", "COMP_CWORD": "2"}
    program = "import sys; sys.argv[0] = 'matsift'; from matsift_flows.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment, cwd=folder
    )
    assert done.stdout.split() == ["studies/tiny.toml", "studies/sources/shelf.toml"]
    assert done.stderr == ""
