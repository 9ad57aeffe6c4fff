"""An OPTIMADE provider, well and badly: what came is kept, what is missing is said, the next reading completes it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from optimade.models import InfoResponse, LinksResponse, StructureResponseMany
from pydantic import ValidationError
from tests.factories.syncing import Held, Reading
from tests.servers.faulty import (
    Fault,
    FaultyServer,
    Request,
    Response,
    edited,
    not_json,
    redirected,
    reset,
    slow,
    stalled,
    status,
    truncated,
    with_headers,
)
from tests.servers.optimade import OptimadeService, rock_salt_attributes

from matsift.errors import SourceError
from matsift.study.optimade import OptimadeSource
from matsift_adapters.sources import Source, open_source

QUICK = {"requests_per_second": 100, "timeout_s": 0.4, "attempts": 2, "max_wait_s": 0.05, "page_limit": 4}
IDS = [f"salt/{i:02d}" for i in range(10)]
PAGES = "/structures$"


@pytest.fixture
def service() -> OptimadeService:
    return OptimadeService({key: rock_salt_attributes(5 + i / 10) for i, key in enumerate(IDS)})


@pytest.fixture
def server(service: OptimadeService) -> Iterator[FaultyServer]:
    with FaultyServer(service.route) as running:
        yield running


def source(server: FaultyServer, **settings: Any) -> Source:
    asked: dict[str, Any] = QUICK | settings
    return open_source(OptimadeSource(kind="optimade", name="salts", base_url=server.url, **asked), Path())


def change(service: OptimadeService, key: str, a: float) -> None:
    service.structures[key] = rock_salt_attributes(a, "2025-06-01T00:00:00Z")


def lattice_constants(held: Held) -> dict[str, float]:
    return {
        key: round(float(e.crystal.volume * 4) ** (1 / 3), 3)
        for key, e in held.entries.items()
        if e.crystal is not None
    }


ALL = {key: 5 + i / 10 for i, key in enumerate(IDS)}


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


FAULTS: dict[str, Fault] = {
    "429": status(429),
    "429-retry-after": status(429, retry_after=0),
    "429-too-long": status(429, retry_after=999),
    "500": status(500),
    "502": status(502),
    "slow": slow(0.05),
    "stalled": stalled(1.0),
    "reset": reset(),
    "truncated": truncated(),
    "no-json": not_json(),
    "no-page": edited(lambda _page: {"data": None}),
    "no-object": edited(lambda _page: []),
    "empty-page-without-end": edited(lambda page: page | {"data": []}),
    "circle": redirected("/v1/structures?page_limit=4"),
}


def is_second_page(request: Request) -> bool:
    return request.query.get("page_offset") == "4"


def completed(held: Held, server: FaultyServer) -> None:
    """Read on until nothing is missing; nothing that is there is fetched a second time, nothing is doubled."""
    before = set(held.entries)
    server.calm()
    reading = held.sync(source(server))
    assert reading.is_whole
    assert sorted(reading.entries) == sorted(set(IDS) - before)
    assert lattice_constants(held) == pytest.approx(ALL)
    server.calm()
    again = held.sync(source(server))
    assert (again.entries, again.unchanged, again.failures) == ({}, set(IDS), [])


def assert_told(reading: Reading) -> None:
    assert not reading.is_whole
    assert reading.failures
    for failure in reading.failures:
        assert (failure.stage, failure.error_class) == ("ingest", "IncompleteSource")
        assert failure.message.startswith("salts: ")
        assert failure.message.endswith("; run again to fetch the rest")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_that_does_not_come(server: FaultyServer, fault: str) -> None:
    held = Held()
    server.on(FAULTS[fault], path=PAGES, where=is_second_page)
    assert_told(held.sync(source(server)))
    assert set(IDS[:4]) <= set(held.entries)
    completed(held, server)


@pytest.mark.parametrize("fault", ["429", "502", "slow", "reset", "truncated", "no-json"])
def test_a_page_that_does_not_come_when_entries_are_known(
    service: OptimadeService, server: FaultyServer, fault: str
) -> None:
    held = Held()
    held.sync(source(server))
    change(service, "salt/09", 6.9)
    server.on(FAULTS[fault], path=PAGES, where=is_second_page)
    assert_told(held.sync(source(server)))
    assert sorted(held.entries) == IDS
    server.calm()
    reading = held.sync(source(server))
    assert (list(reading.entries), reading.is_whole) == (["salt/09"], True)


@pytest.mark.parametrize("fault", ["429", "502", "slow", "reset", "truncated", "no-json"])
def test_changed_entries_that_do_not_come(service: OptimadeService, server: FaultyServer, fault: str) -> None:
    held = Held()
    held.sync(source(server))
    change(service, "salt/02", 6.6)
    server.on(FAULTS[fault], where=lambda request: "filter" in request.query or request.path.endswith("salt%2F02"))
    assert_told(held.sync(source(server)))
    assert lattice_constants(held)["salt/02"] == pytest.approx(5.2)
    server.calm()
    reading = held.sync(source(server))
    assert (list(reading.entries), reading.is_whole) == (["salt/02"], True)


def test_faults_that_pass_are_not_even_told(server: FaultyServer) -> None:
    for fault in ("429", "429-retry-after", "500", "502", "slow", "reset", "truncated", "no-json"):
        server.on(FAULTS[fault], path=PAGES, ordinals={0})
    held = Held()
    reading = held.sync(source(server, attempts=9))
    assert (reading.is_whole, reading.failures) == (True, [])
    assert lattice_constants(held) == pytest.approx(ALL)


def test_all_faults_one_after_the_other(service: OptimadeService, server: FaultyServer) -> None:
    held = Held()
    server.on(with_headers(Date="Fri, 13 Mar 2099 10:00:00 GMT"))
    server.on(FAULTS["reset"], path=PAGES, where=is_second_page, ordinals={0, 1})
    assert not held.sync(source(server)).is_whole
    server.on(FAULTS["truncated"], where=lambda request: "species" in request.query.get("response_fields", ""))
    assert not held.sync(source(server)).is_whole
    server.calm()
    server.on(edited(lambda page: page | {"data": page["data"][:1]}), path=PAGES, where=is_second_page)
    assert not held.sync(source(server)).is_whole
    assert set(IDS[:4]) <= set(held.entries) < set(IDS)
    completed(held, server)


def without_offset(request: Request) -> Request:
    return Request(request.method, request.path, {**request.query, "page_offset": "0"}, request.headers, b"", 0.0)


def repeated(service: OptimadeService) -> Fault:
    """The entries of the first page once more, with the links of the right one."""

    def fault(request: Request, response: Response) -> Response:
        first = service.route(without_offset(request)).document
        return Response.of(response.document | {"data": first["data"]})

    return fault


def test_a_page_repeated_and_an_empty_page_in_the_middle(service: OptimadeService, server: FaultyServer) -> None:
    held = Held()
    server.on(repeated(service), path=PAGES, where=is_second_page)
    reading = held.sync(source(server))
    assert_told(reading)
    assert "the provider counts 10 structures and 6 came" in reading.told
    assert sorted(held.entries) == [*IDS[:4], *IDS[8:]]
    completed(held, server)

    other = Held()
    server.on(edited(lambda page: page | {"data": []}), path=PAGES, where=is_second_page)
    reading = other.sync(source(server))
    assert_told(reading)
    assert "the provider counts 10 structures and 6 came" in reading.told
    assert sorted(other.entries) == [*IDS[:4], *IDS[8:]]
    completed(other, server)


@pytest.mark.parametrize("to_itself", [True, False], ids=["the-same-address", "ever-new-addresses"])
def test_links_that_run_in_a_circle(server: FaultyServer, to_itself: bool) -> None:
    def circle(request: Request, response: Response) -> Response:
        query = "" if to_itself else f"&x={time.monotonic_ns()}"
        href = f"{server.url}/v1/structures?page_limit=4&page_offset=4{query}"
        return Response.of(response.document | {"links": {"next": href}})

    held = Held()
    server.on(circle, path=PAGES, where=lambda request: "page_offset" in request.query)
    reading = held.sync(source(server))
    assert_told(reading)
    assert len(server.requests_to(PAGES)) < 8
    assert sorted(held.entries) == IDS[:8]
    completed(held, server)


def test_a_count_that_changes_while_paging(service: OptimadeService, server: FaultyServer) -> None:
    def one_more(_request: Request, response: Response) -> Response:
        service.structures.setdefault("salt/001", rock_salt_attributes(5.01))
        return response

    held = Held()
    server.on(one_more, path=PAGES, ordinals={0})
    reading = held.sync(source(server))
    assert reading.closing is not None
    assert reading.closing.n_stated == 11
    assert_told(reading)
    assert "the provider's count changed from 10 to 11 while its pages were read" in reading.told
    server.calm()
    reading = held.sync(source(server))
    assert (list(reading.entries), reading.is_whole) == (["salt/001"], True)


def test_an_entry_that_vanishes_while_paging_is_not_taken_for_all(
    service: OptimadeService, server: FaultyServer
) -> None:
    held = Held()
    held.sync(source(server))

    def one_less(_request: Request, response: Response) -> Response:
        service.structures.pop("salt/00", None)
        return response

    server.on(one_less, path=PAGES, ordinals={0})
    assert_told(held.sync(source(server)))
    assert sorted(held.entries) == IDS
    server.calm()
    assert held.sync(source(server)).is_whole
    assert sorted(held.entries) == IDS[1:]


def test_an_entry_that_pages_pass_over_is_not_taken_for_gone(service: OptimadeService, server: FaultyServer) -> None:
    """One entry goes and one comes while paging: the count is right, and one entry was on no page."""
    held = Held()
    held.sync(source(server))

    def one_for_another(_request: Request, response: Response) -> Response:
        service.structures.pop("salt/00", None)
        service.structures["salt/10"] = rock_salt_attributes(6.0)
        return response

    server.on(one_for_another, path=PAGES, ordinals={0})
    reading = held.sync(source(server))
    assert_told(reading)
    assert "salt/04 stood on no page and is there all the same" in reading.told
    assert sorted(held.entries) == [*IDS, "salt/10"]
    server.calm()
    assert held.sync(source(server)).is_whole
    assert sorted(held.entries) == [*IDS[1:], "salt/10"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda page: page | {"links": {}},
        lambda page: page | {"links": None, "meta": page["meta"] | {"data_returned": None}},
    ],
    ids=["count", "more-data-available"],
)
def test_a_next_link_that_is_missing(server: FaultyServer, edit: Any) -> None:
    held = Held()
    server.on(edited(edit), path=PAGES, where=is_second_page)
    assert_told(held.sync(source(server)))
    assert sorted(held.entries) == IDS[:8]
    completed(held, server)


def test_a_provider_that_counts_nothing(service: OptimadeService, server: FaultyServer) -> None:
    service.counts = False
    held = Held()
    reading = held.sync(source(server))
    assert reading.closing is not None
    assert (reading.closing.n_stated, reading.is_whole, sorted(held.entries)) == (None, True, IDS)
    server.on(edited(lambda page: page | {"data": [], "links": {}}), path=PAGES)
    assert_told(held.sync(source(server)))
    assert sorted(held.entries) == IDS


def test_documents_without_a_structure_or_an_id(service: OptimadeService, server: FaultyServer) -> None:
    service.structures["salt/01"] = {"last_modified": "2024-01-01T00:00:00Z"}
    held = Held()
    reading = held.sync(source(server))
    assert reading.is_whole
    entry = held.entries["salt/01"]
    assert entry.crystal is None
    assert entry.failures[0].message == (
        "salt/01: the entry holds no structure: species_at_sites is missing; "
        "the provider may mend the entry, report it there"
    )
    assert held.sync(source(server)).entries == {}

    other = Held()
    strange = [None, "x", {"type": "structures"}, {"id": "r1", "type": "references"}, {"id": 7, "type": "structures"}]
    server.on(edited(lambda page: page | {"data": [*strange, *page["data"]]}), path=PAGES, where=is_second_page)
    reading = other.sync(source(server))
    assert_told(reading)
    assert "an entry of page 2 did not come whole, since it has no id" in reading.told
    assert sorted(other.entries) == IDS


@pytest.mark.parametrize("attributes", [None, [], "x"], ids=["null", "list", "text"])
def test_attributes_that_are_none(server: FaultyServer, attributes: Any) -> None:
    def strip(page: Any) -> Any:
        return page | {"data": [resource | {"attributes": attributes} for resource in page["data"]]}

    held = Held()
    server.on(edited(strip), path=PAGES)
    assert held.sync(source(server)).is_whole
    assert {entry.crystal for entry in held.entries.values()} == {None}
    server.calm()
    held.sync(source(server))
    assert lattice_constants(held) == pytest.approx(ALL)


def test_the_pause_that_the_provider_asks_for_is_kept(server: FaultyServer) -> None:
    server.on(edited(lambda page: page | {"meta": page["meta"] | {"request_delay": 0.3}}), path=PAGES)
    Held().sync(source(server, max_wait_s=1.0))
    assert sum(server.pauses(PAGES)) > 0.4


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
