"""The images, started together as on a group's server: needs a Docker engine with Compose 2, and the images.

`make images` builds ours first. Those of others are pulled, or stand there under their names already.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("postgres", "migrate", "prefect", "worker")
PACKAGES = ("platform/matsift", "schema/matsift_schema", "adapters/matsift_adapters", "flows/matsift_flows")
N_PROTOTYPE = "1407"
# Prints one hash of all modules below each folder: the same program in an image and here.
_DIGEST = """
import hashlib, pathlib, sys
for folder in map(pathlib.Path, sys.argv[1:]):
    files = sorted(folder.rglob("*.py"))
    told = [f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    print(hashlib.sha256("\\n".join(told).encode()).hexdigest())
"""
# Nobody else's ports are taken, and what was built is what is started.
_OVERRIDE = """
services:
  prefect: {ports: !override []}
  grafana: {ports: !override []}
  migrate: {image: matsift-migrate}
  worker: {image: matsift-worker}
"""

pytestmark = pytest.mark.full


def _docker(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


@dataclass(frozen=True)
class Stack:
    """The services of compose.yaml under a name of their own."""

    folder: Path

    def compose(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        files = ["--file", str(self.folder / "compose.yaml"), "--file", str(self.folder / "override.yaml")]
        return _docker("compose", "--project-name", "matsift-try", *files, *words, check=check)

    def up(self) -> None:
        self.compose("up", "--detach", "--no-build", *SERVICES)
        self.wait_for("worker", "healthy")

    def wait_for(self, service: str, health: str) -> None:
        until = time.monotonic() + 300
        while (found := self.health(service)) != health:
            assert time.monotonic() < until, f"{service} is {found}: {self.compose('logs', service).stdout[-2000:]}"
            time.sleep(1)

    def health(self, service: str) -> str:
        return self.compose("ps", "--all", "--format", "{{.Health}}", service).stdout.strip()

    def worker(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.compose("exec", "-T", "worker", *words, check=check)

    def owner(self, *words: str) -> str:
        return self.compose("run", "--rm", "-T", "migrate", *words).stdout

    def n_structure(self) -> str:
        query = "SELECT 'n=' || count(*) FROM analysis.structure"
        (told,) = [line for line in self.worker("matsift", "db", "shell", "-c", query).stdout.split() if "n=" in line]
        return told.removeprefix("n=")


def _sources_here() -> str:
    return subprocess.run(
        [sys.executable, "-c", _DIGEST, *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def _sources_inside() -> str:
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = _docker("run", "--rm", "matsift-worker", "python", "-c", where).stdout.strip()
    folders = [f"{site}/{Path(package).name}" for package in PACKAGES]
    return _docker("run", "--rm", "matsift-worker", "python", "-c", _DIGEST, *folders).stdout


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if shutil.which("docker") is None or _docker("compose", "version", check=False).returncode != 0:
        pytest.skip("needs a Docker engine with Compose 2")
    if _docker("image", "inspect", "matsift-worker", "matsift-migrate", check=False).returncode != 0:
        pytest.skip("needs the images: make images")
    assert _sources_inside() == _sources_here() != "", (
        "the images hold other sources than this checkout; make images builds them anew"
    )
    folder = tmp_path_factory.mktemp("server") / "docker"
    shutil.copytree(ROOT / "docker", folder, ignore=shutil.ignore_patterns("secrets"))
    (folder / "override.yaml").write_text(_OVERRIDE, encoding="utf-8")
    subprocess.run(["sh", str(folder / "make-secrets")], stdout=subprocess.DEVNULL, check=True)
    started = Stack(folder)
    try:
        started.up()
        yield started
    finally:
        started.compose("down", "--volumes", check=False)


def test_all_are_healthy_and_the_worker_is_nobody(stack: Stack) -> None:
    assert {service: stack.health(service) for service in ("postgres", "prefect", "worker")} == {
        "postgres": "healthy",
        "prefect": "healthy",
        "worker": "healthy",
    }
    assert stack.worker("id", "-u").stdout.strip() == "10001"
    assert stack.worker("touch", "/opt/matsift/x", check=False).returncode != 0


def test_a_source_is_read_by_the_work_pool(stack: Stack) -> None:
    stack.worker("sh", "-c", "prefect --no-prompt deploy --all")
    name = "sync/na_electrolytes.matsift-prototypes"
    watched = stack.worker("prefect", "deployment", "run", name, "--watch", "--watch-timeout", "600").stdout
    assert "Completed" in watched
    assert stack.n_structure() == N_PROTOTYPE


def test_the_owner_backs_up_and_restores_what_an_operator_may_not(stack: Stack) -> None:
    refused = stack.worker("matsift", "db", "backup", "/data/theirs.backup", check=False)
    assert refused.returncode == 1
    assert "operator may not read that; make it as matsift_owner, the owner" in refused.stderr
    stack.owner("matsift", "db", "backup", "/data/monday.backup")
    assert "Restored from /data/monday.backup" in stack.owner(
        "matsift", "db", "restore", "/data/monday.backup", "--replace"
    )
    assert stack.n_structure() == N_PROTOTYPE


def test_a_server_that_is_gone_is_a_sentence_and_rows_are_kept(stack: Stack) -> None:
    stack.compose("kill", "postgres")
    gone = stack.worker("matsift", "status", check=False)
    assert gone.returncode == 1
    assert len([line for line in gone.stderr.splitlines() if line.startswith("matsift: ")]) == 1
    assert "Traceback" not in gone.stderr
    stack.compose("start", "postgres")
    stack.wait_for("postgres", "healthy")
    assert stack.n_structure() == N_PROTOTYPE
    stack.compose("down")
    stack.up()
    assert stack.n_structure() == N_PROTOTYPE


def test_no_secret_is_in_an_image_a_log_or_a_setting(stack: Stack) -> None:
    seen = stack.compose("logs").stdout
    for service in ("postgres", "prefect", "worker"):
        seen += _docker("inspect", stack.compose("ps", "--quiet", service).stdout.strip()).stdout
    seen += _docker("history", "--no-trunc", "matsift-worker").stdout
    passwords = [path.read_text().strip() for path in (stack.folder / "secrets").glob("*_password")]
    assert len(passwords) == 7
    assert not [password for password in passwords if password in seen]
