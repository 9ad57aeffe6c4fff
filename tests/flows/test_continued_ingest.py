"""A second reading reads what changed, a killed one reads the rest, and what nothing changed writes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.factories.structure_files import ROCK_SALT_CIF
from tests.flows.running import one, row_counts, rows

from matsift.study.settings import Mirror
from matsift_adapters.settings import Settings
from matsift_adapters.sources import files, jobs
from matsift_flows import ingest as flow
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store.syncs import SyncCounts

N_FILE = 12


class Reading:
    """How many files were handed to the parser, and after how many the reader is stopped."""

    def __init__(self) -> None:
        self.parsed: list[str] = []
        self.stop_after: int | None = None

    def noting(self, real: Any) -> Any:
        """Return `parse_all` with a note of every file; it parses in this process."""

        def parse_all(jobs: Any, **rest: Any) -> Any:
            def noted() -> Any:
                for job in jobs:
                    if self.stop_after is not None and len(self.parsed) >= self.stop_after:
                        raise KeyboardInterrupt
                    if job.member is not None:
                        self.parsed.append(job.member.name)
                    yield job

            return real(noted(), **{**rest, "n_worker": 0})

        return parse_all


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    """What the source of files hands to the parser."""
    noted = Reading()
    monkeypatch.setattr(files, "parse_all", noted.noting(jobs.parse_all))
    return noted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of CIFs of different size, one of them torn."""
    at = tmp_path / "cifs"
    at.mkdir()
    for i in range(N_FILE):
        (at / f"{i:02}.cif").write_text(salt(5 + i / 100))
    (at / "torn.cif").write_text(ROCK_SALT_CIF[:-12])
    return at


def salt(edge: float) -> str:
    return ROCK_SALT_CIF.replace("5.64", f"{edge:.2f}")


