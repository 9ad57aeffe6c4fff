"""A whole study with MATSIFT_LOG: its lines name the runs that the database holds, and tell no password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.factories.kill_study import KillStudy
from tests.flows.running import rows

from matsift.study.loading import load_study
from matsift_adapters.settings import Settings
from matsift_flows.ingest import ingest
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace

pytestmark = pytest.mark.slow


def test_lines_name_the_run_of_the_database(database_url: str, tmp_path: Path) -> None:
    study = load_study(KillStudy(tmp_path / "study").path, ())
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(database_url), workers=1, log="file")
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        invoke(ingest, workspace, study, tmp_path / "study")
    (path,) = (tmp_path / "home" / "logs").iterdir()
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ((run, flow),) = rows(database_url, "SELECT id, flow FROM matsift.run")
    (counted,) = [line for line in found if "of" in line.get("counts", {})]
    assert (counted["run"], counted["flow"], counted["study"]) == (run, flow, "kills")
    assert counted["counts"]["done"] == 100
    assert [line["message"] for line in found][:: len(found) - 1] == ["began", "ended"]
