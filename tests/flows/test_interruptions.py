"""A run that is killed, stopped or bereft of its server goes on with the same command and ends as if nothing had been.

`make test` kills three times; MATSIFT_KILLS=8 kills in every stage.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from pydantic import SecretStr
from tests.flows.preloaded import Preloaded, starter
from tests.flows.running import Finished, one, row_counts, rows, run_here, said

from matsift.study.loading import load_study
from matsift_adapters.embedded_postgres import EmbeddedPostgres
from matsift_adapters.settings import Settings
from matsift_flows.featurize import featurize
from matsift_flows.ingest import ingest
from matsift_flows.judge import judge
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.engine import make_engine

pytestmark = pytest.mark.slow

#: Starts `matsift run STUDY` with a home and a database, None for the embedded one.
Start = Callable[[Path, Path, str | None], Preloaded]

N_KILL = int(os.environ.get("MATSIFT_KILLS", "3"))
SEED = 20261121


@dataclass(frozen=True)
class Moment:
    """A moment of a run: as soon as a query counts at least `share` of the rows it counts in the end, and a while."""

    stage: str
    count: str
    share: float
    wait_s: float


def _moments(chance: random.Random) -> list[Moment]:
    """Return a random moment in each stage of a study, in their order."""

    def of(stage: str, table: str, *, share: tuple[float, float] = (0.0, 0.9), wait_s: float = 0.3) -> Moment:
        return Moment(stage, f"SELECT count(*) FROM matsift.{table}", chance.uniform(*share), chance.uniform(0, wait_s))

    return [
        Moment("start", "SELECT 0", 0.0, chance.uniform(0.1, 3.0)),
        of("ingest", "run WHERE flow = 'ingest'"),
        of("featurize", "descriptor", wait_s=0.1),
        of("train", "model_version", share=(0.0, 0.6)),
        of("propose", "campaign_round", share=(0.0, 0.5), wait_s=0.1),
        of("label", "acquisition_event", share=(0.1, 0.6), wait_s=8.0),
        of("label", "acquisition WHERE status = 'labelled'", wait_s=1.0),
        of("learn", "model_version", share=(0.67, 0.99), wait_s=0.1),
    ]


def _chosen(n: int) -> list[Moment]:
    chance = random.Random(SEED)
    every = _moments(chance)
    return [every[i] for i in sorted(chance.sample(range(len(every)), min(n, len(every))))]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Processes of their own, forked from one that has loaded what each would need eight seconds to load."""
    folder = tmp_path_factory.mktemp("commands")
    with starter(folder, folder) as commands:

        def run(study: Path, home: Path, url: str | None) -> Preloaded:
            chosen = {} if url is None else {"MATSIFT_DATABASE_URL": url}
            return commands.start("run", str(study), MATSIFT_HOME=str(home), MATSIFT_WORKERS="2", **chosen)

        yield run


def _wait_for(command: Preloaded, url: str, moment: Moment, reference: Finished) -> None:
    goal = max(moment.share * one(reference.url, moment.count), 1 if moment.stage != "start" else 0)
    with psycopg.connect(url, autocommit=True) as connection:
        while command.is_running:
            row = connection.execute(moment.count.encode()).fetchone()
            assert row is not None
            if row[0] >= goal:
                break
            time.sleep(0.005)
    time.sleep(moment.wait_s)


