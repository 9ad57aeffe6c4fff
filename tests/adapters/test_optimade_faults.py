"""An OPTIMADE provider that does badly: what came is kept, what is missing is said, the next reading completes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.factories.syncing import Held, Reading
from tests.servers.faulty import (
    COMMON_FAULTS,
    Fault,
    FaultyServer,
    Request,
    Response,
    edited,
    not_json,
    redirected,
    with_headers,
)
from tests.servers.optimade import OptimadeService, rock_salt_attributes
from tests.servers.optimade_reading import ALL, IDS, PAGES, change, lattice_constants, source


@pytest.fixture
def service() -> OptimadeService:
    return OptimadeService({key: rock_salt_attributes(5 + i / 10) for i, key in enumerate(IDS)})


@pytest.fixture
def server(service: OptimadeService) -> Iterator[FaultyServer]:
    with FaultyServer(service.route) as running:
        yield running


FAULTS: dict[str, Fault] = {
    **COMMON_FAULTS,
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
