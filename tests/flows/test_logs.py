"""Structured logs: a JSON object a line that says what it is about, on stderr or in a file, and tells no password."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import SecretStr
from rich.console import Console

from matsift.errors import UserInputError
from matsift_adapters.settings import Settings
from matsift_flows import logs
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.progress import Reporter

KEYS = {"time", "level", "flow", "run", "study", "stage", "message", "process"}


@dataclass(frozen=True)
class Row:
    row_id: int | None


@dataclass(frozen=True)
class Named:
    """What a flow takes: a workspace that reports, a study that has a name."""

    reporter: Reporter | None = None
    name: str = ""


def settings(home: Path, log: Literal["plain", "json", "file"]) -> Settings:
    return Settings(home=home, log=log, database_url=SecretStr("postgresql://me:s3cret@db.example.org/x"))


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def in_file(home: Path) -> list[dict[str, Any]]:
    (path,) = (home / "logs").iterdir()
    assert path.name == f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
    return lines(path.read_text(encoding="utf-8"))


def quiet_reporter() -> Reporter:
    return Reporter(Console(file=StringIO()), quiet=True)


def test_a_line_says_what_it_is_about(tmp_path: Path) -> None:
    with logs.written(settings(tmp_path, "file")):
        quiet_reporter().say("nothing yet")
        with logs.about(flow="label", study="wide_gap", run=Row(17)), logs.about(stage="oracle"):
            quiet_reporter().warn("  the oracle is slow")
    before, line = in_file(tmp_path)
    assert line.keys() == before.keys() == KEYS
    said = {key: line[key] for key in KEYS - {"time", "process"}}
    assert said == {
        "level": "warning",
        "flow": "label",
        "run": 17,
        "study": "wide_gap",
        "stage": "oracle",
        "message": "the oracle is slow",
    }
    assert (before["level"], before["flow"], before["run"]) == ("info", None, None)
    moment = datetime.fromisoformat(line["time"])
    assert timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=5)


def test_a_run_is_named_as_soon_as_it_has_a_row(tmp_path: Path) -> None:
    with logs.written(settings(tmp_path, "file")), logs.about(run=Row(None)):
        quiet_reporter().say("looked")
    assert in_file(tmp_path)[0]["run"] is None


def test_work_is_counted(tmp_path: Path) -> None:
    with logs.written(settings(tmp_path, "file")), quiet_reporter().work("ingest shelf", 3, "entries") as advance:
        advance(2)
        advance(1, failed=1)
    (line,) = in_file(tmp_path)
    assert line["stage"] == "ingest shelf"
    assert line["counts"].pop("seconds") >= 0
    assert line["counts"] == {"done": 3, "failed": 1, "of": 3}


def test_a_flow_begins_and_ends(tmp_path: Path) -> None:
    @inner_flow("inner")
    def inner(workspace: Named, study: Named) -> int:
        assert workspace.reporter is not None
        workspace.reporter.say(f"at {study.name}")
        return 6

    with logs.written(settings(tmp_path, "file")):
        assert invoke(inner, Named(quiet_reporter()), Named(name="wide_gap")) == 6
    found = in_file(tmp_path)
    assert [line["message"] for line in found] == ["began", "at wide_gap", "ended"]
    assert {(line["flow"], line["study"]) for line in found} == {("inner", "wide_gap")}
    assert "seconds" in found[-1]["counts"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UserInputError("no such file;\nname another"), "UserInputError: no such file; name another"),
        (ValueError("no such file\nin all of these"), "ValueError: no such file"),
    ],
    ids=["ours", "another"],
)
def test_what_ended_a_flow_is_an_error_in_one_line(tmp_path: Path, error: Exception, told: str) -> None:
    @inner_flow("inner")
    def inner(workspace: Named) -> None:
        assert workspace.reporter is None
        raise error

    with logs.written(settings(tmp_path, "file")), pytest.raises(type(error)):
        invoke(inner, Named())
    line = in_file(tmp_path)[-1]
    assert (line["level"], line["message"], line["study"]) == ("error", told, None)


def test_json_takes_the_place_of_plain_lines_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(settings(tmp_path, "json")):
        reporter = Reporter()
        reporter.say("one")
        reporter.warn("two")
        with reporter.busy("three"), reporter.work("four", 1, "things") as advance:
            advance()
    Reporter().say("plain again")
    told = capsys.readouterr()
    *of_json, last = told.err.splitlines()
    assert [line["message"].split(":")[0] for line in map(json.loads, of_json)] == ["one", "two", "four"]
    assert (last, told.out) == ("plain again", "")
    assert not (tmp_path / "logs").exists()


def test_a_file_stands_beside_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(settings(tmp_path, "file")):
        Reporter().say("one")
        Reporter().warn("two")
    assert capsys.readouterr().err == "one\ntwo\n"
    assert [line["message"] for line in in_file(tmp_path)] == ["one", "two"]


def test_nothing_is_written_unless_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with logs.written(settings(tmp_path, "plain")):
        Reporter().warn("once")
    assert capsys.readouterr().err == "once\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "said",
    [
        "no PostgreSQL can be used at postgresql://me:s3cret@db.example.org:5432/x",
        "postgresql+psycopg://me:s3cret@db.example.org/x and https://ada:s3cret@files.example.org",
        'a "quoted" postgresql://:s3cret@h/x',
    ],
)
def test_no_password_is_logged(tmp_path: Path, said: str) -> None:
    with logs.written(settings(tmp_path, "file")):
        quiet_reporter().say(said)
    line = in_file(tmp_path)[0]
    assert "s3cret" not in json.dumps(line)
    assert ":***@" in line["message"]


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with pytest.raises(UserInputError, match=r"the log .*jsonl cannot be written \(.*\); .* MATSIFT_LOG=json$"):
        logs.written(settings(tmp_path, "file")).__enter__()


@pytest.mark.parametrize("wanted", ["plain", "json", "file"])
def test_no_handler_stays_behind(tmp_path: Path, wanted: Literal["plain", "json", "file"]) -> None:
    before = list(logs.LOGGER.handlers)
    with pytest.raises(RuntimeError), logs.written(settings(tmp_path, wanted)):
        raise RuntimeError("out")
    assert logs.LOGGER.handlers == before
    assert not logs.takes_stderr()


def test_an_unknown_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_LOG", "xml")
    with pytest.raises(UserInputError, match="MATSIFT_LOG is not usable: Input should be 'plain', 'json' or 'file'"):
        Settings.load()


def test_whoever_has_handlers_of_their_own_gets_the_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    own = logging.Handler()
    monkeypatch.setattr(own, "emit", lambda record: heard.append(record.getMessage()))
    monkeypatch.setattr(logs.LOGGER, "handlers", [*logs.LOGGER.handlers, own])
    quiet_reporter().say("heard")
    assert heard == ["heard"]


def test_no_other_logger_prints_the_lines_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefect's import gives the root logger a handler that writes to stderr."""
    heard: list[str] = []
    of_root = logging.Handler()
    monkeypatch.setattr(of_root, "emit", lambda record: heard.append(record.getMessage()))
    monkeypatch.setattr(logging.getLogger(), "handlers", [of_root])
    quiet_reporter().say("once")
    assert heard == []