def _children(command: Preloaded) -> list[psutil.Process]:
    try:
        return psutil.Process(command.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.full
def test_kill_9_at_random_moments_leaves_no_trace(
    reference: Finished, study_path: Path, new_url: Callable[[], str], start: Start, tmp_path: Path
) -> None:
    url, killed = new_url(), []
    for moment in _chosen(N_KILL):
        command = start(study_path, tmp_path, url)
        _wait_for(command, url, moment, reference)
        if command.kill() == -signal.SIGKILL:
            killed.append(moment.stage)
    last = start(study_path, tmp_path, url)

    assert last.wait() == 0, last.stderr
    assert len(killed) >= N_KILL - 1, "the run was over before it could be killed"
    assert said(url) == reference.said
    assert row_counts(url) == reference.counts
    assert rows(url, "SELECT count(*) FROM matsift.run WHERE status NOT IN ('completed', 'interrupted')") == [(0,)]
    again = start(study_path, tmp_path, url)
    assert again.wait() == 0
    assert "0 rows were added" in again.stdout
    assert row_counts(url) == reference.counts


def test_kill_after_the_last_row_of_a_step_leaves_no_trace(
    reference: Finished, study_path: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    """The row of such a run stays open although all is done: the next step of the same kind is another run."""
    url, study = new_url(), load_study(study_path)
    settings = Settings(home=tmp_path, database_url=SecretStr(url), workers=2)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        invoke(ingest, workspace, study, study_path.parent)
        invoke(judge, workspace, study)
        invoke(featurize, workspace, study)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE matsift.run SET status = 'running', ended_at = NULL")

    run_here(study_path, url, tmp_path)

    assert row_counts(url) == reference.counts
    assert rows(url, "SELECT flow, message FROM matsift.run WHERE status <> 'completed' ORDER BY flow") == [
        (flow, "it ended without notice") for flow in ("featurize", "ingest", "judge")
    ]


def test_second_command_is_refused_and_ctrl_c_can_be_continued(
    reference: Finished, study_path: Path, new_url: Callable[[], str], start: Start, tmp_path: Path
) -> None:
    url = new_url()
    first = start(study_path, tmp_path / "first", url)
    _wait_for(first, url, Moment("featurize", "SELECT count(*) FROM matsift.descriptor", 0.0, 0.0), reference)
    second = start(study_path, tmp_path / "second", url)

    assert second.wait() == 1
    (sentence,) = second.stderr.splitlines()[1:]
    assert sentence.startswith("matsift: another process is running the study small; ")
    assert first.is_running

    labelled = "SELECT count(*) FROM matsift.acquisition WHERE status = 'labelled'"
    _wait_for(first, url, Moment("label", labelled, 0.0, 0.0), reference)
    workers = _children(first)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: to the command and its workers
    assert first.wait(30) == 128 + signal.SIGINT
    assert first.stderr.splitlines()[-1] == "matsift: stopped; what was done is kept, the same command continues"
    assert "Traceback" not in first.stderr
    assert _all_gone(workers)
    assert set(rows(url, "SELECT status, message FROM matsift.run WHERE status <> 'completed'")) <= {
        ("interrupted", "stopped by the user")
    }

    third = start(study_path, tmp_path / "first", url)
    assert third.wait() == 0, third.stderr
    assert said(url) == reference.said
    assert row_counts(url) == reference.counts
    assert rows(url, "SELECT DISTINCT status FROM matsift.run") == [("completed",)]


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A folder for an embedded server, which is stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="msft-"))
    yield folder / "home"
    EmbeddedPostgres(folder / "home" / "postgres").stop()
    shutil.rmtree(folder)


def test_killed_server_is_told_in_one_sentence_and_started_by_the_same_command(
    reference: Finished, study_path: Path, short_home: Path, start: Start
) -> None:
    server = EmbeddedPostgres(short_home / "postgres")
    url = server.start()
    command = start(study_path, short_home, None)
    while command.is_running and not _has_schema(url):
        time.sleep(0.05)
    _wait_for(command, url, Moment("featurize", "SELECT count(*) FROM matsift.descriptor", 0.2, 0.0), reference)
    workers = [p for p in _children(command) if "postgres" not in p.name()]
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    assert command.wait(60) == 1
    told = [line for line in command.stderr.splitlines() if not line.startswith((" ", "Study small"))]
    assert len(told) == 1, command.stderr
    assert told[0].startswith("matsift: the connection to the database was lost (")
    assert told[0].endswith("run the same command again, it continues")
    assert _all_gone(workers)

    again = start(study_path, short_home, None)
    assert again.wait() == 0, again.stderr
    restarted = server.url()
    assert restarted is not None
    assert said(restarted) == reference.said
    assert row_counts(restarted) == reference.counts


def _has_schema(url: str) -> bool:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT to_regclass('matsift.descriptor') IS NOT NULL").scalar())
    finally:
        engine.dispose()
