"""Politeness and patience on real sockets: what is tried again, how long, and what is told in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from tests.servers.faulty import (
    Fault,
    FaultyServer,
    Request,
    Response,
    not_json,
    redirected,
    reset,
    slow,
    stalled,
    status,
    truncated,
    with_headers,
)

from matsift.study.cod import CodSearch
from matsift_adapters.sources.web import Asker, FetchError, Politeness, asker

DOCUMENT = {"numbers": list(range(500))}
QUICK = Politeness(requests_per_second=1000, timeout_s=0.4, attempts=3, backoff_s=0.01, max_wait_s=0.05)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(lambda _request: Response.of(DOCUMENT)) as running:
        yield running


def together(*faults: Fault) -> Fault:
    def fault(request: Request, response: Response) -> Response:
        for one in faults:
            response = one(request, response)
        return response

    return fault


@pytest.mark.parametrize(
    "fault",
    [
        status(429),
        status(429, retry_after=0),
        status(500),
        status(502),
        status(503),
        reset(),
        reset(0.0),
        truncated(),
        stalled(1.0),
        stalled(1.0, at=0.0),
        slow(0.05),
        not_json(),
        together(slow(0.01), truncated()),
        together(status(502, retry_after=0), slow(0.01), reset()),
    ],
    ids=[
        "429",
        "429-retry-after",
        "500",
        "502",
        "503",
        "reset",
        "reset-at-once",
        "truncated",
        "stalled",
        "no-answer",
        "dribbling",
        "no-json",
        "slow-and-truncated",
        "502-slow-and-reset",
    ],
)
def test_a_passing_fault_is_tried_again_and_one_that_stays_is_told(server: FaultyServer, fault: Fault) -> None:
    with Asker("test", QUICK) as service:
        server.on(fault, ordinals={0, 1})
        assert service.get_json(server.url) == DOCUMENT
        assert len(server.requests) == 3

        server.calm()
        server.on(fault)
        with pytest.raises(FetchError, match="in 3 attempts") as caught:
            service.get_json(server.url)
        assert caught.value.is_passing
        assert len(server.requests) == 3
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (status(404, body=b"nothing here"), "answers 404 Not Found (nothing here)"),
        (status(401, body=b"<html>no</html>"), "answers 401 Unauthorized"),
        (redirected(), "it is no usable address (Exceeded maximum allowed redirects.)"),
    ],
    ids=["404", "401", "redirect-to-itself"],
)
def test_an_answer_that_will_not_change_is_asked_for_once(server: FaultyServer, fault: Fault, told: str) -> None:
    server.on(fault)
    with Asker("test", QUICK) as service, pytest.raises(FetchError) as caught:
        service.get(server.url)
    assert told in str(caught.value)
    assert not caught.value.is_passing
    assert "attempts" not in str(caught.value)


def test_errors_in_json_are_told_by_their_details(server: FaultyServer) -> None:
    errors = {"errors": [{"title": "Bad Request", "detail": "no such\n  field"}, {"title": "Also bad"}]}
    server.on(lambda _request, _response: Response.of(errors, 400))
    with Asker("test", QUICK) as service, pytest.raises(FetchError, match=r"\(no such field; Also bad\)$"):
        service.get(server.url)


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (status(429, retry_after=7), 7.0),
        (with_headers(Date="Fri, 13 Mar 2015 10:00:00 GMT"), 9.0),
        (status(429, retry_after="soon"), 1.0),
        (status(429, retry_after=""), 1.0),
    ],
    ids=["seconds", "date-of-a-server-whose-clock-is-wrong", "neither", "empty"],
)
def test_the_pause_that_is_asked_for_is_kept(server: FaultyServer, fault: Fault, waits: float) -> None:
    server.on(status(429, retry_after="Fri, 13 Mar 2015 10:00:09 GMT"), ordinals={0})
    server.on(fault, ordinals={0})
    paused: list[float] = []
    with Asker("test", Politeness(requests_per_second=1000), sleep=paused.append) as service:
        service.get(server.url)
    assert [pause for pause in paused if pause > 0.1] == [waits]


def test_a_service_that_asks_for_too_long_a_pause_is_left_alone(server: FaultyServer) -> None:
    server.on(status(429, retry_after=3600))
    with Asker("test", QUICK) as service, pytest.raises(FetchError, match=r"asks to wait 3600 s$"):
        service.get(server.url)
    assert len(server.requests) == 1


def test_pauses_grow(server: FaultyServer) -> None:
    server.on(status(500))
    paused: list[float] = []
    politeness = Politeness(requests_per_second=1e6, attempts=6, max_wait_s=5)
    with Asker("test", politeness, sleep=paused.append) as service, pytest.raises(FetchError):
        service.get(server.url)
    assert [pause for pause in paused if pause > 0.1] == [1, 2, 4, 5, 5]


def test_requests_keep_their_distance(server: FaultyServer) -> None:
    with Asker("test", Politeness(requests_per_second=20)) as service:
        for _ in range(4):
            service.get(server.url)
        service.rest(0.2)
        service.get(server.url)
    *regular, last = server.pauses()
    assert sum(regular) > 2 * 0.05
    assert last > 0.1


def test_a_dribbling_answer_is_bounded_as_a_whole(server: FaultyServer) -> None:
    server.on(slow(0.1))
    started = time.monotonic()
    with (
        Asker("test", Politeness(timeout_s=0.4, attempts=1)) as service,
        pytest.raises(FetchError, match=r"within 0\.4 s"),
    ):
        service.get(server.url)
    assert time.monotonic() - started < 2


def test_an_answer_without_end_is_not_read(server: FaultyServer) -> None:
    with (
        Asker("test", Politeness(max_bytes=1000)) as service,
        pytest.raises(FetchError, match="larger than") as caught,
    ):
        service.get(server.url)
    assert not caught.value.is_passing


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (lambda: "http://127.0.0.1:9/x", "http://127.0.0.1:9/x: the connection failed"),
        (lambda: "http://name:word@127.0.0.1:9/x", "http://127.0.0.1:9/x: the connection failed"),
        (lambda: "ftp://127.0.0.1/x", "it is no usable address"),
    ],
    ids=["nobody-there", "password-in-the-address", "scheme"],
)
def test_a_service_that_is_not_there_is_told(address: Callable[[], str], told: str) -> None:
    with Asker("test", QUICK) as service, pytest.raises(FetchError) as caught:
        service.get(address())
    assert told in str(caught.value)
    assert "word@" not in str(caught.value)


def test_whoever_asks_says_who(server: FaultyServer) -> None:
    settings = CodSearch(kind="cod_search", name="cod", formula="Cl Na", requests_per_second=100)
    with asker(settings) as service:
        service.get(server.url)
    assert server.requests[0].headers["user-agent"].startswith("matsift/")
