"""What is wrong with a backup is told before anything is touched; what stops one leaves nothing half done."""

from __future__ import annotations

import json
import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories.backups import Place, fill
from tests.factories.fields import field_row
from tests.factories.runs import run_id
from tests.flows.running import Command
from tests.flows.test_bad_surroundings import as_root, short_files, small_disk

from matsift.errors import ArtifactError, DatabaseError, UserInputError
from matsift_adapters.backups_manifest import DATABASE, MANIFEST
from matsift_adapters.embedded_postgres import dump
from matsift_flows import backups
from matsift_flows.backups import verify_backup
from matsift_schema.engine import make_engine
from matsift_schema.store import fields

EVIL = "../../evil"


Members = list[tuple[zipfile.ZipInfo, bytes]]


def rewritten(backup: Path, out: Path, change: Callable[[Members], None]) -> Path:
    """Write a sound zip of other members than a backup has."""
    with zipfile.ZipFile(backup) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    change(members)
    with zipfile.ZipFile(out, "w") as archive:
        for info, content in members:
            archive.writestr(info, content, info.compress_type)
    return out


def place_of(members: Members, name: str) -> int:
    return next(i for i, (info, _) in enumerate(members) if info.filename.startswith(name))


def in_manifest(members: Members, change: Callable[[dict[str, object]], None]) -> None:
    i = place_of(members, MANIFEST)
    manifest = json.loads(members[i][1])
    change(manifest)
    members[i] = (members[i][0], json.dumps(manifest).encode())


def other_dump(members: Members) -> None:
    i = place_of(members, DATABASE)
    content = bytearray(members[i][1])
    content[len(content) // 2] ^= 1
    members[i] = (members[i][0], bytes(content))


def other_artifact(members: Members) -> None:
    i = place_of(members, "artifacts/")
    members[i] = (members[i][0], members[i][1] + b".")


def one_too_many(members: Members) -> None:
    members.append((zipfile.ZipInfo("notes.txt"), b"mine"))


def one_too_few(members: Members) -> None:
    del members[place_of(members, "artifacts/")]


def twice(members: Members) -> None:
    members.append(members[0])


def outside_the_folder(members: Members) -> None:
    def rename(manifest: dict[str, object]) -> None:
        artifacts = manifest["artifacts"]
        assert isinstance(artifacts, list)
        artifacts[0]["name"] = EVIL

    members[place_of(members, "artifacts/")][0].filename = EVIL
    in_manifest(members, rename)


def a_link(members: Members) -> None:
    members[place_of(members, "artifacts/")][0].external_attr = 0o120777 << 16


def compressed(members: Members) -> None:
    members[place_of(members, DATABASE)][0].compress_type = zipfile.ZIP_DEFLATED


def no_manifest(members: Members) -> None:
    del members[place_of(members, MANIFEST)]


def a_newer_form(members: Members) -> None:
    in_manifest(members, lambda manifest: manifest.update(version=2))


def a_newer_schema(members: Members) -> None:
    in_manifest(members, lambda manifest: manifest.update(schema_revision="9999"))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_dump, "is not a whole backup of matsift (database.dump is not what its manifest says); use another one"),
        (other_artifact, " is not what its manifest says); use another one"),
        (one_too_many, "(it and its manifest do not list the same files, 'notes.txt' first)"),
        (one_too_few, "(it and its manifest do not list the same files, 'artifacts/"),
        (twice, "(a file stands in it twice)"),
        (outside_the_folder, "'../../evil' is no name of an artifact)"),
        (a_link, " in it is no plain file)"),
        (compressed, "('database.dump' in it is compressed)"),
        (no_manifest, "(it has no manifest)"),
        (a_newer_form, "is a backup of form 2 and this matsift reads form 1; install a newer one"),
        (a_newer_schema, "schema revision 9999, and this one knows "),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_not_as_it_was_written(
    backup: Path, empty: Place, tmp_path: Path, change: Callable[[Members], None], told: str
) -> None:
    path = rewritten(backup, tmp_path / "file", change)
    with pytest.raises((UserInputError, DatabaseError)) as refused:
        empty.restore(path)
    assert told in str(refused.value)
    assert str(refused.value).startswith(str(path))
    assert_untouched(empty, tmp_path)


