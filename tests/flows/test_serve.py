"""`matsift serve` and prefect.yaml on a real Prefect server: sources are scheduled there, run, and tell what came."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml
from tests.factories.structure_files import ROCK_SALT_CIF
from tests.flows.running import Command, one

from matsift.errors import StudyError, UserInputError
from matsift.study.loading import load_study
from matsift_flows.deployments import deployments, sync_source

CHECKOUT = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
MIRROR = """
[study]
name = "mirror"
title = "A mirror"

[[sources]]
kind = "files"
name = "shelf"
path = "shelf"
schedule = "0 4 * * *"

[[sources]]
kind = "files"
name = "gone"
path = "gone"
"""


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A file of two sources alone, one of which has no folder."""
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "halite.cif").write_text(ROCK_SALT_CIF)
    path = tmp_path / "mirror.toml"
    path.write_text(MIRROR)
    return path


def test_a_source_is_synced_and_says_what_came(
    mirror: Path, database: str, own_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sync_source.fn(str(mirror), "shelf")
    assert first == {**first, "source": "shelf", "new": 1, "changed": 0, "unchanged": 0, "withdrawn": 0, "failed": 0}
    n_run = one(database, "SELECT count(*) FROM matsift.run")
    again = sync_source.fn(str(mirror), "shelf")
    assert (again["new"], again["unchanged"]) == (0, 1)
    assert one(database, "SELECT count(*) FROM matsift.run") == n_run


def test_a_strange_source_is_told(mirror: Path, database: str, own_home: None) -> None:
    with pytest.raises(UserInputError, match=r"has no source 'shell' \(did you mean 'shelf'\?\); it has shelf, gone"):
        sync_source.fn(str(mirror), "shell")


def test_every_source_and_every_whole_study_gets_a_deployment(mirror: Path, study_path: Path) -> None:
    found = {deployed.name: deployed.cron for deployed in deployments([mirror, study_path], cron="0 3 * * *")}
    (source,) = load_study(study_path).sources
    assert found == {
        "sync/mirror.shelf": "0 4 * * *",
        "sync/mirror.gone": "0 3 * * *",
        f"sync/small.{source.name}": "0 3 * * *",
        "study/small": None,
    }


def test_a_schedule_that_is_none_is_told_even_where_no_source_would_take_it(mirror: Path) -> None:
    with pytest.raises(UserInputError, match="the schedule 'at noon' of --cron is no cron expression"):
        deployments([], cron="at noon")
    mirror.write_text(mirror.read_text().replace("0 4 * * *", "now and then"))
    with pytest.raises(UserInputError, match="the schedule 'now and then' of the source shelf is no cron expression"):
        deployments([mirror])


def test_a_file_of_sources_cannot_be_run_as_a_study(mirror: Path) -> None:
    with pytest.raises(StudyError, match="the key 'labels' is missing"):
        load_study(mirror)


def test_prefect_yaml_names_flows_and_sources_that_exist() -> None:
    planned = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text())["deployments"]
    for deployment in planned:
        study = load_study(CHECKOUT / deployment["parameters"]["study_path"])
        if "source" in deployment["parameters"]:
            assert deployment["parameters"]["source"] in {source.name for source in study.sources}
        assert deployment["concurrency_limit"]["limit"] == 1


@dataclass
class _Served:
    command: Command
    api: httpx.Client

    def asked(self, what: str, **body: Any) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self.api.post(f"/{what}/filter", json=body).raise_for_status().json()
        return answer

    def start(self, deployment: str) -> dict[str, Any]:
        """Return a new run of a deployment; a Prefect server that is too busy (503) is asked again for the same run."""
        asked = {"idempotency_key": uuid4().hex}
        path = f"/deployments/{deployment}/create_flow_run"
        made: dict[str, Any] = self.until(lambda: self.api.post(path, json=asked).raise_for_status().json())
        return made

    def until(self, condition: Callable[[], Any], seconds: float = 120) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.command.process.poll() is None, self.command.stderr
            try:
                if found := condition():
                    return found
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
        raise AssertionError(f"nothing in {seconds} s; {self.command.stdout} {self.command.stderr}")


@pytest.fixture
def served(mirror: Path, database_url: str, tmp_path: Path) -> Iterator[_Served]:
    """`matsift serve mirror.toml`, running, with a Prefect server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MATSIFT_", "PREFECT_"))}
    environment |= {"MATSIFT_DATABASE_URL": database_url, "MATSIFT_WORKERS": "1", "HOME": str(tmp_path)}
    environment["MATSIFT_HOME"] = str(tmp_path / "home")
    command = Command([str(SCRIPTS / "matsift"), "serve", str(mirror), "--port", port], environment, tmp_path / "log")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=20) as api:
        yield _Served(command, api)
    if command.process.poll() is None:
        command.process.send_signal(signal.SIGINT)
        command.wait(60)


@pytest.mark.slow
def test_serving_schedules_runs_and_reports(served: _Served, database_url: str, tmp_path: Path) -> None:
    listed = served.until(lambda: len(found := served.asked("deployments")) == 2 and found, seconds=240)
    by_name = {deployment["name"]: deployment for deployment in listed}
    assert [len(by_name[name]["schedules"]) for name in ("mirror.shelf", "mirror.gone")] == [1, 0]
    # With SQLAlchemy 2.1 Prefect 3.8 plans no run: docs/decisions/0007.
    served.until(lambda: served.asked("flow_runs", flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}}))

    key = by_name["mirror.shelf"]["id"]
    served.start(key)
    (summary,) = served.until(lambda: served.asked("artifacts"))[:1]
    assert '"new": 1' in summary["data"]
    assert one(database_url, "SELECT count(*) FROM matsift.source_entry") == 1

    key = by_name["mirror.gone"]["id"]
    made = served.start(key)
    waits = served.until(lambda: _state_of(served, made["id"]) == "AwaitingRetry")
    assert waits, "a folder that may come back is tried again later"

    assert (tmp_path / "home" / "prefect" / "tmp" / "runner_storage").is_dir(), "not in the folder that all users share"
    _deploy_to_pool(served, tmp_path)
    served.command.process.send_signal(signal.SIGINT)
    served.command.wait(60)
    with pytest.raises(httpx.HTTPError):
        served.api.get("/health")


def _state_of(served: _Served, key: str) -> str:
    return str(served.api.get(f"/flow_runs/{key}").raise_for_status().json()["state_name"])


def _deploy_to_pool(served: _Served, tmp_path: Path) -> None:
    """Deploy prefect.yaml, as its head says, from a copy of what it names."""
    shutil.copy(CHECKOUT / "prefect.yaml", tmp_path)
    environment = {
        **os.environ,
        "PREFECT_API_URL": str(served.api.base_url),
        "HOME": str(tmp_path),
        "PWD": str(tmp_path),
    }
    served.api.post("/work_pools/", json={"name": "matsift", "type": "process"}).raise_for_status()
    words = [str(SCRIPTS / "prefect"), "--no-prompt", "deploy", "--all"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = {deployment["name"] for deployment in served.asked("deployments")}
    assert names >= {"na_electrolytes", "na_electrolytes.matsift-prototypes"}
