"""Running a study in this process or as the command that a user types, and reading what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr

from matsift.reports.data import RankingReport
from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.study import StudyRun, run_study
from matsift_flows.workspace import open_workspace

#: What models and campaigns said, by names that mean the same in every database.
_SAID = {
    "snapshots": "SELECT content_hash FROM matsift.dataset_snapshot",
    "predictions": """
        SELECT m.content_hash, s.content_hash, p.mean, p.spread, p.lower, p.upper, p.members FROM matsift.prediction p
        JOIN matsift.model_version m ON m.id = p.model_version_id JOIN matsift.structure s ON s.id = p.structure_id
    """,
    "models": "SELECT content_hash, artifact_sha256, calibration FROM matsift.model_version",
    "evaluations": """
        SELECT m.content_hash, e.metric, e.subset, e.value FROM matsift.evaluation e
        JOIN matsift.model_version m ON m.id = e.model_version_id
    """,
    "acquisitions": """
        SELECT c.content_hash, r.number, s.content_hash, a.rank, a.score, a.status, l.value FROM matsift.acquisition a
        JOIN matsift.campaign c ON c.id = a.campaign_id JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
        JOIN matsift.structure s ON s.id = a.structure_id LEFT JOIN matsift.label l ON l.id = a.label_id
    """,
    "screen_outcomes": """
        SELECT c.content_hash, s.content_hash, o.criterion, o.outcome, o.value_seen FROM matsift.screen_outcome o
        JOIN matsift.screen c ON c.id = o.screen_id JOIN matsift.structure s ON s.id = o.structure_id
    """,
}


@dataclass(frozen=True)
class Finished:
    """A study that has come to its end: rows by table, what it said, the ranked structures and how long it took."""

    counts: dict[str, int]
    said: dict[str, list[str]]
    ranked: tuple[str, ...]
    report: Path
    seconds: float
    url: str
    home: Path


def run_here(
    study: Path, url: str, home: Path, *, overrides: Sequence[str] = (), retry_failed: bool = False, workers: int = 2
) -> StudyRun:
    """Run a study in this process."""
    settings = Settings(home=home, database_url=SecretStr(url), workers=workers)
    with open_workspace(settings, Reporter(quiet=True), retry_failed=retry_failed) as workspace:
        return run_study(workspace, load_study(study, overrides), study.parent)


def finished(url: str, home: Path, result: StudyRun, seconds: float = 0.0) -> Finished:
    """Return what a study left in its database."""
    return Finished(row_counts(url), said(url), ranked(result), result.written.path, seconds, url, home)


def ranked(result: StudyRun) -> tuple[str, ...]:
    """Return the content hashes of the structures that a study ranks, the best first."""
    report = result.written.report
    assert isinstance(report, RankingReport)
    return tuple(row.candidate.structure_hash for row in report.ranking.ranked)


def start_command(study: Path, home: Path, url: str | None, *arguments: str) -> Command:
    """Start `matsift run STUDY` as a process of its own, in a process group of its own."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("MATSIFT_")}
    own.update({"MATSIFT_HOME": str(home), "MATSIFT_WORKERS": "2"})
    if url is not None:
        own["MATSIFT_DATABASE_URL"] = url
    return Command([str(Path(sys.executable).parent / "matsift"), "run", str(study), *arguments], own, home)


@dataclass(frozen=True)
class Continued:
    """A study that was killed and continued to its end: file, database, home, result, rows by table."""

    path: Path
    url: str
    home: Path
    result: StudyRun
    counts: dict[str, int]
    n_before: int


def killed_and_continued(path: Path, url: str, home: Path, counted: str, **how: Any) -> Continued:
    """Run a study, kill it when two rows of a table are there, and run it again to its end.

    `n_before` counts the rows of that table when it was killed; `how` are arguments of `run_here`.
    """

    def n_row() -> int:
        return int(one(url, f"SELECT count(*) FROM matsift.{counted}"))

    command = start_command(path, home, url)
    while command.process.poll() is None and n_row() < 2:
        time.sleep(0.02)
    command.process.kill()
    command.wait()
    n_before = n_row()
    result = run_here(path, url, home, **how)
    return Continued(path, url, home, result, row_counts(url), n_before)


def _listen_to_ctrl_c() -> None:
    """Undo what a shell does to its background jobs, in which the tests may run: they ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """A running command whose output goes to files, so that no pipe fills up or keeps it waiting."""

    def __init__(self, words: Sequence[str], environment: dict[str, str], home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        number = len(list(home.glob("*.err")))
        self._out, self._err = home / f"{number}.out", home / f"{number}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                words,
                env=environment,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=_listen_to_ctrl_c,  # noqa: PLW1509  it only sets a signal, and the tests start no threads
            )

    @property
    def stdout(self) -> str:
        return self._out.read_text()

    @property
    def stderr(self) -> str:
        return self._err.read_text()

    def wait(self, seconds: float = 300) -> int:
        """Return the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def one(url: str, query: str) -> Any:
    """Return the single value of a query."""
    return rows(url, query)[0][0]


def row_counts(url: str) -> dict[str, int]:
    """Return table -> number of rows, counted without the project's own code."""
    tables = [name for (name,) in rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'matsift'")]
    return {name: one(url, f'SELECT count(*) FROM matsift."{name}"') for name in sorted(tables)}


def said(url: str) -> dict[str, list[str]]:
    """Return what models and campaigns said, floats with all their bits, in an order that no database id decides."""
    return {name: sorted(map(repr, rows(url, query))) for name, query in _SAID.items()}
