"""`matsift status`: what is there, what failed, what to do next, at any width, coloured only where somebody sees it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from tests.factories.hostile import matsift, write_study
from tests.factories.pipeline import small_study

from matsift_flows.cli import status_lines
from matsift_flows.cli.next_steps import never_run, next_steps
from matsift_flows.cli.tables import Column, table_lines
from matsift_schema.store.counts import row_counts
from matsift_schema.store.overview import (
    CampaignState,
    FailureState,
    ModelState,
    Overview,
    SourceState,
    StudyState,
    UnfinishedRun,
)

_THEN = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
_COLOUR = re.compile(r"\x1b\[\d+m")
_FILES = {"salts": Path("studies/salts.toml")}
_STUDY = StudyState("salts", "report", _THEN, False, ["ingest", "train"], 1_204_311, 812_000, 12, "file:///r", _THEN)
_CAMPAIGN = CampaignState(
    "salts", "salts-k_vrh-exploration", "k_vrh", "exploration", "vasp", 2, 8, 0, 0, 0, 0, [], "rounds"
)
_EMPTY = Overview(0, 0, 0, 0, 0, [], [], [], [], [], [])
_FULL = Overview(
    1_234_567,
    9_342,
    1_310,
    12,
    80_000,
    [
        SourceState(
            "materials-project", "materials_project", "CC-BY-4.0 and others", 1_234_567, 1_234_000, 9, 567, _THEN
        )
    ],
    [_STUDY],
    [ModelState("k_vrh", "GPa", "lightgbm_ensemble", "ab" * 32, 632, 0.89, 15.3, _THEN, 3)],
    [_CAMPAIGN],
    [UnfinishedRun("salts", "train", "failed", _THEN, "the disk is full")],
    [FailureState("descriptor", "DescriptorTimeout", 17, 17, _THEN, "took longer than 60 s " * 9, "salts")],
)


def commands(found: Overview | None) -> list[str]:
    return [step.command for step in next_steps(found, _FILES)]


@pytest.mark.parametrize("width", range(60, 201, 20))
def test_lines_fit_the_terminal_and_keep_what_cannot_wait(width: int) -> None:
    lines = [*status_lines.holdings(_FULL, width), *status_lines.failures(_FULL, width)]
    assert max(map(len, lines)) <= width
    said = "\n".join(lines)
    for kept in ("salts", "K_VRH", "lightgbm", "DescriptorTi", "unreadable", "all rounds"):
        assert kept in said


def test_a_file_gets_whole_rows() -> None:
    said = "\n".join(status_lines.failures(_FULL, None))
    assert "took longer than 60 s " * 8 in said


def test_a_table_leaves_out_columns_before_it_cuts_texts() -> None:
    columns = [Column("a", can_shrink=True), Column("b", can_wait=1), Column("n", is_numeric=True)]
    rows = [("x" * 30, "y" * 30, "7")]
    assert table_lines(columns, rows, 40, indent="") == ["a" + " " * 31 + "n", "x" * 30 + "  7"]
    assert table_lines(columns, rows, 20, indent="")[1] == "x" * 16 + "…  7"


def test_nothing_is_there_yet() -> None:
    assert commands(None) == commands(_EMPTY) == ["matsift run studies/salts.toml"]
    assert next_steps(None, {})[0].command == "matsift run studies/na_electrolytes.toml"
    assert next_steps(None, {})[0].why.endswith("in the folder of the project")


def test_what_was_interrupted_is_continued_first() -> None:
    interrupted = replace(_FULL, unfinished=[UnfinishedRun("salts", "train", "interrupted", _THEN, None)])
    assert next_steps(interrupted, _FILES)[0].why == "salts was interrupted in train; the same command continues it"
    assert commands(interrupted)[0] == "matsift run studies/salts.toml"
    mirror = replace(_STUDY, flows=["ingest", "group"], report_uri=None, reported_at=None)
    assert commands(replace(interrupted, studies=[mirror]))[0] == "matsift ingest studies/salts.toml"
    running = replace(_STUDY, is_running=True)
    assert "interrupted" not in next_steps(replace(interrupted, studies=[running]), _FILES)[0].why


def test_acquisitions_that_wait_name_the_command_that_brings_results() -> None:
    held = replace(_CAMPAIGN, n_claimed=3, n_expired=1, holders=["anna"], stopped_by=None)
    steps = next_steps(replace(_FULL, unfinished=[], campaigns=[held]), _FILES)
    assert steps[0].why == "3 acquisitions of salts wait for results of anna, 1 beyond their lease"
    assert steps[0].command == "matsift label studies/salts.toml --from DIR"
    nobody = replace(_CAMPAIGN, n_open=1, stopped_by=None)
    steps = next_steps(replace(_FULL, unfinished=[], campaigns=[nobody]), {})
    assert steps[0].why == "1 acquisition of salts wait for somebody to compute them"
    assert steps[0].command == "matsift claim SALTS.toml --worker NAME --out DIR"


def test_campaigns_that_can_go_on_and_failures_that_can_be_tried_again() -> None:
    can = replace(_FULL, unfinished=[], campaigns=[replace(_CAMPAIGN, stopped_by=None)])
    assert commands(can) == [
        "matsift campaign resume studies/salts.toml",
        "matsift run studies/salts.toml --retry-failed",
        "matsift db shell -c \"SELECT subject, message FROM analysis.failure WHERE stage = 'parse'\"",
        "matsift rank studies/salts.toml --top 10",
    ]


def test_files_that_never_ran_are_named_but_not_those_of_sources_alone() -> None:
    files = {**_FILES, "other": Path("studies/other.toml"), "cod": Path("studies/sources/cod.toml")}
    assert never_run(_FULL, files) == [Path("studies/other.toml")]


@pytest.mark.usefixtures("own_home")
def test_a_database_that_was_never_made_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = matsift("status").done()
    assert said.startswith(f"There is no database in {tmp_path}/home yet")
    assert "matsift run" in said or "run studies/na_electrolytes.toml" in said
    assert json.loads(matsift("status", "--json").done())["never_run"] == []
    assert matsift("status", "--rows").done() == ""
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("own_home")
def test_what_a_study_left_is_told_and_json_keeps_the_rows_of_each_table(database: str) -> None:
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with Session(engine) as session, session.begin():
        small_study(session)
        session.execute(text("UPDATE matsift.run SET status = 'completed', ended_at = now()"))
    with Session(engine) as session:
        counts = row_counts(session)
    engine.dispose()
    said = matsift("status").done()
    assert not _COLOUR.search(said)
    for words in ("What is there", "shelf", "shelf_study", "What failed", "What to do next"):
        assert words in said
    told = json.loads(matsift("status", "--json").done())
    assert {table: told[table] for table in counts} == counts
    assert [source["name"] for source in told["sources"]] == ["shelf"]
    assert told["n_structure"] == counts["structure"]
    assert all(step["command"].endswith(step["command"].rpartition("matsift ")[2]) for step in told["next"])
    rows = matsift("status", "--rows").done()
    assert f"{'structure':<24}{counts['structure']:>10}\n" in rows


@pytest.mark.usefixtures("own_home")
def test_a_run_that_failed_is_told_with_its_reason(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_study(tmp_path / "studies")
    matsift("ingest", study).done()
    monkeypatch.chdir(tmp_path)
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE matsift.run SET status = 'failed', message = 'the disk is full' WHERE flow = 'ingest'")
        )
    engine.dispose()
    said = matsift("status").done()
    assert "tiny: the disk is full" in said
    assert "tiny failed in ingest (the disk is full); once that is mended:\n" in said
    assert "studies/tiny.toml\n" in said


@pytest.mark.parametrize(("variable", "coloured"), [(None, True), ("NO_COLOR", False)])
def test_colours_are_shown_on_a_terminal_only_and_never_against_the_wish(
    tmp_path: Path, variable: str | None, coloured: bool
) -> None:
    environment = {**os.environ, "MATSIFT_HOME": str(tmp_path / "home"), "TERM": "xterm", "COLUMNS": "60"}
    environment.pop("NO_COLOR", None)
    if variable:
        environment[variable] = "1"
    master, slave = pty.openpty()
    command = [sys.executable, "-c", "from matsift_flows.cli import main; main()", "status"]
    done = subprocess.run(command, check=True, stdout=slave, stderr=subprocess.PIPE, env=environment, cwd=tmp_path)
    os.close(slave)
    said = os.read(master, 65536).decode()
    os.close(master)
    assert done.stderr == b""
    assert bool(_COLOUR.search(said)) == coloured
    assert "What to do next" in said