def assert_untouched(empty: Place, folder: Path) -> None:
    assert empty.ask("SELECT nspname FROM pg_namespace WHERE nspname IN ('matsift', 'analysis')") == []
    assert sorted(path.name for path in folder.iterdir()) == ["file"]
    assert not (folder.parent.parent / "evil").exists()


@pytest.mark.parametrize("kept", [0, 1, 22, 0.3, 0.9, -1], ids=str)
def test_a_file_that_breaks_off(backup: Path, empty: Place, tmp_path: Path, kept: float) -> None:
    content = backup.read_bytes()
    end = int(len(content) * kept) if 0 < kept < 1 else int(kept)
    (tmp_path / "file").write_bytes(content[:end])
    with pytest.raises(UserInputError, match="is not a whole backup of matsift"):
        empty.restore(tmp_path / "file")
    assert_untouched(empty, tmp_path)


def test_no_flipped_bit_passes_that_would_change_what_is_restored(backup: Path, tmp_path: Path) -> None:
    content, whole = backup.read_bytes(), verify_backup(backup)
    assert whole is not None
    generator = np.random.default_rng(1)
    tail = len(content) - 4000  # the manifest and the list of members
    places = [*generator.integers(0, tail, 150), *generator.integers(tail, len(content), 450), *range(60)]
    n_refused = 0
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << int(generator.integers(8))
        (tmp_path / "file").write_bytes(changed)
        try:
            assert verify_backup(tmp_path / "file") == whole, place  # a date in the list of members, nobody reads it
        except UserInputError:
            n_refused += 1
    assert n_refused > 0.6 * len(places)


