"""A folder that cannot be written, a full disk, a pipe that closes, a fault that nobody foresaw."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from tests.factories.hostile import matsift, rows_of, write_study
from typer.core import TyperGroup

_NOBODY = 65534
_MATSIFT = [sys.executable, "-c", "from matsift_flows.cli import main; main()"]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

pytestmark = pytest.mark.usefixtures("own_home")


@contextmanager
def plain_user() -> Iterator[None]:
    """Take the rights of root away for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_data_folder_that_is_read_only(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matsift("status").done()  # what it imports is imported now, whoever may read it
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if parent.owner() != "root" or parent.name.startswith("pytest"):
            parent.chmod(0o755)
    for home in (folder, folder / "new"):
        monkeypatch.setenv("MATSIFT_HOME", str(home))
        with plain_user():
            ended = matsift("status")
        assert ended.sentence == (
            f"the data folder {home} cannot be written (Permission denied); make it writable or set MATSIFT_HOME to a "
            "folder that is"
        )


@contextmanager
def short_files(n_byte: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: the nearest thing to a full disk that everybody may have."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_byte, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of one page on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "small", str(folder)], check=False)
    if done.returncode != 0:
        pytest.skip("no disk can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("disk", ["short-files", pytest.param("small-disk", marks=as_root)])
def test_a_full_disk_under_the_artifacts(database: str, tmp_path: Path, disk: str) -> None:
    study, folder = write_study(tmp_path), tmp_path / "home" / "artifacts"
    matsift("ingest", study).done()
    matsift("featurize", study).done()
    with short_files(2000) if disk == "short-files" else small_disk(folder):
        said = matsift("run", study).sentence
    assert said == f"the disk under the artifact folder {folder} is full; free some space or name another folder"
    assert rows_of(database, "SELECT count(*) FROM matsift.model_version") == [(0,)]
    assert rows_of(database, "SELECT status FROM matsift.run WHERE flow = 'train'") in ([], [("failed",)])
    assert list(folder.rglob("*.part")) == []
    assert "4 of 4 ranked candidates" in matsift("run", study).done()
    assert "0 rows were added" in matsift("run", study).done()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MATSIFT_ARTIFACT_URL", "foo://bar", "the artifact folder foo://bar cannot be used (Protocol not known: foo)"),
        ("MATSIFT_WORKERS", "many", "MATSIFT_WORKERS is not usable: Input should be a valid integer"),
        ("MATSIFT_HOME", "~nosuchuser/x", "MATSIFT_HOME is not usable: there is no such home"),
        ("MATSIFT_HOME", "/dev/null/x", "the data folder /dev/null/x cannot be written (Not a directory)"),
        ("MATSIFT_DATABSE_URL", "x", "the environment variable MATSIFT_DATABSE_URL is unknown; did you mean"),
    ],
    ids=["artifacts", "workers", "home-of-nobody", "home-in-a-file", "misspelt"],
)
def test_an_unusable_variable(
    database: str, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    assert matsift("status").sentence.startswith(words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            KeyError("spam"),
            "a fault of matsift itself stopped the command (KeyError: 'spam'); what was done is kept, run",
        ),
        (OSError(28, "No space left on device", "/data/x"), "/data/x: the disk is full; free some space, then run"),
        (
            MemoryError(),
            "the memory is used up; what was done is kept, run the same command again with fewer --workers",
        ),
        (
            OperationalError("SELECT 1", {}, psycopg.OperationalError("server closed the connection\nunexpectedly")),
            "the connection to the database was lost (server closed the connection); what was committed is kept",
        ),
        (
            ValueError("two\nlines " + "x" * 5000),
            "a fault of matsift itself stopped the command (ValueError: two lines x",
        ),
    ],
    ids=["bug", "disk", "memory", "database", "long"],
)
def test_what_nobody_foresaw(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(TyperGroup, "invoke", fail)
    ended = matsift("status")
    assert ended.sentence.startswith(words)
    assert len(ended.sentence) < 600
    with pytest.raises(type(error)):
        matsift("status", "--debug")


def test_a_pipe_that_closes_a_terminal_without_our_signs_and_no_home(database: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HOME"} | {"LC_ALL": "C"}
    shell = f"{' '.join(f'{chr(39)}{part}{chr(39)}' for part in _MATSIFT)} --help | true; echo ${{PIPESTATUS[0]}}"
    piped = subprocess.run(
        ["bash", "-c", shell], check=True, capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert piped.stderr == ""
    assert piped.stdout in ("0\n", "1\n")
    narrow = environment | {"PYTHONIOENCODING": "ascii", "MATSIFT_HOME": str(tmp_path / "h\u00f6me" / "x")}
    (tmp_path / "h\u00f6me").write_text("a file")
    plain = subprocess.run([*_MATSIFT, "status"], check=False, capture_output=True, text=True, env=narrow, cwd=tmp_path)
    assert plain.returncode == 1
    assert plain.stderr.startswith("matsift: the data folder ")
    assert "Traceback" not in plain.stderr


class _WithoutDatabase(BaseHTTPRequestHandler):
    """A Prefect server that is up and cannot record anything."""

    def _answer(self, status: int, body: bytes) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._answer(404 if "csrf" in self.path else 200, b'"3.8.8"' if "version" in self.path else b"true")

    def do_POST(self) -> None:
        self._answer(500, b'{"exception_message": "Internal Server Error"}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("answers", "reason"),
    [(True, "(it answered 500 Internal Server Error)"), (False, "(Failed to reach API at ")],
    ids=["500", "nobody there"],
)
def test_a_prefect_server_that_fails_is_one_sentence(
    database: str, tmp_path: Path, *, answers: bool, reason: str
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _WithoutDatabase)
    url = f"http://127.0.0.1:{server.server_port}/api"
    if answers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    else:
        server.server_close()
    environment = {**os.environ, "MATSIFT_DATABASE_URL": database, "PREFECT_API_URL": url}
    command = [*_MATSIFT, "ingest", str(write_study(tmp_path))]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if answers:
        server.shutdown()
        server.server_close()
    assert ended.returncode == 1
    (told,) = [line for line in ended.stderr.splitlines() if line.startswith("matsift: ")]
    assert told.startswith(f"matsift: Prefect's server at {url}, which PREFECT_API_URL names, failed ")
    assert reason in told
    assert told.endswith("see to that server, then run the same command again, it continues")
