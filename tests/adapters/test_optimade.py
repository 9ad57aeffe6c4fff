"""An OPTIMADE provider that does well: pages, dates, licences, and slips that are told before anything is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from optimade.models import InfoResponse, LinksResponse, StructureResponseMany
from pydantic import ValidationError
from tests.factories.syncing import Held
from tests.servers.faulty import (
    Fault,
    FaultyServer,
    Response,
    not_json,
    stalled,
    status,
    with_headers,
)
from tests.servers.optimade import OptimadeService, rock_salt_attributes
from tests.servers.optimade_reading import ALL, IDS, PAGES, QUICK, change, lattice_constants, source

from matsift.errors import SourceError
from matsift.study.optimade import OptimadeSource
from matsift_adapters.sources import open_source


@pytest.fixture
def service() -> OptimadeService:
    return OptimadeService({key: rock_salt_attributes(5 + i / 10) for i, key in enumerate(IDS)})


@pytest.fixture
def server(service: OptimadeService) -> Iterator[FaultyServer]:
    with FaultyServer(service.route) as running:
        yield running


@pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince211")  # inside optimade's own models
def test_the_local_provider_speaks_optimade(service: OptimadeService, server: FaultyServer) -> None:
    service.children = ("https://example.org/optimade",)
    InfoResponse.model_validate(httpx.get(f"{server.url}/v1/info").json())
    LinksResponse.model_validate(httpx.get(f"{server.url}/v1/links").json())
    StructureResponseMany.model_validate(httpx.get(f"{server.url}/v1/structures?page_limit=4").json())


@pytest.mark.parametrize("next_as_object", [False, True], ids=["link", "link-object"])
def test_all_pages_are_read_once(service: OptimadeService, server: FaultyServer, next_as_object: bool) -> None:
    service.next_as_object = next_as_object
    held = Held()
    reading = held.sync(source(server))
    assert lattice_constants(held) == pytest.approx(ALL)
    assert reading.closing is not None
    assert (reading.closing.n_stated, reading.is_whole, reading.closing.version) == (10, True, "2024-01-01T00:00:00Z")
    assert len(server.requests_to(PAGES)) == 3
    entry = held.entries["salt/03"]
    assert (entry.licence, entry.version) == ("CC-BY-4.0", "2024-01-01T00:00:00Z")
    assert entry.url == f"{server.url}/v1/structures/salt/03"
    assert entry.payload == {
        "chemical_formula_descriptive": "NaCl",
        "immutable_id": "rock-salt-5.3",
        "provider": "Rock salts",
    }


def test_the_second_reading_asks_for_dates_only(server: FaultyServer) -> None:
    held = Held()
    held.sync(source(server))
    server.calm()
    reading = held.sync(source(server))
    assert (reading.entries, reading.unchanged, reading.is_whole) == ({}, set(IDS), True)
    assert {request.query["response_fields"] for request in server.requests_to(PAGES)} == {"last_modified"}
    assert len(server.requests_to("structures")) == 3


@pytest.mark.parametrize("knows_ids", [True, False], ids=["by-a-filter", "one-by-one"])
def test_only_what_changed_is_fetched(service: OptimadeService, server: FaultyServer, knows_ids: bool) -> None:
    service.knows_ids = knows_ids
    held = Held()
    held.sync(source(server))
    change(service, "salt/02", 6.6)
    change(service, 'new "\\" 1', 6.7)
    del service.structures["salt/07"]
    server.calm()
    reading = held.sync(source(server))
    assert sorted(reading.entries) == ['new "\\" 1', "salt/02"]
    assert reading.is_whole
    expected = {key: a for key, a in ALL.items() if key != "salt/07"} | {"salt/02": 6.6, 'new "\\" 1': 6.7}
    assert lattice_constants(held) == pytest.approx(expected)
    in_full = [r for r in server.requests_to("structures") if "species" in r.query.get("response_fields", "")]
    assert len(in_full) == (1 if knows_ids else 3)


def test_a_page_that_changed_for_the_most_part_is_fetched_as_a_page(
    service: OptimadeService, server: FaultyServer
) -> None:
    held = Held()
    held.sync(source(server))
    for key in IDS[:3]:
        change(service, key, 7.0)
    server.calm()
    assert sorted(held.sync(source(server)).entries) == IDS[:3]
    in_full = [r for r in server.requests_to(PAGES) if "species" in r.query["response_fields"]]
    assert [request.query.get("filter") for request in in_full] == [None]


def test_dates_are_compared_and_not_ordered(service: OptimadeService, server: FaultyServer) -> None:
    service.structures["salt/01"] = rock_salt_attributes(5.1, "2099-01-01T00:00:00Z")
    held = Held()
    held.sync(source(server))
    service.structures["salt/01"] = rock_salt_attributes(5.15, "1999-01-01T00:00:00Z")
    server.on(with_headers(Date="Fri, 13 Mar 2015 10:00:00 GMT"))
    assert list(held.sync(source(server)).entries) == ["salt/01"]


def test_a_provider_without_dates_is_read_anew_each_time(service: OptimadeService, server: FaultyServer) -> None:
    for attributes in service.structures.values():
        attributes["last_modified"] = None
    held = Held()
    held.sync(source(server))
    again = held.sync(source(server))
    assert sorted(again.entries) == IDS
    assert {entry.revision for entry in again.entries.values()} == {None}
    assert held.sync(source(server, version="2024")).entries["salt/01"].version == "2024"


def test_filter_and_fields_of_the_provider(service: OptimadeService, server: FaultyServer) -> None:
    service.structures["salt/05"]["elements"] = ["K", "Na"]
    service.structures["salt/05"] |= {"_salts_taste": {"salty": 0.9}, "_salts_gap": 0.0, "_salts_none": None}
    fields = ("_salts_taste", "_salts_gap", "_salts_none", "_salts_more")
    settings = {"filter": 'elements HAS ALL "K","Na"', "provider_fields": fields, "url": "https://x.org/{}"}
    held = Held()
    reading = held.sync(source(server, **settings))
    assert list(reading.entries) == ["salt/05"]
    own = {key: value for key, value in reading.entries["salt/05"].payload.items() if key.startswith("_")}
    assert own == {"_salts_taste": {"salty": 0.9}, "_salts_gap": 0.0}
    assert reading.entries["salt/05"].url == "https://x.org/salt/05"
    assert held.sync(source(server, **settings)).entries == {}


@pytest.mark.parametrize(
    ("info", "settings", "licence"),
    [
        ({}, {}, "CC-BY-4.0"),
        ({}, {"licence": "mine"}, "mine"),
        ({"available_licenses": ["CC0-1.0", "MIT"]}, {}, "CC0-1.0 OR MIT"),
        ({"available_licenses_for_entries": ["ODbL-1.0"]}, {}, "ODbL-1.0"),
        ({"available_licenses": [], "license": {"href": "https://x.org/terms"}}, {}, "https://x.org/terms"),
        ({"available_licenses": None, "license": "https://x.org/terms"}, {}, "https://x.org/terms"),
        ({"available_licenses": None}, {}, "unknown"),
    ],
    ids=["provider", "study", "choice", "entries", "link-object", "link", "nothing"],
)
def test_licence(
    service: OptimadeService, server: FaultyServer, info: dict[str, Any], settings: dict[str, Any], licence: str
) -> None:
    service.info = info
    reading = Held().sync(source(server, **settings))
    assert {entry.licence for entry in reading.entries.values()} == {licence}


def test_another_licence_of_the_provider_is_another_state(service: OptimadeService, server: FaultyServer) -> None:
    held = Held()
    held.sync(source(server))
    service.info = {"available_licenses": ["CC0-1.0"]}
    assert {e.licence for e in held.sync(source(server)).entries.values()} == {"CC0-1.0"}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (status(500), "answers 500 Internal Server Error, in 2 attempts; try again later"),
        (status(429, retry_after=999), "asks to wait 999 s; try again later"),
        (not_json(), "is not valid JSON"),
        (stalled(1.0), "within 0.4 s, in 2 attempts; try again later"),
        (status(403), "answers 403 Forbidden; correct the base_url in the study"),
        (lambda _request, _response: Response.of({"hello": "world"}), "/v1/info is no answer of OPTIMADE"),
        (lambda _request, _response: Response.of([]), "/v1/info is no answer of OPTIMADE"),
    ],
    ids=["500", "429", "no-json", "stalled", "403", "something-else", "a-list"],
)
def test_a_provider_that_is_none_is_told(server: FaultyServer, fault: Fault, told: str) -> None:
    server.on(fault, path="info")
    with pytest.raises(SourceError, match=r"^salts: ") as caught:
        Held().sync(source(server))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"api_version": "0.10.1"}, "speaks OPTIMADE 0.10.1, and only 1.x is read"),
        ({"is_index": True}, "is an index of databases; name one of them as base_url: https://a.org, https://b.org"),
        ({"available_endpoints": ["info", "references"]}, "has no structures"),
    ],
    ids=["old", "index", "no-structures"],
)
def test_what_a_provider_says_of_itself_may_rule_it_out(
    service: OptimadeService, server: FaultyServer, info: dict[str, Any], told: str
) -> None:
    service.info, service.children = info, ("https://a.org", "https://b.org")
    with pytest.raises(SourceError) as caught:
        Held().sync(source(server))
    assert told in str(caught.value)


def test_the_first_page_that_does_not_come_is_told(server: FaultyServer) -> None:
    detail = {"errors": [{"status": "400", "title": "Bad Request", "detail": "cannot filter by elements"}]}
    server.on(lambda _request, _response: Response.of(detail, 400), path=PAGES)
    with pytest.raises(SourceError, match=r"\(cannot filter by elements\); correct the filter or the base_url"):
        Held().sync(source(server))


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_address_is_found_with_or_without_a_version(server: FaultyServer, suffix: str) -> None:
    settings = OptimadeSource(kind="optimade", name="salts", base_url=server.url + suffix, **QUICK)
    assert len(Held().sync(open_source(settings, Path())).entries) == 10


def test_a_filter_that_is_none_is_told_before_anything_is_asked(server: FaultyServer) -> None:
    with pytest.raises(SourceError, match=r"^salts: the filter is none .*; correct it in the study"):
        source(server, filter='elements HAS ALL "Na')
    assert server.requests == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base_url": "optimade.org"}, "base_url"),
        ({"base_url": "http://x.org", "provider_fields": ("band_gap",)}, "provider_fields"),
        ({"base_url": "http://x.org", "page_limit": 0}, "page_limit"),
    ],
    ids=["no-address", "no-provider-field", "no-page"],
)
def test_a_slip_in_the_settings_is_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        OptimadeSource(kind="optimade", name="x", **settings)


def test_a_missing_package_is_told_with_its_remedy(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optimade.filterparser", None)
    with pytest.raises(
        SourceError, match=r"a package is missing \(optimade\.filterparser\); pip install 'matsift\[optimade\]'"
    ):
        source(server)
