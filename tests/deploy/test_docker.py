"""What docker/ holds, without an engine: files that fit together and keep no secret, and a database that works."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.postgres import PostgresServer, wheel_binaries

from matsift_schema import engine

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
PINNED = re.compile(r":v?\d+\.\d+(\.\d+)?[\w.-]*$|:[\d.]+-pg\d+$")
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
_LINES = re.sub(r"\\\n", " ", (DOCKER / "Dockerfile").read_text("utf-8")).splitlines()
STEPS = [line.split(maxsplit=1) for line in _LINES if line and not line.startswith("#")]


def made_secrets(folder: Path) -> Path:
    shutil.copy(DOCKER / "make-secrets", folder)
    told = subprocess.run(["sh", str(folder / "make-secrets")], capture_output=True, text=True, check=True)
    assert told.stdout == f"secrets are in {folder / 'secrets'}\n"
    return folder / "secrets"


def test_everything_that_is_copied_into_an_image_is_there_and_reaches_the_build() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    sources = [
        word for step in STEPS if step[0] == "COPY" for word in step[1].split()[:-1] if not word.startswith("--")
    ]
    local = {source for source in sources if not source.startswith("/")}
    assert local == kept
    assert all((ROOT / source).exists() for source in local)


def test_images_are_pinned_run_as_nobody_and_ask_after_their_health() -> None:
    words = [(name, rest) for name, rest in STEPS]
    users = [rest for name, rest in words if name == "USER"]
    assert users == ["matsift"]
    last_root = max(n for n, (name, _) in enumerate(words) if name == "RUN")
    assert words.index(("USER", "matsift")) > last_root
    assert any(name == "HEALTHCHECK" for name, _ in words)
    assert any(name == "ARG" and PINNED.search(rest.replace("=", ":", 1)) for name, rest in words)
    images = [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    assert images
    assert [image for image in images if not PINNED.search(image)] == []


def test_no_secret_stands_in_a_file_of_the_repository() -> None:
    for name, service in COMPOSE["services"].items():
        for key, value in service.get("environment", {}).items():
            if "PASSWORD" in key or "URL" in key:
                assert str(value).startswith(("/run/secrets/", "http://")), (name, key)
    used = {secret for service in COMPOSE["services"].values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    ignored = subprocess.run(
        ["git", "check-ignore", "docker/secrets/owner_url"], cwd=ROOT, capture_output=True, check=False
    )
    if (ROOT / ".git").exists():
        assert ignored.returncode == 0
    assert "docker/secrets" not in (ROOT / ".dockerignore").read_text("utf-8")


def test_only_this_machine_reaches_a_port() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_secrets_are_made_once_and_shut_away(tmp_path: Path) -> None:
    folder = made_secrets(tmp_path)
    assert {path.name for path in folder.iterdir()} == set(COMPOSE["secrets"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert all(len(text.strip()) >= 48 for text in before.values())
    assert len({before[name] for name in before if name.endswith("_password")}) == 7
    made_secrets(tmp_path)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_compose_accepts_the_file(tmp_path: Path) -> None:
    """Version 1 of Compose, which Debian has, knows all of it but the name of the project."""
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("needs docker-compose (Debian: apt-get install docker-compose)")
    made_secrets(tmp_path)
    text = re.sub(r"(?m)^name: .*\n", "", (DOCKER / "compose.yaml").read_text("utf-8"))
    (tmp_path / "compose.yaml").write_text(text, encoding="utf-8")
    command = [program, "--file", str(tmp_path / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A cluster of its own: roles are those of all databases of one."""
    own = PostgresServer()
    yield own
    own.stop()


def _matsift(group: str, name: str, address: Path, folder: Path, *words: str) -> None:
    """Run a command as a container does: the address of the database in a file."""
    own = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "MATSIFT_HOME": str(folder / "home"),
        "MATSIFT_DATABASE_URL_FILE": str(address),
    }
    command = [sys.executable, "-c", "from matsift_flows.cli import main; main()", group, name, *words]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_prepared_database_serves_all_its_logins(server: PostgresServer, tmp_path: Path) -> None:
    secrets = made_secrets(tmp_path)
    script = (DOCKER / "prepare-database.sh").read_text("utf-8")
    assert "CREATE EXTENSION pg_trgm;" in script  # for Prefect; the wheel's PostgreSQL has none
    prepared = tmp_path / "prepare.sh"
    prepared.write_text(script.replace("CREATE EXTENSION pg_trgm;", ""), encoding="utf-8")
    environment = {
        "PATH": f"{wheel_binaries()}:{os.environ['PATH']}",
        "PGHOST": str(server.folder),
        "PGPORT": str(server.port),
        "POSTGRES_USER": "postgres",
        "SECRETS": str(secrets),
    }
    done = subprocess.run(["bash", str(prepared)], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""

    def address(login: str, secret: str, database: str = "matsift") -> str:
        return server.tcp_url(database, login, (secrets / f"{secret}_password").read_text())

    engine.upgrade(address("matsift_owner", "owner"))
    (secrets / "operator_url").write_text(address("operator", "operator") + "\n")
    (secrets / "owner_url").write_text(address("matsift_owner", "owner") + "\n")
    _matsift("db", "check", secrets / "operator_url", tmp_path)
    _matsift("db", "backup", secrets / "owner_url", tmp_path, str(tmp_path / "file"))
    _matsift("db", "restore", secrets / "owner_url", tmp_path, str(tmp_path / "file"), "--replace")
    _matsift("db", "check", secrets / "operator_url", tmp_path)
    with psycopg.connect(address("grafana", "analyst"), autocommit=True) as analyst:
        assert analyst.execute("SELECT count(*) FROM analysis.structure").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("SELECT count(*) FROM matsift.structure")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute("SELECT lo_create(0)")
    with psycopg.connect(address("operator", "operator"), autocommit=True) as operator:
        operator.execute("INSERT INTO matsift.source (name, kind, licence) SELECT 'x', 'files', 'CC0-1.0' WHERE false")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(address("prefect", "prefect"))
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(address("worker", "worker", "prefect"))
    worker = psycopg.connect(address("worker", "worker"), autocommit=True)
    with worker, pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute("INSERT INTO matsift.source (name, kind, licence) VALUES ('x', 'files', 'CC0-1.0')")
    with psycopg.connect(address("prefect", "prefect", "prefect"), autocommit=True) as prefect:
        prefect.execute("CREATE TABLE mine (id int)")
