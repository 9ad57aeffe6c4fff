"""A database that cannot be used, a folder that cannot be written, a full disk, a pipe that closes."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError
from tests.factories.hostile import matsift, rows_of, write_study
from tests.postgres import PostgresServer
from typer.core import TyperGroup

from matsift_schema.engine import downgrade

_NOBODY = 65534
_MATSIFT = [sys.executable, "-c", "from matsift_flows.cli import main; main()"]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the command a fresh data folder and one worker."""
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MATSIFT_WORKERS", "1")


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh database that the command uses."""
    monkeypatch.setenv("MATSIFT_DATABASE_URL", database_url)
    return database_url


def sentence_at(url: str, monkeypatch: pytest.MonkeyPatch, *verb: str) -> str:
    """Return what the command says of a database that cannot be used, once it is sure that no password is in it."""
    monkeypatch.setenv("MATSIFT_DATABASE_URL", url)
    ended = matsift(*(verb or ("status",)))
    assert "sesame" not in ended.said
    return ended.sentence


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:sesame@h/d",
        "host=127.0.0.1 password=sesame",
        "postgresql://u:sesame@h:port/d",
        "postgresql://u:ses#ame@h/d",
        "postgresql://u:sesame@[::1/d",
        "postgresql://u:sesame%zz@h/d",
        "postgresql://u:sesame@h/d?nonsense=1",
    ],
)
def test_what_is_no_address(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sentence_at(url, monkeypatch).startswith("MATSIFT_DATABASE_URL is not usable: give it as postgresql://user:")


def test_a_server_that_cannot_be_reached(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE ROLE ali_baba LOGIN PASSWORD 'open sesame'")
    port = postgres_server.port
    reasons = {
        postgres_server.tcp_url("postgres", "ali_baba", "shut-sesame"): "password authentication failed for user",
        postgres_server.tcp_url("nowhere", "ali_baba", "open%20sesame"): 'database "nowhere" does not exist',
        "postgresql://u:sesame@127.0.0.1:1/d": "port 1 failed: Connection refused",
        "postgresql://u:sesame@no.such.host.invalid/d": "failed to resolve host 'no.such.host.invalid'",
        f"postgresql:///d?host=/nowhere&port={port}": 'socket "/nowhere/',
    }
    for url, reason in reasons.items():
        said = sentence_at(url, monkeypatch)
        assert said.startswith("the PostgreSQL of MATSIFT_DATABASE_URL cannot be used (")
        assert reason in said
        assert said.endswith("check the address, the password and whether the server runs")


def test_a_server_that_is_no_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"postgresql://u:sesame@127.0.0.1:{server.getsockname()[1]}/d"
        assert "received invalid response" in sentence_at(url, monkeypatch)


def test_a_database_that_is_not_ours(
    postgres_server: PostgresServer, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "holds no matsift schema yet; run `matsift db upgrade`" in sentence_at(empty_database_url, monkeypatch)
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE morgiana LOGIN")
        name = admin.info.dbname
    other = postgres_server.url(name, "morgiana")
    for verb in (("status",), ("db", "upgrade"), ("db", "check")):
        said = sentence_at(other, monkeypatch, *verb)
        assert f"let an administrator run CREATE EXTENSION vector in the database {name}" in said


def test_a_schema_of_another_version(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    downgrade(database, "-2")
    for verb in (("status",), ("db", "check"), ("why", "NaCl")):
        assert sentence_at(database, monkeypatch, *verb).endswith("run `matsift db upgrade`")
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE matsift.alembic_version SET version_num = '9999'")
    assert "migrated by a newer matsift (revision 9999)" in sentence_at(database, monkeypatch)


def test_an_outside_server_is_not_ours_to_stop(database: str) -> None:
    for verb in ("start", "stop", "status"):
        assert matsift("db", verb).sentence.startswith("MATSIFT_DATABASE_URL names a server that matsift does not run;")
    assert matsift("db", "url").done() == f"{database}\n"


def test_an_empty_database(database: str) -> None:
    assert "structure                        0\n" in matsift("status").done()
    assert matsift("why", "NaCl").sentence.startswith("no structure is called 'NaCl'; give the beginning of its hash")


def test_an_embedded_server_that_never_ran_is_stopped_twice() -> None:
    said = [matsift("db", "stop").done() for _ in range(2)]
    assert said == ["PostgreSQL was not running\n"] * 2


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