@pytest.mark.parametrize("content", [b"SELECT 1;", b"PK\x03\x04", b"PGDMP"], ids=["script", "zip", "dump"])
def test_what_is_no_backup(empty: Place, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(UserInputError, match="is not a whole backup of matsift"):
        empty.restore(tmp_path / "file")
    assert_untouched(empty, tmp_path)


@pytest.mark.parametrize(
    ("path", "told"), [("none", "No such file or directory"), ("", "Is a directory")], ids=["nothing", "folder"]
)
def test_what_cannot_be_read(empty: Place, tmp_path: Path, path: str, told: str) -> None:
    with pytest.raises(UserInputError, match=rf"cannot be read \({told}\)"):
        empty.restore(tmp_path / path)


@pytest.mark.parametrize("disk", ["short-files", pytest.param("small-disk", marks=as_root)])
def test_a_full_disk_under_the_backup(filled: Place, tmp_path: Path, disk: str) -> None:
    folder = tmp_path / "disk"
    with short_files(20_000) if disk == "short-files" else small_disk(folder):
        with pytest.raises(UserInputError, match=r"the disk is full; free some space, or name another place"):
            filled.backup(folder / "file")
        assert list(folder.iterdir()) == []


def test_a_full_disk_under_the_artifacts(backup: Path, empty: Place) -> None:
    with short_files(16), pytest.raises(ArtifactError, match="the disk under the artifact folder"):
        empty.restore(backup)
    assert empty.ask("SELECT nspname FROM pg_namespace WHERE nspname IN ('matsift', 'analysis')") == []
    assert all(len(content) <= 16 for content in empty.artifacts.values())
    empty.restore(backup)


def test_a_folder_that_cannot_be_made(filled: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserInputError, match="it cannot be written"):
        filled.backup(tmp_path / "file" / "below")


@contextmanager
def held(place: Place, table: str) -> Iterator[None]:
    """Keep everybody from a table for as long as the block lasts."""
    with psycopg.connect(place.url) as connection:
        connection.execute(f"LOCK TABLE matsift.{table} IN ACCESS EXCLUSIVE MODE".encode())
        yield


def waits(place: Place) -> bool:
    """Whether a client waits for a lock that another has."""
    return bool(
        place.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    )


def clients(place: Place) -> bool:
    """Whether PostgreSQL's own programs are connected."""
    return bool(
        place.ask("SELECT 1 FROM pg_stat_activity WHERE application_name IN ('pg_dump', 'psql')"
                  " AND datname = current_database()")
    )  # fmt: skip


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def started(place: Place, *words: object) -> Command:
    """Start a command in a place, to be killed."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("MATSIFT_")}
    own |= {"MATSIFT_HOME": str(place.home), "MATSIFT_DATABASE_URL": place.url}
    return Command([str(Path(sys.executable).parent / "matsift"), *map(str, words)], own, place.home)


def killed(command: Command) -> None:
    assert command.process.poll() is None, command.stderr
    command.process.kill()
    command.wait()


def test_a_backup_is_killed(filled: Place, tmp_path: Path) -> None:
    with held(filled, "label"):
        command = started(filled, "db", "backup", tmp_path / "file")
        wait_until(lambda: waits(filled))
        with pytest.raises(UserInputError, match=r"another process writes .*/file now"):
            filled.backup(tmp_path / "file")
        killed(command)
        assert [path.name for path in tmp_path.iterdir()] == ["file.unfinished"]
    wait_until(lambda: not clients(filled))
    manifest = filled.backup(tmp_path / "file")
    assert verify_backup(tmp_path / "file") == manifest
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_restore_is_killed_before_it_drops_what_is_there(
    filled: Place, backup: Path, new_url: Callable[[], str], tmp_path: Path
) -> None:
    place = fill(Place(new_url(), tmp_path / "home"))
    before = place.rows()
    with held(place, "label"):
        command = started(place, "db", "restore", backup, "--replace")
        wait_until(lambda: waits(place))
        killed(command)
    wait_until(lambda: not clients(place))
    assert place.rows() == before
    place.restore(backup, replace=True)
    assert place.rows() == filled.rows()


#: What psql has come to; a lock is held to the end of the transaction, so that nobody misses it.
STAGES = {
    "COPY": "mode = 'RowExclusiveLock'",
    "ALTER TABLE": "mode = 'ShareRowExclusiveLock'",
    "ANALYZE": "query ~ 'ANALYZE'",
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_restore_is_killed_while_it_loads(filled: Place, backup: Path, empty: Place, stage: str) -> None:
    reached = f"""
        SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'psql' AND {STAGES[stage]} LIMIT 1
    """
    command = started(empty, "db", "restore", backup)
    with psycopg.connect(empty.url, autocommit=True) as watching:
        wait_until(lambda: watching.execute(reached.encode()).fetchone() is not None)
    killed(command)
    wait_until(lambda: not clients(empty))
    schemas = empty.ask("SELECT nspname FROM pg_namespace WHERE nspname IN ('matsift', 'analysis')")
    assert len(schemas) == (2 if stage == "ANALYZE" else 0)  # the commit follows it in the pipe
    if not schemas:
        empty.restore(backup)
    assert empty.rows() == filled.rows()
    assert empty.artifacts == filled.artifacts


def add_a_field(place: Place) -> None:
    """Add a row whose artifact is nowhere."""
    engine = make_engine(place.url)
    with Session(engine) as session:
        [key] = session.scalars(text("SELECT min(id) FROM matsift.structure"))
        fields.write_fields(session, run_id(session), [field_row(key, method="other", artifact_sha256="0" * 64)])
        session.commit()
    engine.dispose()


def test_what_runs_add_meanwhile_is_of_the_next_backup(
    new_url: Callable[[], str], empty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fill(Place(new_url(), tmp_path / "home"))
    before = place.rows()

    def late_dump(url: str, target: dump.Sink, *, snapshot: str | None) -> None:
        add_a_field(place)
        dump.write_dump(url, target, snapshot=snapshot)

    with monkeypatch.context() as patch:
        patch.setattr(backups, "write_dump", late_dump)
        place.backup(tmp_path / "file")
    empty.restore(tmp_path / "file")
    assert empty.rows() == before != place.rows()
    with pytest.raises(ArtifactError, match="1 of 10 artifacts that rows name are missing"):
        place.backup(tmp_path / "later")
