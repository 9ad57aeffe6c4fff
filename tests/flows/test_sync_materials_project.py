"""The Materials Project kept in step in a real database: what each sync writes, and that it writes nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.flows.syncing import Syncer
from tests.servers import faulty
from tests.servers.faulty import FaultyServer
from tests.servers.materials_project import EXPIRED_KEY, KEY, MaterialsProject
from tests.servers.materials_project_documents import add, rock_salt, spell, world

from matsift.errors import SourceError
from matsift_adapters.sources.materials_project_client import MaterialsProjectClient
from matsift_flows.ingest import refuse_incomplete

WORLD = world(10)
IDS = [f"mp-{8000 + i}" for i in range(10)]
FIRST = {"run": 1, "source": 1, "source_snapshot": 1, "source_entry": 10, "structure": 10, "label": 10 + 10 + 5}
LABELS = "SELECT property_name, method, value FROM analysis.label WHERE formula = 'KF' ORDER BY 1"
GONE = "SELECT external_id, withdrawn_reason FROM matsift.source_entry WHERE withdrawn_at IS NOT NULL ORDER BY 1"
SNAPSHOTS = "SELECT version, n_entry, n_stated, n_new, n_changed, n_unchanged FROM matsift.source_snapshot ORDER BY id"


@pytest.fixture
def syncer(database_url: str, tmp_path: Path) -> Syncer:
    return Syncer(database_url, tmp_path)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> MaterialsProject:
    monkeypatch.setenv("MP_API_KEY", KEY)
    return copy.deepcopy(WORLD)


@pytest.fixture
def server(service: MaterialsProject) -> Iterator[FaultyServer]:
    with FaultyServer(service) as running:
        yield running


def source(server: FaultyServer, **settings: Any) -> dict[str, Any]:
    quick = {"requests_per_second": 100, "timeout_s": 5, "attempts": 2, "max_wait_s": 0.01}
    pages = {"page_size": 4, "batch_size": 3, "endpoint": server.url}
    asked = {"filter": {"num_elements": [1, 9]}, "properties": ["k_vrh", "band_gap", "energy_above_hull"]}
    return {"kind": "materials_project", "name": "mp", **quick, **pages, **asked, **settings}


def test_it_is_kept_in_step(syncer: Syncer, service: MaterialsProject, server: FaultyServer) -> None:
    assert syncer.added(source(server)) == FIRST
    assert syncer.current("mp") == IDS
    assert syncer.rows(LABELS) == [
        ("band_gap", "mp-electronic-structure", 1.0),
        ("energy_above_hull", "mp-thermo-gga-gga+u-r2scan", 0.02),
        ("k_vrh", "mp-elasticity", 53.0),
    ]
    server.calm()
    assert syncer.added(source(server)) == {}
    assert len(server.requests) == 5

    service.revise("mp-8002", band_gap=1.25)
    service.revise("mp-8003", when="2025-12-01T00:00:00")
    service.revise("mp-8004", deprecated=True)
    service.summary = [d for d in service.summary if d["material_id"] != "mp-8007"]
    add(service, "mp-8100", rock_salt("Na", "I", 6.5), number=11)
    counts = syncer.sync(source(server))["mp"]
    assert (counts.new, counts.changed, counts.unchanged, counts.withdrawn, counts.n_stated) == (1, 1, 7, 2, 9)
    assert syncer.rows(GONE) == [("mp-8002", "superseded"), ("mp-8004", "deprecated"), ("mp-8007", "not_stated")]
    assert [row[2] for row in syncer.rows(LABELS)] == [1.25, 0.02, 53.0]
    assert syncer.added(source(server)) == {}


def test_ids_stand_as_text_and_as_numbers_whatever_the_spelling(
    syncer: Syncer, service: MaterialsProject, server: FaultyServer
) -> None:
    syncer.sync(source(server))
    spell(service, with_letters=True)
    assert syncer.added(source(server)) == {}
    query = "SELECT external_id, canonical_number FROM matsift.source_entry ORDER BY 2"
    assert syncer.rows(query) == [(key, 8000 + i) for i, key in enumerate(IDS)]


def test_a_new_release_that_says_the_same_adds_its_snapshot_and_no_entry(
    syncer: Syncer, service: MaterialsProject, server: FaultyServer
) -> None:
    syncer.sync(source(server))
    service.release = "2025.11.01"
    assert syncer.added(source(server)) == {"run": 1, "source_snapshot": 1}
    assert syncer.rows(SNAPSHOTS) == [("2025.09.25", 10, 10, 10, 0, 0), ("2025.11.01", 10, 10, 0, 0, 10)]
    assert syncer.added(source(server)) == {}


def test_a_new_release_of_structures_alone_adds_nothing(
    syncer: Syncer, service: MaterialsProject, server: FaultyServer
) -> None:
    syncer.sync(source(server, properties=[]))
    service.release = "2025.11.01"
    server.calm()
    assert syncer.added(source(server, properties=[])) == {}
    assert not any("structure" in request.query.get("_fields", "") for request in server.requests)


def test_licences_and_batches(syncer: Syncer, service: MaterialsProject, server: FaultyServer) -> None:
    add(service, "mp-9000", rock_salt("Na", "I", 6.5), number=11, batch_id="gnome_r2scan_statics")
    assert syncer.added(source(server)) == FIRST
    assert syncer.added(source(server, include_gnome=True)) == {
        "run": 1,
        "source_snapshot": 1,
        "source_entry": 1,
        "structure": 1,
        "label": 2,
    }
    by_licence = "SELECT licence, count(*) FROM matsift.source_entry WHERE withdrawn_at IS NULL GROUP BY 1 ORDER BY 1"
    assert syncer.rows(by_licence) == [("CC-BY-4.0", 10), ("CC-BY-NC-4.0", 1)]
    syncer.sync(source(server))
    assert syncer.rows(by_licence) == [("CC-BY-4.0", 10)]


@pytest.mark.parametrize(
    ("fault", "path", "told"),
    [
        pytest.param(faulty.status(500), "elasticity", "500", id="500"),
        pytest.param(faulty.reset(), "elasticity", "connection", id="reset in a body"),
        pytest.param(faulty.truncated(), "thermo", "broke off", id="truncated"),
    ],
)
def test_what_is_missing_is_said_and_comes_the_next_time(
    syncer: Syncer, server: FaultyServer, fault: faulty.Fault, path: str, told: str
) -> None:
    server.on(fault, path=path, ordinals=range(1, 1000))
    counts = syncer.sync(source(server))
    with pytest.raises(SourceError, match=r"mp: it was not read to its end \(3 entries came of 10\)"):
        refuse_incomplete(counts)
    assert syncer.current("mp") == IDS[:3]
    ((stage, subject, message),) = syncer.rows("SELECT stage, subject, message FROM matsift.failure")
    assert (stage, subject) == ("ingest", "mp: mp-8003")
    assert "7 of 10 entries that are new or changed did not come, mp-8003 to mp-8009" in message
    assert told in message
    assert syncer.rows(SNAPSHOTS) == []
    assert syncer.rows(GONE) == []

    server.calm()
    rest = {"run": 1, "source_snapshot": 1, "source_entry": 7, "structure": 7}
    grown = syncer.added(source(server))
    assert {name: grown[name] for name in rest} == rest
    assert {r.query["material_ids"].split(",")[0] for r in server.requests if "material_ids" in r.query} == {
        "mp-8003",
        "mp-8006",
        "mp-8009",
    }
    assert syncer.added(source(server)) == {}


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda page: page | {"data": []}, id="an empty page"),
        pytest.param(lambda page: page | {"meta": {"total_doc": 11}}, id="a count that changes"),
    ],
)
def test_a_list_that_does_not_add_up_withdraws_nothing(syncer: Syncer, server: FaultyServer, edit: Any) -> None:
    syncer.sync(source(server))
    server.on(faulty.edited(edit), where=lambda request: request.query.get("_page") == "2")
    assert syncer.added(source(server)) == {"run": 1, "failure": 1}
    assert syncer.added(source(server)) == {}
    assert syncer.current("mp") == IDS
    server.calm()
    assert syncer.added(source(server)) == {}


def test_a_document_without_a_structure_is_an_entry_that_is_completed(
    syncer: Syncer, service: MaterialsProject, server: FaultyServer
) -> None:
    structure = service.summary[4].pop("structure")
    counts = syncer.sync(source(server))["mp"]
    assert (counts.new, counts.failed) == (10, 1)
    assert syncer.added(source(server)) == {}
    service.summary[4]["structure"] = structure
    grown = syncer.added(source(server))
    assert {name: grown[name] for name in ("source_entry", "structure", "label")} == {
        "source_entry": 1,
        "structure": 1,
        "label": 3,
    }
    assert syncer.current("mp") == IDS
    assert syncer.added(source(server)) == {}


def test_an_interrupted_sync_goes_on_where_it_was(
    syncer: Syncer, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: faulty.Request, response: faulty.Response) -> faulty.Response:
        monkeypatch.setattr(MaterialsProjectClient, "elasticity", _interrupted)
        return response

    monkeypatch.setattr("matsift_flows.ingest.CHUNK", 2)
    real = MaterialsProjectClient.elasticity
    server.on(interrupt, path="elasticity", ordinals={1})
    with pytest.raises(KeyboardInterrupt):
        syncer.sync(source(server))
    kept = syncer.current("mp")
    assert 0 < len(kept) < 10
    monkeypatch.setattr(MaterialsProjectClient, "elasticity", real)
    server.calm()
    syncer.sync(source(server))
    assert syncer.current("mp") == IDS
    assert not any(key in r.query.get("material_ids", "") for r in server.requests for key in kept)
    assert syncer.added(source(server)) == {}


def test_the_key_stands_nowhere(syncer: Syncer, server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    expired = faulty.Response.of({"message": f"API key {KEY} has expired"}, 403)
    server.on(lambda _request, _response: expired, path="thermo", ordinals=range(1, 100))
    syncer.sync(source(server))
    monkeypatch.setenv("MP_API_KEY", EXPIRED_KEY)
    with pytest.raises(SourceError, match="refuses the key"):
        syncer.sync(source(server))
    assert syncer.rows("SELECT status FROM matsift.run") == [("completed",)]
    with psycopg.connect(syncer.url) as connection:
        tables = [t for (t,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'matsift'")]
        for table in tables:
            query = f"SELECT count(*) FROM matsift.{table} AS t WHERE t::text ~ '{KEY}|{EXPIRED_KEY}'"
            assert connection.execute(query).fetchone() == (0,), table


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
