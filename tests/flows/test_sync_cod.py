"""COD kept in step in a real database, from a copy on disk and by its search: nothing is doubled, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.factories.cod_cifs import LONG_AGO, cod_cif, tree_path, write_tree
from tests.flows.syncing import Syncer
from tests.servers.cod import CodService, salts
from tests.servers.faulty import FaultyServer, edited, reset, status, truncated

from matsift.errors import SourceError
from matsift_adapters.sources import cod, cod_search, jobs
from matsift_flows.ingest import refuse_incomplete

NUMBERS = [str(1000000 + i) for i in range(5)]


@pytest.fixture(autouse=True)
def _parsed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse in this process: starting workers would take most of the time."""
    for module in (cod, cod_search):
        monkeypatch.setattr(module, "parse_all", lambda found, **rest: jobs.parse_all(found, **{**rest, "n_worker": 0}))


@pytest.fixture
def syncer(database_url: str, tmp_path: Path) -> Syncer:
    return Syncer(database_url, tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "cif", {n: cod_cif(n, 5.6 + i / 10) for i, n in enumerate(NUMBERS)})


@pytest.fixture
def service() -> CodService:
    return salts(NUMBERS)


@pytest.fixture
def server(service: CodService) -> Iterator[FaultyServer]:
    with FaultyServer(service.route) as running:
        yield running


MIRROR: dict[str, Any] = {"kind": "cod", "name": "cod", "path": "cif"}


def search(server: FaultyServer) -> dict[str, Any]:
    quick = {"requests_per_second": 100, "timeout_s": 2, "attempts": 2, "max_wait_s": 0.05}
    return {"kind": "cod_search", "name": "found", "base_url": f"{server.url}/cod", "elements": ["Na"], **quick}


def test_a_copy_is_kept_in_step(syncer: Syncer, tree: Path) -> None:
    counts = syncer.sync(MIRROR)["cod"]
    assert (counts.new, counts.n_stated, counts.failed, counts.is_whole) == (5, 5, 0, True)
    assert syncer.added(MIRROR) == {}
    assert syncer.rows(
        "SELECT external_id, canonical_number, version, licence, url, payload->>'doi' FROM matsift.source_entry"
        " WHERE external_id = '1000003'"
    ) == [
        (
            "1000003",
            1000003,
            "r291735",
            "CC0-1.0",
            "https://www.crystallography.net/cod/1000003.html",
            "10.1000/1000003",
        )
    ]

    half = "Na1 Na1+ 0 0 0 0.5\nCl1 Cl1- 0.5 0.5 0.5 1\n"
    write_tree(
        tree,
        {
            "1000000": cod_cif("1000000", 5.55, revision=300000),
            "1000001": cod_cif("1000001", 5.7, tags="_cod_error_flag retracted\n"),
            "1000005": cod_cif("1000005", 6.4, atoms=half, formula="Cl Na0.5"),
            "1000006": cod_cif("1000006", 6.5, formula="C9 H8 O4"),
            "1000007": cod_cif("1000007", 6.6)[:-20],
        },
        mtime=LONG_AGO + 60,
    )
    (tree / tree_path("1000002")).unlink()
    counts = syncer.sync({**MIRROR, "exclude_organic": True})["cod"]
    assert (counts.new, counts.changed, counts.withdrawn, counts.failed, counts.n_stated) == (2, 1, 2, 1, 7)
    assert counts.n_excluded == 1
    assert counts.unchanged == 2
    assert syncer.current("cod") == ["1000000", "1000003", "1000004", "1000005", "1000007"]
    assert syncer.rows(
        "SELECT external_id, withdrawn_reason FROM matsift.source_entry WHERE withdrawn_at IS NOT NULL ORDER BY 1"
    ) == [("1000000", "superseded"), ("1000001", "retracted"), ("1000002", "not_stated")]
    assert syncer.rows(
        "SELECT s.holds FROM matsift.structure s JOIN matsift.source_entry e ON e.structure_id = s.id"
        " WHERE e.external_id = '1000005'"
    ) == [(["partial_occupancy"],)]
    assert syncer.rows("SELECT version, n_stated, n_new, n_withdrawn FROM matsift.source_snapshot ORDER BY id") == [
        ("r291735", 5, 5, 0),
        ("r300000", 7, 2, 2),
    ]
    assert syncer.added({**MIRROR, "exclude_organic": True}) == {}


