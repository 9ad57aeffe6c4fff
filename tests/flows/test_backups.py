"""A backup holds all that an installation has, and brings it back, under another major version of PostgreSQL too."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.factories.backups import Place, fill
from tests.factories.hostile import Ended, matsift, write_study
from tests.flows.running import row_counts, run_here, said
from tests.postgres import PostgresServer, wheel_binaries

from matsift.errors import ArtifactError
from matsift_adapters.embedded_postgres import write_dump
from matsift_schema import engine

NEW_RUN = "INSERT INTO matsift.run (flow, code_version, environment_hash) VALUES ('ingest', '0', 'e')"


@pytest.fixture(scope="module")
def older_server() -> Iterator[PostgresServer]:
    """A server of an older major version."""
    server = PostgresServer(wheel_binaries(oldest=True))
    yield server
    server.stop()


def same(one: Place, other: Place) -> bool:
    return one.rows() == other.rows() and one.views() == other.views() and one.artifacts == other.artifacts


def command(place: Place, *words: object, monkeypatch: pytest.MonkeyPatch) -> Ended:
    """Run a command in a place."""
    monkeypatch.setenv("MATSIFT_HOME", str(place.home))
    monkeypatch.setenv("MATSIFT_DATABASE_URL", place.url)
    monkeypatch.setenv("MATSIFT_WORKERS", "1")
    return matsift(*words)


def versions(*places: Place) -> list[int]:
    found = []
    for place in places:
        with psycopg.connect(place.url) as connection:
            found.append(connection.info.server_version // 10_000)
    return found


@pytest.mark.full
def test_a_study_goes_on_under_the_next_major_version(
    older_server: PostgresServer, empty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_study(tmp_path / "study")
    older = Place(older_server.url(older_server.create_database()), tmp_path / "older")
    engine.upgrade(older.url)
    run_here(study, older.url, older.home, workers=1)
    ranking = command(older, "rank", study, "--json", monkeypatch=monkeypatch).done()

    command(older, "db", "backup", tmp_path / "file", monkeypatch=monkeypatch).done()
    told = command(empty, "db", "restore", tmp_path / "file", monkeypatch=monkeypatch).done()

    assert versions(older, empty) == [16, 18]
    assert told == f"Restored from {tmp_path / 'file'}, {len(older.artifacts)} artifacts\n"
    assert row_counts(empty.url) == row_counts(older.url)
    assert row_counts(empty.url)["model_version"] > 0 < row_counts(empty.url)["prediction"]
    assert said(empty.url) == said(older.url)
    assert same(empty, older)
    doctor = command(empty, "doctor", monkeypatch=monkeypatch).done().splitlines()
    assert {line.split()[0] for line in doctor if "free under" not in line and line[0] != " "} == {"well"}
    assert command(empty, "rank", study, "--json", monkeypatch=monkeypatch).done() == ranking
    assert "0 rows were added" in command(empty, "run", study, monkeypatch=monkeypatch).done()


def test_every_table_comes_back_under_an_older_major_version_and_again_under_the_newer(
    older_server: PostgresServer, filled: Place, backup: Path, empty: Place, tmp_path: Path
) -> None:
    older = Place(older_server.url(older_server.create_database()), tmp_path / "older")
    assert older.restore(backup).revision == engine.head()
    assert same(older, filled)
    assert sum(map(len, filled.rows().values())) > 300
    assert older.backup(tmp_path / "back").postgresql.startswith("16.")
    empty.restore(tmp_path / "back")
    assert same(empty, filled)
    assert versions(filled, older, empty) == [18, 16, 18]
    engine.require_ready(empty.url)
    assert engine.check(empty.url) == []
    assert empty.ask(f"{NEW_RUN} RETURNING id = (SELECT max(id) + 1 FROM matsift.run)") == [(True,)]


def test_what_is_in_the_file(filled: Place, backup: Path, tmp_path: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in backup.parent.iterdir()] == [backup.name]
    with zipfile.ZipFile(backup) as archive:
        archive.extractall(tmp_path)
    assert Place("", tmp_path).artifacts == filled.artifacts  # unpacked by any program, it is an artifact folder
    assert (tmp_path / "database.dump").read_bytes()[:5] == b"PGDMP"


def test_a_file_is_told_and_never_overwritten(filled: Place, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = command(filled, "db", "verify", backup, monkeypatch=monkeypatch).done()
    assert told.startswith(f"{backup} is whole: made at 20")
    assert f"schema revision {engine.head()} from PostgreSQL 18." in told
    assert told.endswith(f", {len(filled.artifacts)} artifacts of 0.0 MiB\n")
    before = backup.read_bytes()
    refused = command(filled, "db", "backup", backup, monkeypatch=monkeypatch).sentence
    assert refused == f"{backup} exists; give another name for the backup, or remove it"
    assert backup.read_bytes() == before


def test_nothing_is_made_where_there_is_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path / "none"))
    assert matsift("db", "backup", tmp_path / "file").sentence == (
        f"there is no database in {tmp_path / 'none'} yet, and nothing to back up"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_no_backup_is_silently_incomplete(
    filled: Place, empty: Place, tmp_path: Path, harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(filled.url, tmp_path / "home")
    for content in filled.artifacts.values():
        place.store.put(content, ".x")
    victim = next((tmp_path / "home" / "artifacts").glob("*/*"))
    victim.unlink() if harm == "missing" else victim.write_bytes(b"other")
    with pytest.raises(ArtifactError) as refused:
        place.backup(tmp_path / "file")
    assert str(refused.value) == (
        f"1 of {len(filled.artifacts)} artifacts that rows name are missing or damaged in {tmp_path}/home/artifacts, "
        f"{victim.stem} first; put them back, or leave them out of the backup with --without-missing"
    )
    assert list(tmp_path.glob("file*")) == []
    words = ("db", "backup", tmp_path / "file", "--without-missing")
    assert "without 1 that rows name" in command(place, *words, monkeypatch=monkeypatch).done()
    restored = empty.restore(tmp_path / "file")
    assert restored.manifest is not None
    assert restored.manifest.missing == (victim.stem,)
    assert len(empty.artifacts) == restored.n_artifact == len(filled.artifacts) - 1


def test_a_file_of_an_odd_name_in_the_artifact_folder_is_taken(filled: Place, empty: Place, tmp_path: Path) -> None:
    place = Place(filled.url, tmp_path / "home")
    for content in filled.artifacts.values():
        place.store.put(content)
    odd = next((tmp_path / "home" / "artifacts").glob("*/*"))
    odd.rename(odd.with_name(f"{odd.name}-copy"))
    place.backup(tmp_path / "file")
    empty.restore(tmp_path / "file")
    assert empty.artifacts.keys() == {f"{path[:2]}/{path[3:67]}" for path in filled.artifacts}


def test_a_database_alone_and_a_bare_dump(filled: Place, new_url: Callable[[], str], tmp_path: Path) -> None:
    assert filled.backup(tmp_path / "alone", database_only=True).artifacts is None
    with (tmp_path / "bare").open("wb") as stream:
        write_dump(filled.url, stream)
    for name in ("alone", "bare"):
        place = Place(new_url(), tmp_path / f"of-{name}")
        assert place.restore(tmp_path / name, replace=True).n_artifact == 0
        assert place.rows() == filled.rows()
        assert place.artifacts == {}


def test_a_second_restore_replaces_only_what_it_is_told_to(
    filled: Place, backup: Path, new_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fill(Place(new_url(), tmp_path / "home"))
    place.ask(f"{NEW_RUN} RETURNING 1")
    before = place.rows()
    refused = command(place, "db", "restore", backup, monkeypatch=monkeypatch).sentence
    assert refused.startswith("the database already holds the schema ")
    assert refused.endswith("or replace what is there with --replace")
    assert place.rows() == before != filled.rows()
    for _ in range(2):
        command(place, "db", "restore", backup, "--replace", monkeypatch=monkeypatch).done()
        assert same(place, filled)


def test_an_older_schema_comes_back_and_is_upgraded(
    empty_database_url: str, tmp_path: Path, new_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.upgrade(empty_database_url, "0011")
    old = Place(empty_database_url, tmp_path / "old")
    assert old.backup(tmp_path / "file").schema_revision == "0011"
    place = Place(new_url(), tmp_path / "new")
    told = command(place, "db", "restore", tmp_path / "file", "--replace", monkeypatch=monkeypatch).done()
    assert f"Its schema is at revision 0011 of {engine.head()}; run `matsift db upgrade`" in told
    command(place, "db", "upgrade", monkeypatch=monkeypatch).done()
    engine.require_ready(place.url)
