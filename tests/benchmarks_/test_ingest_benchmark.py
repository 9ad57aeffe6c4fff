"""What `make bench-ingest` is built of, on a few structures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.ingest import end_to_end, load, samples
from benchmarks.ingest.__main__ import settings
from benchmarks.ingest.measuring import take
from tests.factories.crystals import many
from tests.postgres import PostgresServer

from matsift.records import EntryRecord
from matsift.structure_facts import describe
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace

N = 20

needs_data = pytest.mark.skipif(
    not samples.archive().exists(), reason=f"{samples.archive()} is missing; name the data folder in MATSIFT_DATA"
)


@pytest.fixture
def workspace(database_url: str, tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(Settings(home=tmp_path, database_url=database_url, workers=1), Reporter(quiet=True)) as opened:
        yield opened


@pytest.fixture
def entries() -> list[EntryRecord]:
    return [EntryRecord(str(i), crystal, "1", "MIT", facts=describe(crystal)) for i, crystal in enumerate(many(N))]


def test_every_way_of_loading_takes_its_turn(
    postgres_server: PostgresServer, workspace: Workspace, entries: list[EntryRecord], tmp_path: Path
) -> None:
    comparison = load.compare(workspace, entries, 2, tmp_path)
    assert {load.OURS, load.WITH_HASH, load.COPY, load.ASE, load.JSON} <= comparison.rounds.keys()
    assert all(len(rounds) == 2 for rounds in comparison.rounds.values())
    assert comparison.ratio(load.ASE) == 1
    lines = load.table(comparison)
    assert len([line for line in lines if line.startswith("| ")]) == 1 + len(comparison.rounds)
    assert "eached: " in lines[-2]
    counts = end_to_end.row_counts_of(workspace)
    assert counts["structure"] == counts["source_entry"] == 3 * 2 * N  # two rounds and the one before, twice each


def test_each_round_has_structures_of_its_own(entries: list[EntryRecord]) -> None:
    rounds = [samples.once_more(entries, number) for number in range(4)]
    hashes = {entry.crystal.content_hash for one in rounds for entry in one if entry.crystal}
    assert len(hashes) == 4 * N
    (first, *_) = samples.without_hashes(rounds[0])
    assert first.crystal is not None
    assert "content_hash" not in first.crystal.__dict__
    assert rounds[0][0].crystal is not None
    assert "content_hash" in rounds[0][0].crystal.__dict__


def test_time_of_a_piece_of_work_is_that_of_this_process() -> None:
    took = take(10, lambda: sum(i * i for i in range(200_000)))
    assert took.own_cpu_s > 0
    assert took.wall_s >= 0.5 * took.own_cpu_s
    assert (took.worker_cpu_s, took.server_cpu_s) == (0, 0)
    assert took.rate == 10 / took.wall_s


@pytest.mark.slow
@needs_data
def test_from_cifs_to_rows(postgres_server: PostgresServer, workspace: Workspace, tmp_path: Path) -> None:
    result = end_to_end.run(workspace, tmp_path, N)
    first, again, changed = result.counts
    assert (first.new, first.failed, again.unchanged, result.rows_added_again) == (N, 0, N, 0)
    assert (changed.changed, changed.unchanged) == (1, N - 1)
    result.stages_us = end_to_end.stages(workspace, N, 2 * N)
    assert set(result.stages_us) >= {"read, unpack", "parse", "symmetry", "hash", "check", "write", "PostgreSQL"}
    shares = end_to_end.table(result, 1)[-2]
    assert shares.count("%") == len(result.stages_us) + 1


def test_all_parts_run_unless_some_are_named() -> None:
    assert settings([]).only == ["cif-rate", "bad-cifs", "load", "end-to-end"]
    assert settings(["--only", "load", "--limit", "5"]).limit == 5