@pytest.fixture
def workspace(database_url: str, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace that does not retry what failed."""
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(database_url), workers=1)
    with open_workspace(settings, Reporter(quiet=True)) as opened:
        yield opened


def sync(workspace: Workspace, folder: Path, **settings: Any) -> SyncCounts:
    source = {"kind": "files", "name": "shelf", "path": folder.name, "licence": "CC0", **settings}
    mirror = Mirror.model_validate({"study": {"name": "shelf", "title": "Shelf"}, "sources": [source]})
    return flow.ingest.fn(workspace, mirror, folder.parent)["shelf"]


def snapshots(url: str) -> list[tuple[Any, ...]]:
    counts = "n_entry, n_failure, n_new, n_changed, n_unchanged, n_withdrawn"
    return rows(url, f"SELECT {counts} FROM matsift.source_snapshot ORDER BY id")


def test_the_first_reading_counts_everything_as_new(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading
) -> None:
    assert sync(workspace, folder) == SyncCounts(new=N_FILE + 1, failed=1)
    assert len(reading.parsed) == N_FILE + 1
    assert snapshots(database_url) == [(13, 1, 13, 0, 0, 0)]
    assert one(database_url, "SELECT count(*) FROM matsift.source_entry WHERE revision LIKE '%/1'") == N_FILE + 1


def test_an_unchanged_source_is_not_opened_and_writes_nothing(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading
) -> None:
    sync(workspace, folder)
    before, reading.parsed = row_counts(database_url), []
    assert sync(workspace, folder) == SyncCounts(unchanged=N_FILE + 1)
    assert (reading.parsed, row_counts(database_url)) == ([], before)


def test_a_changed_file_is_the_only_one_that_is_read(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading
) -> None:
    sync(workspace, folder)
    before, reading.parsed = row_counts(database_url), []
    (folder / "03.cif").write_text(salt(5.9))

    assert sync(workspace, folder) == SyncCounts(changed=1, unchanged=N_FILE, failed=1)

    assert reading.parsed == ["03.cif"]
    added = {table: n - before[table] for table, n in row_counts(database_url).items() if n != before[table]}
    assert added == {"run": 1, "source_entry": 1, "source_snapshot": 1, "structure": 1}
    assert snapshots(database_url)[-1] == (13, 1, 0, 1, 12, 0)
    states = rows(
        database_url,
        "SELECT withdrawn_at IS NULL, withdrawn_reason FROM matsift.source_entry WHERE external_id = '03' ORDER BY id",
    )
    assert states == [(False, "superseded"), (True, None)]


def test_files_that_come_go_and_return(workspace: Workspace, database_url: str, folder: Path, reading: Reading) -> None:
    sync(workspace, folder)
    kept = (folder / "05.cif").read_text()
    (folder / "05.cif").unlink()
    (folder / "new.cif").write_text(salt(6.2))
    assert sync(workspace, folder) == SyncCounts(new=1, unchanged=N_FILE, withdrawn=1, failed=1)
    gone = "SELECT withdrawn_reason FROM matsift.source_entry WHERE external_id = '05'"
    assert rows(database_url, gone) == [("not_stated",)]

    (folder / "05.cif").write_text(kept)
    n_entry, reading.parsed = row_counts(database_url)["source_entry"], []
    assert sync(workspace, folder) == SyncCounts(changed=1, unchanged=N_FILE + 1, failed=1)
    assert reading.parsed == ["05.cif"]
    assert rows(database_url, gone) == [(None,)]
    assert row_counts(database_url)["source_entry"] == n_entry


def test_a_file_that_says_the_same_in_other_words_moves_its_revision(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading
) -> None:
    sync(workspace, folder)
    mark = "SELECT revision FROM matsift.source_entry WHERE external_id = '03'"
    first, n_entry = one(database_url, mark), row_counts(database_url)["source_entry"]
    (folder / "03.cif").write_text("# a comment\n" + salt(5.03))

    assert sync(workspace, folder) == SyncCounts(unchanged=N_FILE + 1, failed=1)

    assert one(database_url, mark) != first
    assert row_counts(database_url)["source_entry"] == n_entry
    reading.parsed = []
    (folder / "04.cif").write_text(salt(5.9))
    sync(workspace, folder)
    assert reading.parsed == ["04.cif"]


def test_other_settings_read_everything_and_find_nothing_new(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading
) -> None:
    sync(workspace, folder)
    before, reading.parsed = row_counts(database_url), []
    assert sync(workspace, folder, max_site=500) == SyncCounts(unchanged=N_FILE + 1, failed=1)
    assert len(reading.parsed) == N_FILE + 1
    after = row_counts(database_url)
    assert {table for table in after if after[table] != before[table]} == {"run", "source_snapshot"}


def test_what_failed_is_read_again_on_demand(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading, tmp_path: Path
) -> None:
    sync(workspace, folder)
    before, reading.parsed = row_counts(database_url), []
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(database_url), workers=1)
    with open_workspace(settings, Reporter(quiet=True), retry_failed=True) as retrying:
        assert sync(retrying, folder) == SyncCounts(unchanged=N_FILE + 1, failed=1)
    assert reading.parsed == ["torn.cif"]
    assert row_counts(database_url) == before


def test_a_reading_that_was_stopped_reads_the_rest(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "CHUNK", 3)
    reading.stop_after = 8
    with pytest.raises(KeyboardInterrupt):
        sync(workspace, folder)
    n_stored = row_counts(database_url)["source_entry"]
    assert n_stored == 6
    assert snapshots(database_url) == []

    reading.parsed, reading.stop_after = [], None
    assert sync(workspace, folder) == SyncCounts(new=N_FILE + 1 - n_stored, unchanged=n_stored, failed=1)

    assert len(reading.parsed) == N_FILE + 1 - n_stored
    assert snapshots(database_url) == [(13, 1, 7, 0, 6, 0)]
    assert rows(database_url, "SELECT status FROM matsift.run") == [("completed",)]
    before = row_counts(database_url)
    assert sync(workspace, folder) == SyncCounts(unchanged=N_FILE + 1)
    assert row_counts(database_url) == before


def test_a_second_database_ends_with_the_same_structures(
    workspace: Workspace, database_url: str, folder: Path, reading: Reading, tmp_path: Path
) -> None:
    """Read at once, or a file a time: the same entries under the same revisions."""
    everything = sorted(folder.iterdir())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in everything[::4]:
        shutil.copy(file, elsewhere)
    sync(workspace, elsewhere)
    for file in everything:
        shutil.copy(file, elsewhere)
    sync(workspace, elsewhere)
    assert len(reading.parsed) == N_FILE + 1
    stated = "SELECT count(*), count(DISTINCT revision) FROM matsift.source_entry WHERE withdrawn_at IS NULL"
    assert rows(database_url, stated) == [(N_FILE + 1, N_FILE + 1)]
