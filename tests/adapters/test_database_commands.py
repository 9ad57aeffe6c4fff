"""The verbs of `matsift db` as functions of the settings."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from matsift.errors import DatabaseError, UserInputError
from matsift_adapters.embedded_postgres import (
    EmbeddedPostgres,
    State,
    dump,
    ensure_running,
    load_dump,
    prepare_load,
    start,
    status,
    stop,
    write_dump,
)
from matsift_adapters.embedded_postgres.client import client_command
from matsift_adapters.settings import Settings

CONTENT = """
DROP SCHEMA IF EXISTS matsift CASCADE;
CREATE EXTENSION IF NOT EXISTS vector;
CREATE SCHEMA matsift;
CREATE TABLE matsift.thing AS SELECT x, 'Na₃PS₄ ' || x AS name FROM generate_series(1, 500) AS x;
ALTER TABLE matsift.thing ADD COLUMN v vector(2) DEFAULT '[1,2]';
"""
TOTAL = "SELECT count(*), max(name), min(v::text) FROM matsift.thing"


@pytest.fixture
def settings(embedded_server: EmbeddedPostgres) -> Settings:
    return Settings.load(home=embedded_server.status().folder.parent)


@pytest.fixture
def url(settings: Settings) -> str:
    url = ensure_running(settings)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CONTENT)
    return url


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement).fetchall()


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_an_outside_server_is_used_and_left_alone(tmp_path: Path) -> None:
    outside = Settings.load(home=tmp_path / "home", database_url="postgresql://me:pw@db.example.org/x")
    assert ensure_running(outside) == "postgresql://me:pw@db.example.org/x"
    assert not (tmp_path / "home").exists()
    for verb in (start, stop, status):
        with pytest.raises(UserInputError, match="names a server that matsift does not run"):
            verb(outside)


def test_start_status_and_stop(private_folder: Path) -> None:
    settings = Settings.load(home=private_folder / "home")
    assert status(settings).state is State.ABSENT
    assert not stop(settings)
    assert not (private_folder / "home").exists()
    told: list[str] = []
    assert start(settings, tell=told.append).state is State.RUNNING
    assert told == [f"making a PostgreSQL database in {private_folder}/home/postgres"]
    assert ensure_running(settings) == status(settings).url
    assert stop(settings)


def test_psql_takes_over(settings: Settings, url: str) -> None:
    code = (
        "import sys; from matsift_adapters.embedded_postgres import shell;"
        "from matsift_adapters.settings import Settings;"
        "shell(Settings.load(home=sys.argv[1]), ['-AtXc', 'SELECT 6 * 7'])"
    )
    done = subprocess.run([sys.executable, "-c", code, settings.home], check=False, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("42\n", 0), done.stderr


def test_a_password_stays_out_of_the_process_list() -> None:
    command, environment = client_command("psql", "postgresql://me:s3cret@host/db", [])
    assert "s3cret" not in " ".join(command)
    assert environment["PGPASSWORD"] == "s3cret"


def dumped(url: str, path: Path) -> Path:
    with path.open("wb") as stream:
        write_dump(url, stream)
    return path


def load(url: str, path: Path, *, replace: bool = False) -> None:
    load_dump(prepare_load(url, lambda: path.open("rb"), replace=replace), lambda: path.open("rb"))


def test_a_dump_comes_back_with_grants_to_roles_that_are_gone(url: str, tmp_path: Path) -> None:
    execute(url, 'CREATE ROLE reader; CREATE ROLE "odd name"; GRANT USAGE ON SCHEMA matsift TO reader, "odd name"')
    before = rows(url, TOTAL)
    path = dumped(url, tmp_path / "dump")
    execute(url, 'DROP SCHEMA matsift CASCADE; DROP ROLE reader; DROP ROLE "odd name"')

    load(url, path)

    assert rows(url, TOTAL) == before == [(500, "Na₃PS₄ 99", "[1,2]")]
    assert rows(url, "SELECT has_schema_privilege('odd name', 'matsift', 'USAGE')") == [(True,)]
    assert rows(url, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'") == [(False,)]


def test_what_is_there_is_replaced_only_on_request(url: str, tmp_path: Path) -> None:
    path = dumped(url, tmp_path / "dump")
    execute(url, "DELETE FROM matsift.thing; CREATE TABLE matsift.newer AS SELECT 1")
    with pytest.raises(UserInputError, match="already holds the schema matsift"):
        load(url, path)
    assert rows(url, TOTAL) == [(0, None, None)]
    load(url, path, replace=True)
    assert rows(url, TOTAL) == [(500, "Na₃PS₄ 99", "[1,2]")]
    assert rows(url, "SELECT to_regclass('matsift.newer')") == [(None,)]
    planned_by = "SELECT reltuples FROM pg_class WHERE oid = 'matsift.thing'::regclass"
    assert rows(url, planned_by) == [(500,)]  # statistics are no part of a dump


def test_a_load_that_fails_leaves_the_database_as_it_was(url: str, tmp_path: Path) -> None:
    execute(url, "CREATE TABLE public.in_the_way AS SELECT 1")
    path = dumped(url, tmp_path / "dump")
    execute(url, "UPDATE matsift.thing SET name = 'later'")
    with pytest.raises(DatabaseError, match=r'the database is as it was: relation "in_the_way" already exists'):
        load(url, path, replace=True)
    execute(url, "DROP TABLE public.in_the_way")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DatabaseError, match=r"the database is as it was: could not read from input file: end of file"):
        load(url, path, replace=True)
    assert rows(url, "SELECT DISTINCT name FROM matsift.thing") == [("later",)]


def test_a_load_does_not_wait_for_ever(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "_WAIT_FOR_OTHERS", "50ms")
    path = dumped(url, tmp_path / "dump")
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE matsift.thing IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseError, match="as it was: somebody works on the database; let that end, then try"):
            load(url, path, replace=True)


def test_a_target_that_fails_ends_the_dump(url: str) -> None:
    class Full:
        def write(self, _piece: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_dump(url, Full())
    with pytest.raises(DatabaseError, match="the database could not be written: "):
        write_dump(url, io.BytesIO(), snapshot="00000000-00000000-0")


@pytest.mark.parametrize("content", [b"", b"PGDMP", b"SELECT 1;"], ids=["empty", "magic_only", "a_script"])
def test_a_file_that_is_no_dump(url: str, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UserInputError, match="is not a whole backup of matsift"):
        load(url, tmp_path / "file", replace=True)
