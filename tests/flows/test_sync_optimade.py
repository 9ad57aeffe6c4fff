"""OPTIMADE providers kept in step in a real database, each for itself, through faults and interruptions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.flows.syncing import Syncer
from tests.servers.faulty import FaultyServer, Request, edited, not_json, status, truncated
from tests.servers.optimade import OptimadeService, rock_salt_attributes

from matsift.errors import SourceError
from matsift_adapters.sources.optimade_provider import Page, Provider
from matsift_flows import ingest as flow
from matsift_flows.ingest import refuse_incomplete

IDS = [f"salt-{i:02d}" for i in range(10)]
PAGES = "/structures$"
FIRST = {"run": 1, "source": 1, "source_snapshot": 1, "source_entry": 10, "structure": 10}


@pytest.fixture
def syncer(database_url: str, tmp_path: Path) -> Syncer:
    return Syncer(database_url, tmp_path)


@pytest.fixture
def service() -> OptimadeService:
    return OptimadeService({key: rock_salt_attributes(5 + i / 10) for i, key in enumerate(IDS)})


@pytest.fixture
def server(service: OptimadeService) -> Iterator[FaultyServer]:
    with FaultyServer(service.route) as running:
        yield running


@pytest.fixture
def other() -> Iterator[FaultyServer]:
    with FaultyServer(OptimadeService({"x": rock_salt_attributes(7.5)}).route) as running:
        yield running


def provider(server: FaultyServer, name: str = "salts", **settings: Any) -> dict[str, Any]:
    quick = {"requests_per_second": 100, "timeout_s": 2, "attempts": 2, "max_wait_s": 0.05, "page_limit": 4}
    return {"kind": "optimade", "name": name, "base_url": server.url, **quick, **settings}


def is_second_page(request: Request) -> bool:
    return request.query.get("page_offset") == "4"


def test_a_provider_is_kept_in_step(syncer: Syncer, service: OptimadeService, server: FaultyServer) -> None:
    assert syncer.added(provider(server)) == FIRST
    server.calm()
    assert syncer.added(provider(server)) == {}
    assert {request.query["response_fields"] for request in server.requests_to(PAGES)} == {"last_modified"}

    service.structures["salt-02"] = rock_salt_attributes(6.6, "2025-06-01T00:00:00Z")
    service.structures["salt-03"]["last_modified"] = "2025-06-01T00:00:00Z"
    service.structures["salt-10"] = rock_salt_attributes(6.7, nperiodic_dimensions=2)
    del service.structures["salt-07"]
    counts = syncer.sync(provider(server))["salts"]
    assert (counts.new, counts.changed, counts.withdrawn, counts.failed, counts.unchanged) == (1, 1, 1, 1, 8)
    assert counts.n_stated == 10
    assert syncer.current("salts") == sorted({*IDS, "salt-10"} - {"salt-07"})
    assert syncer.rows(
        "SELECT external_id, withdrawn_reason FROM matsift.source_entry WHERE withdrawn_at IS NOT NULL ORDER BY 1"
    ) == [("salt-02", "superseded"), ("salt-07", "not_stated")]
    ((message,),) = syncer.rows("SELECT message FROM matsift.failure")
    assert message.startswith("salt-10: it is periodic in 2 directions, not in 3; ")
    assert syncer.rows("SELECT DISTINCT licence FROM matsift.source_entry") == [("CC-BY-4.0",)]
    assert syncer.added(provider(server)) == {}


def test_disorder_is_kept(syncer: Syncer, service: OptimadeService, server: FaultyServer) -> None:
    mixed = {"name": "Na", "chemical_symbols": ["Na", "vacancy"], "concentration": [0.75, 0.25]}
    chlorine = {"name": "Cl", "chemical_symbols": ["Cl"], "concentration": [1.0]}
    service.structures["salt-00"]["species"] = [mixed, chlorine]
    syncer.sync(provider(server))
    query = """
        SELECT s.species, s.occupancies, s.is_ordered, s.holds
        FROM matsift.structure s JOIN matsift.source_entry e ON e.structure_id = s.id WHERE e.external_id = 'salt-00'
    """
    assert syncer.rows(query) == [(["Na", "Cl"], [0.75, 1.0], False, ["partial_occupancy"])]


def test_what_is_missing_is_said_and_comes_the_next_time(syncer: Syncer, server: FaultyServer) -> None:
    server.on(truncated(), path=PAGES, where=is_second_page)
    counts = syncer.sync(provider(server))
    with pytest.raises(SourceError, match=r"salts: it was not read to its end \(4 entries came of 10\)"):
        refuse_incomplete(counts)
    assert syncer.current("salts") == IDS[:4]
    assert syncer.rows("SELECT stage, subject, error_class FROM matsift.failure") == [
        ("ingest", "salts: pages", "IncompleteSource")
    ]
    assert syncer.rows("SELECT count(*) FROM matsift.source_snapshot") == [(0,)]
    assert syncer.added(provider(server)) == {}

    server.calm()
    server.on(edited(lambda page: page | {"data": []}), path=PAGES, where=is_second_page)
    assert syncer.added(provider(server)) == {"run": 1, "failure": 1, "source_entry": 2, "structure": 2}
    server.calm()
    assert syncer.added(provider(server)) == {"run": 1, "source_entry": 4, "source_snapshot": 1, "structure": 4}
    assert syncer.current("salts") == IDS
    assert syncer.added(provider(server)) == {}


def test_an_interrupted_reading_goes_on_where_it_was(
    syncer: Syncer, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Provider.page

    def interrupted(self: Provider, url: str) -> Page:
        if "page_offset=8" in url:
            raise KeyboardInterrupt
        return real(self, url)

    monkeypatch.setattr(Provider, "page", interrupted)
    monkeypatch.setattr(flow, "CHUNK", 4)
    with pytest.raises(KeyboardInterrupt):
        syncer.sync(provider(server))
    assert set(IDS[:4]) <= set(syncer.current("salts")) <= set(IDS[:8])
    monkeypatch.undo()
    server.calm()
    syncer.sync(provider(server))
    assert syncer.current("salts") == IDS
    assert syncer.rows("SELECT count(*) FROM matsift.source_entry") == [(10,)]
    assert syncer.added(provider(server)) == {}


def test_a_provider_that_is_down_holds_up_no_other(syncer: Syncer, server: FaultyServer, other: FaultyServer) -> None:
    server.on(status(502), path="info")
    with pytest.raises(SourceError, match=r"^salts: .*/v1/info: the service answers 502 Bad Gateway"):
        syncer.sync(provider(server), provider(other, "others"))
    assert (syncer.current("salts"), syncer.current("others")) == ([], ["x"])
    server.calm()
    server.on(not_json(), path=PAGES, where=is_second_page)
    counts = syncer.sync(provider(server), provider(other, "others"))
    assert (counts["salts"].is_whole, counts["others"].is_whole) == (False, True)
    server.calm()
    syncer.sync(provider(server), provider(other, "others"))
    assert (syncer.current("salts"), syncer.current("others")) == (IDS, ["x"])
    assert syncer.added(provider(server), provider(other, "others")) == {}


def test_one_structure_of_two_providers_is_one_structure(
    syncer: Syncer, service: OptimadeService, server: FaultyServer, other: FaultyServer
) -> None:
    service.structures["salt-00"] = rock_salt_attributes(7.5)
    syncer.sync(provider(server), provider(other, "others"))
    assert syncer.rows(
        "SELECT count(*), count(DISTINCT structure_id) FROM matsift.source_entry WHERE external_id IN ('salt-00', 'x')"
    ) == [(2, 1)]
