"""The same study under Prefect: flows and chunks are recorded there, nothing secret is, and the results are equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL
from prefect.testing.utilities import prefect_test_harness
from sqlalchemy import make_url
from tests.flows.running import Finished, row_counts, said
from tests.postgres import PostgresServer

from matsift_flows.orchestration import keep_summary, prefect_is_configured
from matsift_flows.study import study_flow

pytestmark = pytest.mark.slow

PASSWORD = "correct-horse-battery-staple"
FLOWS = {"study", "ingest", "judge", "group", "featurize", "train", "screen", "acquire", "label", "predict", "report"}
TASKS = {"write entries", "group chunk", "featurize chunk", "train model", "label acquisitions"}


@pytest.fixture(scope="module")
def prefect() -> Iterator[SyncPrefectClient]:
    """A client of a Prefect server of our own, with an empty database."""
    with prefect_test_harness(server_startup_timeout=180), get_client(sync_client=True) as client:
        yield client


@pytest.fixture(scope="module")
def secret_user(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a user who needs a password."""
    name = "prefect_tester"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{PASSWORD}'".encode())
    yield name
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP ROLE {name}".encode())


def _all_flow_runs(client: SyncPrefectClient) -> list[FlowRun]:
    return client.read_flow_runs(limit=200)


def test_without_an_api_prefect_is_left_out() -> None:
    assert not prefect_is_configured()


def test_study_under_prefect(
    prefect: SyncPrefectClient,
    secret_user: str,
    reference: Finished,
    study_path: Path,
    new_url: Callable[[], str],
    postgres_server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = new_url()
    database = make_url(url).database
    assert database is not None
    monkeypatch.setenv("MATSIFT_DATABASE_URL", postgres_server.tcp_url(database, secret_user, PASSWORD))
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path))
    monkeypatch.setenv("MATSIFT_WORKERS", "2")

    added = study_flow(str(study_path))

    assert added["prediction"] == reference.counts["prediction"]
    assert row_counts(url) == reference.counts
    assert said(url) == reference.said

    names = {flow.id: flow.name for flow in prefect.read_flows()}
    runs = _all_flow_runs(prefect)
    assert {names[run.flow_id] for run in runs} == FLOWS
    assert {run.state_name for run in runs} == {"Completed"}
    assert sum(run.parent_task_run_id is None for run in runs) == 1
    chunks = Counter(run.name.rsplit("-", 1)[0] for run in prefect.read_task_runs(limit=200))
    assert chunks.keys() >= TASKS
    assert chunks["train model"] == reference.counts["model_version"]
    study_run = next(run for run in runs if names[run.flow_id] == "study")
    assert study_run.parameters["study_path"] == str(study_path)

    server_file = make_url(PREFECT_SERVER_DATABASE_CONNECTION_URL.value()).database
    assert server_file is not None
    stored = b"".join(path.read_bytes() for path in Path(server_file).parent.iterdir() if path.is_file())
    assert b"<Workspace>" in stored
    assert PASSWORD.encode() not in stored
    assert "Traceback" not in capfd.readouterr().err

    (kept,) = [artifact for artifact in prefect.read_artifacts() if artifact.key == "study-summary"]
    assert kept.flow_run_id == study_run.id
    assert f"| prediction | {reference.counts['prediction']} |" in str(kept.data)

    assert study_flow(str(study_path)) == {}
    assert len(_all_flow_runs(prefect)) > len(runs)
    assert row_counts(url) == reference.counts


def test_a_summary_is_kept_beside_its_flow_run_and_nowhere_else(prefect: SyncPrefectClient) -> None:
    @flow(name="summarized")
    def summarized() -> None:
        keep_summary("tried-summary", "Study x: tried", {"prediction": 3, "report": "a|b\nc"})

    keep_summary("tried-summary", "outside of a flow run", {})
    summarized()
    (kept,) = [artifact for artifact in prefect.read_artifacts() if artifact.key == "tried-summary"]
    assert kept.flow_run_id is not None
    assert kept.data == "## Study x: tried\n\n| | |\n|---|---|\n| prediction | 3 |\n| report | a\\|b c |\n"