def test_a_copy_that_is_not_finished_loses_nothing(syncer: Syncer, tree: Path) -> None:
    syncer.sync(MIRROR)
    path = tree / tree_path("1000001")
    path.rename(path.with_name(".1000001.cif.aB3xYz"))
    counts = syncer.sync(MIRROR)
    with pytest.raises(SourceError, match=r"cod: it was not read to its end \(4 entries came of 4\)"):
        refuse_incomplete(counts)
    assert syncer.current("cod") == NUMBERS
    ((stage, subject, message),) = syncer.rows("SELECT stage, subject, message FROM matsift.failure")
    assert (stage, subject) == ("ingest", "cod: .1000001.cif.aB3xYz is still being copied by rsync")
    assert message.endswith("what is there was read, finish the copy and run again")
    assert syncer.added(MIRROR) == {}
    path.with_name(".1000001.cif.aB3xYz").rename(path)
    assert syncer.sync(MIRROR)["cod"].is_whole
    assert syncer.added(MIRROR) == {}


def test_a_search_is_kept_in_step(syncer: Syncer, service: CodService, server: FaultyServer) -> None:
    server.on(status(502), path="1000001.cif")
    server.on(reset(), path="1000002.cif")
    server.on(truncated(), path="1000003.cif")
    counts = syncer.sync(search(server))["found"]
    assert (counts.new, counts.n_stated, counts.is_whole) == (2, 5, False)
    assert syncer.current("found") == ["1000000", "1000004"]
    told = syncer.rows("SELECT subject, error_class FROM matsift.failure ORDER BY 1")
    assert told == [(f"found: {number}", "IncompleteSource") for number in NUMBERS[1:4]]
    assert syncer.rows("SELECT count(*) FROM matsift.source_snapshot") == [(0,)]

    server.calm()
    assert syncer.added(search(server)) == {"run": 1, "source_entry": 3, "source_snapshot": 1, "structure": 3}
    assert len(server.requests_to(r"\.cif$")) == 3
    server.calm()
    assert syncer.added(search(server)) == {}
    assert server.requests_to(r"\.cif$") == []

    service.put("1000004", 6.6, revision=2000)
    service.remove("1000000")
    server.on(edited(lambda rows: rows[:-1]), path="result", ordinals={0})
    assert syncer.added(search(server)) == {"run": 1, "failure": 1}
    assert syncer.current("found") == NUMBERS
    server.calm()
    counts = syncer.sync(search(server))["found"]
    assert (counts.changed, counts.withdrawn, counts.unchanged) == (1, 1, 3)
    assert syncer.current("found") == NUMBERS[1:]


def test_the_copy_and_the_search_share_their_structures(syncer: Syncer, tree: Path, server: FaultyServer) -> None:
    syncer.sync(MIRROR)
    added = syncer.added(search(server))
    assert (added.get("structure"), added["source_entry"]) == (None, 5)


def test_a_service_that_is_down_holds_up_no_other_source(syncer: Syncer, tree: Path, server: FaultyServer) -> None:
    server.on(status(503), path="result")
    with pytest.raises(SourceError, match=r"^found: .*answers 503 .*; try again later"):
        syncer.sync(search(server), MIRROR)
    assert syncer.current("cod") == NUMBERS
    server.calm()
    syncer.sync(search(server), MIRROR)
    assert syncer.current("found") == NUMBERS


def test_a_bad_entry_is_read_again_on_request_or_when_it_changes(syncer: Syncer, tree: Path) -> None:
    write_tree(tree, {"1000009": cod_cif("1000009")[:-20]})
    syncer.sync(MIRROR)
    assert syncer.rows("SELECT subject, attempt FROM matsift.failure") == [("cod: 1000009.cif", 1)]
    assert syncer.added(MIRROR) == {}
    write_tree(tree, {"1000009": cod_cif("1000009", 6.9)}, mtime=LONG_AGO)
    counts = syncer.sync(MIRROR)["cod"]
    assert (counts.changed, counts.failed) == (1, 0)
