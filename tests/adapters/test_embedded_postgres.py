"""The embedded server, started for real in the places and after the accidents that laptops and containers bring."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import EmbeddedPostgres, State, processes
from matsift_adapters.embedded_postgres.layout import Layout

START = """
import sys
from pathlib import Path
from matsift_adapters.embedded_postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
"""


@pytest.fixture(scope="module")
def prepared(quick_disk: Path) -> Iterator[Path]:
    """The folder of a stopped server, to be copied: `initdb` runs once for most tests."""
    folder = Path(tempfile.mkdtemp(prefix="msft-", dir=quick_disk))
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    assert server.stop()
    yield folder / "postgres"
    shutil.rmtree(folder)


@pytest.fixture
def make_server(prepared: Path, private_folder: Path) -> Iterator[Callable[[Path], EmbeddedPostgres]]:
    """Servers in folders below `private_folder`, copies of the prepared one; stopped when the test ends."""
    servers: list[EmbeddedPostgres] = []

    def make(folder: Path, *, from_copy: bool = True) -> EmbeddedPostgres:
        if from_copy:
            shutil.copytree(prepared, folder)
        servers.append(EmbeddedPostgres(folder))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server: Callable[[Path], EmbeddedPostgres], private_folder: Path) -> EmbeddedPostgres:
    return make_server(private_folder / "postgres")


def one(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def wait_for(is_true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("with a space, 'a quote' and ü", id="spaces_and_quotes"),
        pytest.param("/".join(["forty_characters_of_a_long_folder_name__"] * 6), id="longer_than_a_socket_path"),
    ],
)
def test_any_path(make_server: Callable[..., EmbeddedPostgres], private_folder: Path, name: str) -> None:
    server = make_server(private_folder / name, from_copy=False)
    assert server.status().state is State.ABSENT
    assert server.url() is None

    url = server.start()

    assert one(url, "SELECT current_database() || ' ' || current_user") == "matsift matsift_owner"
    assert server.start() == server.url() == url
    status = server.status()
    assert (status.state, status.version, status.url) == (State.RUNNING, "18", url)
    assert status.size_bytes is not None
    assert status.size_bytes > 20e6
    assert server.stop()
    assert not server.stop()
    assert server.status().state is State.STOPPED


def test_only_the_private_socket_lets_anyone_in(server: EmbeddedPostgres) -> None:
    url = server.start()
    socket_dir = Path(str(one(url, "SHOW unix_socket_directories")))
    assert one(url, "SHOW listen_addresses") == ""
    assert socket_dir.stat().st_mode & 0o777 == 0o700
    assert socket_dir.stat().st_uid == psutil.Process(server.status().pid).uids().real
    server.stop()
    assert not socket_dir.exists()


def test_settings_are_safe_and_the_same_everywhere(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert one(url, "SHOW fsync") == "on"
    assert one(url, "SHOW synchronous_commit") == "on"
    assert one(url, "SHOW server_encoding") == "UTF8"
    assert one(url, "SHOW timezone") == "UTC"
    assert (
        one(url, "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = 'matsift'")
        == "b C.UTF-8"
    )
    assert one(url, "SELECT upper('γ')") == "Γ"
    run(url, "CREATE EXTENSION vector")
    assert one(url, "SELECT '[1,2]'::vector <-> '[4,6]'") == 5.0


def test_commands_at_once_get_one_server(make_server: Callable[..., EmbeddedPostgres], private_folder: Path) -> None:
    server = make_server(private_folder / "postgres", from_copy=False)
    commands = [
        subprocess.Popen([sys.executable, "-c", START, private_folder / "postgres"], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = {command.communicate(timeout=60)[0].strip() for command in commands}
    assert [command.returncode for command in commands] == [0, 0, 0]
    assert answers == {server.url()}


def test_data_survive_a_killed_postmaster(server: EmbeddedPostgres) -> None:
    url = server.start()
    run(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS x")
    pid = server.status().pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    url = server.start()

    assert server.status().pid != pid
    assert one(url, "SELECT sum(x) FROM kept") == 500500


def test_an_orphaned_backend_is_ended(server: EmbeddedPostgres) -> None:
    url = server.start()
    busy = psycopg.connect(url)
    backend = psutil.Process(busy.info.backend_pid)
    busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000) AS x, generate_series(1, 100) AS y")
    wait_for(lambda: backend.cpu_times().user > 0.05)
    pid = server.status().pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: server.status().state is State.ORPHANED)
    assert backend.is_running()
    url = server.start()

    assert one(url, "SELECT 1") == 1
    assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
    busy.close()


def test_a_stale_pid_of_another_process_is_left_alone(server: EmbeddedPostgres, private_folder: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    pid_file = Layout(private_folder / "postgres").pid_file
    pid_file.write_text(f"{other.pid}\n/proc/self/cwd\n1700000000\n5432\n/tmp/matsift-gone\n\n  1 2\nready   \n")
    try:
        assert server.url() is None
        assert server.status().state is State.STOPPED
        assert not server.stop()
        assert one(server.start(), "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("sign", ["PG_VERSION", "base/1/PG_VERSION"], ids=["early", "late"])
def test_an_initdb_whose_command_was_killed(
    make_server: Callable[..., EmbeddedPostgres], private_folder: Path, sign: str
) -> None:
    server = make_server(private_folder / "postgres", from_copy=False)
    layout = Layout(private_folder / "postgres")
    command = subprocess.Popen([sys.executable, "-c", START, layout.folder], stdout=subprocess.DEVNULL)
    wait_for((layout.initialising / sign).exists)
    command.kill()  # initdb itself goes on: the next command must end it
    command.wait()
    assert not layout.cluster.exists()

    assert one(server.start(), "SELECT 1") == 1
    assert not layout.initialising.exists()


def test_an_orphan_that_ends_by_itself_is_no_error(private_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["sleep", "60"])
    seen = psutil.Process(child.pid)
    child.kill()
    child.wait()
    monkeypatch.setattr(processes, "_programs_in", lambda *_: [seen])
    processes.end_orphans(Layout(private_folder / "postgres"))


def test_the_database_is_made_where_a_command_was_killed_before_it(server: EmbeddedPostgres) -> None:
    url = server.start()
    run(url.replace("/matsift?", "/postgres?"), "DROP DATABASE matsift")
    assert server.url() is None
    assert one(server.start(), "SELECT current_database()") == "matsift"


def test_a_lost_socket_is_told(server: EmbeddedPostgres) -> None:
    url = server.start()
    shutil.rmtree(str(one(url, "SHOW unix_socket_directories")))
    with pytest.raises(DatabaseError, match="was deleted while it ran; run `matsift db stop`"):
        server.start()
    assert server.stop()
    assert one(server.start(), "SELECT 1") == 1


def test_another_major_version_is_refused(server: EmbeddedPostgres, private_folder: Path) -> None:
    Layout(private_folder / "postgres").version_file.write_text("16\n")
    with pytest.raises(DatabaseError, match="was made by PostgreSQL 16 and this matsift brings PostgreSQL 18"):
        server.start()


def test_a_folder_that_is_no_cluster_is_kept(
    make_server: Callable[..., EmbeddedPostgres], private_folder: Path
) -> None:
    precious = private_folder / "postgres" / "cluster" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine")
    with pytest.raises(DatabaseError, match="is not a complete PostgreSQL data folder"):
        make_server(private_folder / "postgres", from_copy=False).start()
    assert precious.read_text() == "mine"


def test_a_broken_configuration_names_the_line_and_the_log(server: EmbeddedPostgres, private_folder: Path) -> None:
    layout = Layout(private_folder / "postgres")
    with (layout.cluster / "postgresql.conf").open("a") as file:
        file.write("shared_bufers = 1\n")
    with pytest.raises(DatabaseError, match=r"did not start in .*configuration file .* contains errors.*server\.log"):
        server.start()
    assert server.status().state is State.STOPPED


def test_a_folder_below_a_file(private_folder: Path) -> None:
    (private_folder / "file").write_text("")
    with pytest.raises(DatabaseError, match="cannot be started: Not a directory"):
        EmbeddedPostgres(private_folder / "file" / "postgres").start()


def test_a_server_in_another_container(server: EmbeddedPostgres, private_folder: Path) -> None:
    """A process that holds the server's lock and is no PostgreSQL of ours stands for one that cannot be seen."""
    lock = private_folder / "postgres" / "server.lock"
    code = "import fcntl,sys,time; f = open(sys.argv[1], 'a'); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, lock], stdout=subprocess.PIPE)
    assert other.stdout is not None
    other.stdout.readline()
    try:
        with pytest.raises(DatabaseError, match="probably in another container"):
            server.start()
    finally:
        other.kill()
        other.communicate()
    assert one(server.start(), "SELECT 1") == 1
