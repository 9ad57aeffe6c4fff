"""The Materials Project when things go wrong, one by one and together.

After each fault: what came is kept, the reading says what is missing, the next one completes it, nothing is doubled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from typing import Any

import pytest
from tests.servers import faulty
from tests.servers.faulty import Fault, FaultyServer, Request, Response
from tests.servers.materials_project import EXPIRED_KEY, KEY, MaterialsProject
from tests.servers.materials_project_documents import world
from tests.servers.materials_project_reading import DOCUMENTS, LIST, From, Read, asks_for, completes, read, settings_for

from matsift.errors import SourceError

WORLD = world(12)
ALL = [f"mp-{8000 + i}" for i in range(12)]


PASSING = {
    "429 with Retry-After": faulty.status(429, retry_after=0),
    "429 with a date": faulty.status(429, retry_after="Tue, 01 Jan 2019 00:00:00 GMT"),
    "429 without": faulty.status(429),
    "500": faulty.status(500),
    "502": faulty.status(502, body=b"bad gateway"),
    "503": faulty.status(503),
    "504": faulty.status(504),
    "reset": faulty.reset(),
    "truncated": faulty.truncated(),
    "no JSON": faulty.not_json(),
    "another JSON": faulty.edited(lambda _: ["maintenance"]),
    "no count": faulty.edited(lambda page: {"data": page["data"]}),
    "no tables": faulty.edited(lambda page: {"meta": page["meta"], "data": ["x"]}),
    "no documents": faulty.edited(lambda page: {"meta": page["meta"], "data": None}),
}


@pytest.mark.parametrize("part", [LIST, DOCUMENTS])
@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in PASSING.items()])
def test_a_fault_that_passes_is_waited_for(server: FaultyServer, whole: Read, fault: Fault, part: str) -> None:
    server.on(fault, where=asks_for(part), ordinals={1, 2})
    reading = read(settings_for(server))
    assert (list(reading.entries), reading.failures, reading.closing) == (ALL, [], whole.closing)
    assert {k: e.labels for k, e in reading.entries.items()} == {k: e.labels for k, e in whole.entries.items()}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in PASSING.items()])
def test_a_fault_that_stays_costs_what_it_strikes_and_the_next_reading_completes_it(
    server: FaultyServer, whole: Read, fault: Fault
) -> None:
    server.on(fault, path="elasticity", ordinals=From(1))
    first = read(settings_for(server))
    assert list(first.entries) == ALL[:4]
    assert (first.closing.is_whole, first.closing.n_stated) == (False, 12)
    (told,) = first.failures
    assert (told.stage, told.subject, told.error_class) == ("ingest", "materials-project: mp-8004", "IncompleteSource")
    assert "8 of 12 entries that are new or changed did not come, mp-8004 to mp-8011: " in told.message
    assert told.message.endswith("; what came is kept, the next run fetches the rest")
    completes(server, first, whole, fetched=ALL[4:])


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in PASSING.items()])
def test_a_list_that_breaks_off_is_used_and_completed(server: FaultyServer, whole: Read, fault: Fault) -> None:
    server.on(fault, where=asks_for(LIST), ordinals=From(1))
    first = read(settings_for(server))
    assert list(first.entries) == ALL[:5]
    assert not first.closing.is_whole
    assert [f.detail for f in first.failures] == ["list"]
    assert "the list broke off after 5 entries" in first.failures[0].message
    completes(server, first, whole, fetched=ALL[5:])


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faulty.slow(0.05), id="bytes that dribble"),
        pytest.param(faulty.stalled(30.0), id="a body that stops"),
        pytest.param(faulty.stalled(30.0, at=0.0), id="a body that does not begin"),
    ],
)
@pytest.mark.parametrize("path", ["heartbeat", "summary"])
def test_no_answer_is_waited_for_longer_than_the_limit(server: FaultyServer, fault: Fault, path: str) -> None:
    server.on(lambda _, r: Response(r.status, r.headers, r.body + b" " * 4000), path=path)
    server.on(fault, path=path)
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"within 0.3 s, in 2 attempts; try again later"):
        read(settings_for(server, timeout_s=0.3, attempts=2))
    assert time.monotonic() - started < 10


def test_a_heartbeat_that_fails_between_two_readings_stops_the_second_only(server: FaultyServer, whole: Read) -> None:
    first = read(settings_for(server))
    server.on(faulty.stalled(30.0, at=0.0), path="heartbeat")
    with pytest.raises(SourceError, match="try again later"):
        read(settings_for(server, timeout_s=0.2, attempts=1), first.known())
    completes(server, first, whole, fetched=[])


def no_data(page: dict[str, Any]) -> dict[str, Any]:
    return page | {"data": []}


def _renumbered(n: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda page: page | {"meta": page["meta"] | {"total_doc": n}}


def _repeated(request: Request, response: Response, service: MaterialsProject) -> Response:
    """Return the first page, whichever was asked for."""
    first = Request(request.method, request.path, {**request.query, "_page": "1"}, request.headers, b"", 0.0)
    return service(first)


LISTS: dict[str, tuple[Fault, str]] = {
    "empty": (faulty.edited(no_data), "the list holds 7 entries and the service counts 12"),
    "repeated": (
        lambda request, response: _repeated(request, response, WORLD),
        "the list holds 7 entries and the service counts 12",
    ),
    "count grows": (faulty.edited(_renumbered(13)), "the service's count changed from 12 to 12 while"),
    "count shrinks": (faulty.edited(_renumbered(11)), "the service's count changed from 12 to 12 while"),
}


@pytest.mark.parametrize("name", ["empty", "repeated"])
def test_a_page_in_the_middle_that_was_wrong_once_is_read_again(server: FaultyServer, whole: Read, name: str) -> None:
    server.on(LISTS[name][0], where=asks_for(LIST), ordinals={1})
    reading = read(settings_for(server))
    assert (list(reading.entries), reading.failures, reading.closing) == (ALL, [], whole.closing)
    assert len([r for r in server.requests if asks_for(LIST)(r)]) == 6


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_never_adds_up_is_used_and_completed(server: FaultyServer, whole: Read, name: str) -> None:
    fault, told = LISTS[name]
    server.on(fault, where=lambda request: request.query.get("_page") == "2")
    first = read(settings_for(server))
    assert not first.closing.is_whole
    assert [f.detail for f in first.failures] == ["list"]
    assert told in first.failures[0].message
    completes(server, first, whole, fetched=[key for key in ALL if key not in first.entries])


def test_an_empty_page_at_the_end_of_what_is_known_withdraws_nothing(server: FaultyServer, whole: Read) -> None:
    first = read(settings_for(server))
    server.on(faulty.edited(no_data), where=asks_for(LIST))
    second = read(settings_for(server), first.known())
    assert (second.withdrawn, second.entries, second.closing.is_whole) == ({}, {}, False)
    assert second.closing.n_stated == 12
    completes(server, second, whole, fetched=[], known=first.known())


def test_a_list_that_is_empty_all_at_once_is_not_believed(
    server: FaultyServer, service: MaterialsProject, whole: Read
) -> None:
    first = read(settings_for(server))
    before, service.summary = service.summary, []
    second = read(settings_for(server), first.known())
    assert (second.withdrawn, second.closing.is_whole, second.closing.n_stated) == ({}, False, 0)
    assert "the list is empty and 12 entries are known" in second.failures[0].message
    service.summary = before
    completes(server, second, whole, fetched=[], known=first.known())


def test_materials_that_come_and_go_while_the_list_is_read(server: FaultyServer, service: MaterialsProject) -> None:
    removed = service.summary.pop(0)
    server.on(_then(lambda: service.summary.insert(0, removed)), where=asks_for(LIST), ordinals={1})
    reading = read(settings_for(server))
    assert (list(reading.entries), reading.closing.is_whole, reading.closing.n_stated) == (ALL, True, 12)


def test_a_release_that_changes_while_it_is_read_is_not_taken_for_whole(
    server: FaultyServer, service: MaterialsProject
) -> None:
    server.on(_then(lambda: setattr(service, "release", "2025.11.01")), path="elasticity", ordinals={1})
    first = read(settings_for(server))
    assert (list(first.entries), first.closing.is_whole) == (ALL, False)
    assert "went from release 2025.09.25 to 2025.11.01 while it was read" in first.failures[0].message
    second = read(settings_for(server), first.known())
    assert (list(second.entries), second.closing.is_whole, second.closing.version) == (ALL, True, "2025.11.01")


def test_a_service_that_fails_is_left_alone_after_two_batches(server: FaultyServer) -> None:
    server.on(faulty.status(503), where=asks_for(DOCUMENTS))
    reading = read(settings_for(server, batch_size=1, attempts=2))
    assert "12 of 12 entries" in reading.failures[0].message
    assert len([r for r in server.requests if asks_for(DOCUMENTS)(r)]) == 4


def test_a_service_that_asks_for_a_long_pause_is_left_alone(server: FaultyServer) -> None:
    server.on(faulty.status(429, retry_after=3600), where=asks_for(DOCUMENTS))
    reading = read(settings_for(server))
    assert "asks to wait 3600 s" in reading.failures[0].message
    assert len([r for r in server.requests if asks_for(DOCUMENTS)(r)]) == 2


def test_a_pause_that_is_asked_for_is_kept(server: FaultyServer) -> None:
    server.on(faulty.status(429, retry_after=1), where=asks_for(DOCUMENTS), ordinals={0})
    reading = read(settings_for(server, max_wait_s=2))
    assert reading.closing.is_whole
    assert max(server.pauses()) >= 1.0


def test_a_key_that_expires_under_way_costs_the_rest_only(server: FaultyServer, whole: Read) -> None:
    expired = Response.of({"message": f"API key {KEY} has expired"}, 403)
    server.on(lambda _request, _response: expired, path="materials", ordinals=From(6))
    first = read(settings_for(server))
    assert list(first.entries) == ALL[:4]
    assert "API key (the key) has expired" in first.failures[0].message
    assert KEY not in repr(first.items)
    completes(server, first, whole, fetched=ALL[4:])


@pytest.mark.parametrize("key", ["w" * 32, EXPIRED_KEY])
def test_a_wrong_key_changes_nothing_of_what_is_known(
    server: FaultyServer, whole: Read, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    first = read(settings_for(server))
    monkeypatch.setenv("MP_API_KEY", key)
    with pytest.raises(SourceError, match="refuses the key"):
        read(settings_for(server), first.known())
    monkeypatch.setenv("MP_API_KEY", KEY)
    completes(server, first, whole, fetched=[])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(faulty.status(404), "404 .*check the filter and the endpoint", id="not found"),
        pytest.param(faulty.redirected(), "302 .*check the filter and the endpoint", id="redirect loop"),
        pytest.param(faulty.edited(lambda _: {"status": "OK"}), "names no database version", id="another service"),
        pytest.param(faulty.not_json(b"<html>hello</html>"), "not valid JSON", id="a page for people"),
        pytest.param(faulty.status(500), "500 .*try again later", id="down"),
    ],
)
def test_a_service_that_gives_nothing_is_one_sentence(server: FaultyServer, fault: Fault, told: str) -> None:
    server.on(fault, path="heartbeat")
    with pytest.raises(SourceError, match=told) as raised:
        read(settings_for(server))
    assert "\n" not in str(raised.value)


def test_a_server_that_is_not_there(service: MaterialsProject) -> None:
    with FaultyServer(service) as gone:
        settings = settings_for(gone)
    with pytest.raises(SourceError, match=r"the connection failed .*try again later"):
        read(settings)


def test_clocks_that_are_wrong_change_nothing(server: FaultyServer, service: MaterialsProject, whole: Read) -> None:
    server.on(faulty.with_headers(Date="Tue, 01 Jan 2075 00:00:00 GMT"))
    first = read(settings_for(server))
    assert (list(first.entries), first.closing) == (ALL, whole.closing)
    service.revise("mp-8001", when="2075-01-01T00:00:00")
    second = read(settings_for(server), first.known())
    service.revise("mp-8001", when="1999-01-01T00:00:00")
    third = read(settings_for(server), second.known(first.known()))
    assert [list(r.entries) for r in (second, third)] == [["mp-8001"]] * 2


def test_all_faults_together(server: FaultyServer, service: MaterialsProject, whole: Read) -> None:
    """Twenty readings of a service where every third answer is wrong in another way end with all of it, once."""
    kinds = [*PASSING.values(), faulty.edited(no_data), lambda r, a: _repeated(r, a, service), faulty.slow(0.002)]
    for i, fault in enumerate(kinds):
        server.on(fault, path="materials", ordinals=_every(3 * len(kinds), 3 * i))
    held, known = dict[str, Any](), dict[str, str]()
    for _ in range(20):
        reading = read(settings_for(server, attempts=2), known)
        assert reading.withdrawn == {}
        assert not {*reading.entries} & {key for key, mark in known.items() if mark == whole.known()[key]}
        held |= {key: entry.labels for key, entry in reading.entries.items()}
        known = reading.known(known)
        if reading.closing.is_whole:
            break
    assert reading.closing.is_whole
    assert held == {key: entry.labels for key, entry in whole.entries.items()}
    assert known == whole.known()


def _every(period: int, offset: int) -> Container[int]:
    class Every:
        def __contains__(self, number: object) -> bool:
            return isinstance(number, int) and number % period == offset

    return Every()


def _then(change: Callable[[], object]) -> Fault:
    """Return the fault of a world that changes after an answer."""

    def act(_request: Request, response: Response) -> Response:
        change()
        return response

    return act
