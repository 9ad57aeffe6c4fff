"""The queries that the end of a run proposes run as they are printed, and so does the command before them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.study.loading import load_study, parse_study
from matsift.study.settings import Study
from matsift_flows.cli.queries import queries_to_try, shell_command

ROOT = Path(__file__).parents[2]
STUDIES = ("na_electrolytes", "softbv_oxides")
IN_README = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("study", STUDIES)
def test_a_shipped_study_proposes_three_queries_that_run_on_the_newest_schema(session: Session, study: str) -> None:
    proposed = queries_to_try(load_study(ROOT / "studies" / f"{study}.toml"))
    assert len(proposed) == 3
    for title, query in proposed:
        assert session.execute(text(query)).all() == [], title
        assert '"' not in query  # stands in double quotes in the command line


def test_the_readme_shows_three_queries() -> None:
    assert len(IN_README) == 3


@pytest.mark.parametrize("query", IN_README)
def test_the_queries_of_the_readme_run_on_the_newest_schema(session: Session, query: str) -> None:
    assert session.execute(text(query)).all() == []


@pytest.mark.parametrize(
    ("ranking", "order"),
    [
        ({"property": "g_vrh"}, "ORDER BY g_vrh_lower_gpa DESC"),
        ({"property": "k_vrh", "by": "mean", "goal": "minimize"}, "ORDER BY k_vrh_gpa ASC"),
        ({"property": "band_gap", "by": "upper"}, "ORDER BY g_vrh_upper_gpa DESC"),
    ],
    ids=["lower bound", "lowest mean", "a property without columns"],
)
def test_the_best_candidates_are_ordered_as_the_study_ranks(
    session: Session, ranking: dict[str, Any], order: str
) -> None:
    query = queries_to_try(_study(ranking))[0][1]
    assert order in query
    session.execute(text(query))


@pytest.mark.parametrize(
    ("called", "path", "home", "command"),
    [
        ("bin/matsift", "", "", "bin/matsift db shell -c"),
        ("bin/matsift", "bin", "", "matsift db shell -c"),
        ("bin/matsift", "", "/data/my studies", "MATSIFT_HOME='/data/my studies' bin/matsift db shell -c"),
    ],
    ids=["by its path", "on PATH", "with a home"],
)
def test_the_command_is_written_as_the_user_called_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str, path: str, home: str, command: str
) -> None:
    program = tmp_path / called
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(program) if path else called, "run", "study.toml"])
    monkeypatch.setenv("PATH", str(tmp_path / path) if path else "/nowhere")
    monkeypatch.setenv("MATSIFT_HOME", home)
    assert shell_command() == command


def test_a_program_outside_the_folder_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("MATSIFT_HOME", raising=False)
    monkeypatch.setattr(sys, "argv", ["/opt/matsift/bin/matsift"])
    assert shell_command() == "/opt/matsift/bin/matsift db shell -c"


def _study(ranking: dict[str, Any]) -> Study:
    return parse_study(
        {
            "study": {"name": "tiny", "title": "Tiny"},
            "sources": [{"kind": "bundled"}],
            "labels": {"properties": [ranking["property"]]},
            "descriptors": {"sets": ["mp"]},
            "campaign": {"rounds": 0},
            "ranking": ranking,
        },
        "tiny.toml",
    )
