"""`matsift doctor` as it is typed, on the database of the small study and on servers in need."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.flows.running import Finished
from typer.testing import CliRunner

from matsift_flows import health
from matsift_flows.cli.app import app
from matsift_schema.store.health import ServerHealth

SERVER = ServerHealth("18.4", "0.8.5", 2**30, datetime(2026, 1, 1, tzinfo=UTC), 3, 100, 0, 0.0)


@pytest.fixture
def home(reference: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the small study's folder, which the command uses with its database."""
    shutil.copytree(reference.home, tmp_path / "home")
    monkeypatch.setenv("MATSIFT_DATABASE_URL", reference.url)
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def asked() -> tuple[int, dict[str, dict[str, str]]]:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    return done.exit_code, {one["about"]: one for one in json.loads(done.stdout)}


@pytest.mark.usefixtures("home")
def test_a_finished_study_is_well() -> None:
    code, found = asked()
    assert code == 0
    assert list(found) == ["matsift", "database", "disk", "clock", "connections", "leases", "artifacts"]
    assert {one["verdict"] for name, one in found.items() if name != "disk"} == {"well"}
    assert "PostgreSQL 18" in found["database"]["told"]


def test_missing_and_spare_artifacts_are_told(home: Path) -> None:
    first, *_ = sorted(path for path in (home / "artifacts").rglob("*") if path.is_file())
    first.rename(first.with_name("0" * 64 + "".join(first.suffixes)))
    code, found = asked()
    assert code == 1
    assert found["artifacts"]["verdict"] == "ill"
    assert first.name.partition(".")[0] in found["artifacts"]["told"]
    assert found["spare artifacts"]["told"].startswith("1 files of")


def test_what_is_no_artifact_in_the_folder_is_passed_over(home: Path) -> None:
    (home / "artifacts" / "notes.txt").write_text("mine")
    assert not asked()[1].keys() & {"spare artifacts", "unfinished artifacts"}


def test_what_a_killed_command_left_half_written_is_told(home: Path) -> None:
    torn = home / "artifacts" / f".{'0' * 16}.part"
    torn.write_bytes(bytes(3 << 20))
    assert "unfinished artifacts" not in asked()[1]  # somebody may be writing it now
    os.utime(torn, (0, 0))
    found = asked()[1]["unfinished artifacts"]
    assert found["verdict"] == "attention"
    assert found["told"].startswith("1 files of 3 MiB were never finished")


@pytest.mark.parametrize(
    ("server", "about", "told"),
    [
        (replace(SERVER, n_connection=90), "connections", "90 of 100"),
        (replace(SERVER, n_expired_lease=2), "leases", "2 acquisitions are held"),
        (replace(SERVER, idle_transaction_s=3600.0), "transactions", "held one open for 60 min"),
    ],
    ids=["crowded", "expired", "idle"],
)
def test_a_server_in_need_is_told_with_the_remedy(server: ServerHealth, about: str, told: str) -> None:
    found = {one.about: one for one in health._server(server)}
    assert found[about].verdict == "attention"
    assert told in found[about].told
    assert found[about].remedy


@pytest.mark.parametrize(("free", "verdict"), [(2**36, "well"), (2**31, "attention"), (2**20, "ill")])
@pytest.mark.usefixtures("home")
def test_little_room_is_told(monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 0, free))
    code, found = asked()
    assert found["disk"]["verdict"] == verdict
    assert code == (verdict == "ill")


def test_clocks_apart_are_told() -> None:
    assert health._clock(0.2).verdict == "well"
    assert health._clock(-42.0).verdict == "attention"
