"""A database that cannot be used is told in one sentence, without the password."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import psycopg
import pytest
from tests.factories.hostile import matsift
from tests.postgres import PostgresServer

from matsift_schema.engine import downgrade

pytestmark = pytest.mark.usefixtures("own_home")

STUDY = Path(__file__).parents[2] / "studies" / "na_electrolytes.toml"


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
    assert "structure                        0\n" in matsift("status", "--rows").done()
    assert "Nothing is here yet; a whole study" in matsift("status").done()
    assert matsift("why", "NaCl").sentence.startswith("no structure is called 'NaCl'; give the beginning of its hash")


def test_an_embedded_server_that_never_ran_is_stopped_twice() -> None:
    said = [matsift("db", "stop").done() for _ in range(2)]
    assert said == ["PostgreSQL was not running\n"] * 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["card", "1a2b3c4d"],
        ["why", "NaCl"],
        ["export", "views"],
        ["export", "view", "structure", "-o", "structure.csv"],
        ["density", "show", "NaCl"],
        ["campaign", "status", str(STUDY)],
    ],
    ids=["card", "why", "export-views", "export-view", "density-show", "campaign-status"],
)
def test_whoever_only_looks_makes_no_database(arguments: list[str]) -> None:
    home = Path(os.environ["MATSIFT_HOME"])
    ended = matsift(*arguments)
    assert ended.sentence == f"there is no database in {home} yet; the first `matsift run` of a study makes one"
    assert not home.exists()
