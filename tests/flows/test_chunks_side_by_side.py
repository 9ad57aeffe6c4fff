"""Chunks that several connections write at the same time leave the rows that one after the other would leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from pydantic import SecretStr
from tests.factories import crystals
from tests.factories.entries import entry, label
from tests.flows.running import rows

from matsift.records import EntryRecord
from matsift.structure_facts import describe
from matsift_adapters.settings import Settings
from matsift_adapters.sources.source import Source
from matsift_flows import overlap
from matsift_flows.ingest import write_chunks
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store import catalogue
from matsift_schema.store.catalogue import WriteCounts, write_entries

N_CHUNK, N_ENTRY = 6, 20
_ROWS = """
    SELECT e.external_id, e.content_hash, s.content_hash, e.withdrawn_reason, l.value
    FROM matsift.source_entry e LEFT JOIN matsift.structure s ON s.id = e.structure_id
    LEFT JOIN matsift.label l ON l.source_entry_id = e.id ORDER BY 1, 2, 5
"""


@pytest.fixture
def workspace(database_url: str, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace on an empty database."""
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(database_url), workers=1)
    with open_workspace(settings, Reporter(quiet=True)) as opened:
        yield opened


def stated(position: int, external_id: str, k_vrh: float) -> EntryRecord:
    crystal = crystals.rock_salt(edge_angstrom=5 + position / 1000)
    return replace(entry(external_id, crystal, labels=(label(value=k_vrh),)), facts=describe(crystal))


def write(workspace: Workspace, chunks: Sequence[Sequence[EntryRecord]]) -> list[WriteCounts]:
    source = Source("shelf", "files", "1", "CC0", "", None, lambda _: iter(()))
    with workspace.run("ingest", None, {"source": "shelf"}) as run:
        return list(write_chunks(workspace, run, source, chunks, lambda *_, **__: None))


def test_chunks_with_nothing_in_common(workspace: Workspace, database_url: str) -> None:
    chunks = [[stated(n := N_ENTRY * c + i, f"s-{n}", float(n)) for i in range(N_ENTRY)] for c in range(N_CHUNK)]
    assert write(workspace, chunks) == [WriteCounts(inserted=20, structures=20, labels=20)] * N_CHUNK
    assert len({row[2] for row in rows(database_url, _ROWS)}) == N_CHUNK * N_ENTRY
    assert rows(database_url, "SELECT count(*) FROM matsift.run") == [(1,)]


def test_the_first_chunks_of_a_new_source_do_not_wait_for_each_other(
    workspace: Workspace, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transaction ends only when the other one has written too: one that waits for the other's end never does."""
    both = Barrier(2)

    def written_together(*args: Any, **options: Any) -> WriteCounts:
        counts = write_entries(*args, **options)
        both.wait(timeout=30)
        return counts

    monkeypatch.setattr(catalogue, "write_entries", written_together)
    write(workspace, [[stated(0, "s-0", 1.0)], [stated(1, "s-1", 2.0)]])
    assert [row[0] for row in rows(database_url, _ROWS)] == ["s-0", "s-1"]


@pytest.mark.parametrize("writers", [1, 3], ids=["one by one", "side by side"])
def test_chunks_that_say_the_same_ids_anew_keep_their_order(
    workspace: Workspace, database_url: str, monkeypatch: pytest.MonkeyPatch, writers: int
) -> None:
    """Every chunk states the structures of the one before, half of them under ids of which it was told already."""
    monkeypatch.setattr(overlap, "WRITERS", writers)
    chunks = [
        [stated(i, f"s-{i}" if i % 2 else f"s-{i}-{c}", 10.0 * c + i) for i in range(N_ENTRY)] for c in range(N_CHUNK)
    ]
    counts = write(workspace, chunks)
    assert [c.structures for c in counts] == [N_ENTRY] + [0] * (N_CHUNK - 1)
    found = rows(database_url, _ROWS)
    again: dict[str, list[tuple[Any, ...]]] = {}
    for row in found:
        again.setdefault(row[0], []).append(row)
    current = {key: [r for r in states if r[3] is None] for key, states in again.items()}
    assert all(len(states) == 1 for states in current.values())
    assert {current[f"s-{i}"][0][4] for i in range(1, N_ENTRY, 2)} == {
        10.0 * (N_CHUNK - 1) + i for i in range(1, N_ENTRY, 2)
    }
    assert len(again) == N_ENTRY // 2 * (N_CHUNK + 1)
