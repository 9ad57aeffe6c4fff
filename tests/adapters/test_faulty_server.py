"""The faulty server is faulty in the ways it says, and only then: the tests of every service stand on it."""

from __future__ import annotations

import http.client
import itertools
import socket
from collections.abc import Iterator

import httpx
import pytest
from tests.servers import faulty
from tests.servers.faulty import Fault, FaultyServer, Request, Response

NUMBERS = list(range(1000))


def _route(request: Request) -> Response:
    return Response.of({"asked": request.query, "numbers": NUMBERS})


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """A server that answers with a thousand numbers."""
    with FaultyServer(_route) as running:
        yield running


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A client that waits half a second."""
    with httpx.Client(timeout=0.5) as made:
        yield made


def test_without_faults_connections_are_kept_and_requests_recorded(server: FaultyServer, client: httpx.Client) -> None:
    answers = [client.get(f"{server.url}/a", params={"n": i}, headers={"X-Key": "k"}) for i in range(3)]
    assert [a.json()["asked"] for a in answers] == [{"n": str(i)} for i in range(3)]
    assert len({a.extensions["network_stream"].get_extra_info("client_addr") for a in answers}) == 1
    assert [(r.method, r.path, r.headers["x-key"]) for r in server.requests] == [("GET", "/a", "k")] * 3
    assert len(server.pauses()) == 2


def test_a_status_strikes_only_the_requests_it_is_for(server: FaultyServer, client: httpx.Client) -> None:
    server.on(faulty.status(429, retry_after=7), path="^/a", ordinals={1})
    seen = [client.get(server.url + path) for path in ("/a", "/b", "/a", "/a")]
    assert [r.status_code for r in seen] == [200, 200, 429, 200]
    assert seen[2].headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(faulty.reset(), httpx.ReadError, id="reset"),
        pytest.param(faulty.truncated(), httpx.RemoteProtocolError, id="truncated"),
        pytest.param(faulty.stalled(5.0), httpx.ReadTimeout, id="stalled in the body"),
        pytest.param(faulty.stalled(5.0, at=0.0), httpx.ReadTimeout, id="stalled before the body"),
        pytest.param(faulty.redirected(), httpx.TooManyRedirects, id="redirect loop"),
    ],
)
def test_a_broken_delivery_is_what_the_client_meets(
    server: FaultyServer, client: httpx.Client, fault: Fault, error: type[Exception]
) -> None:
    client.follow_redirects = True
    server.on(fault)
    with pytest.raises(error):
        client.get(server.url)
    server.calm()
    assert client.get(server.url).json()["numbers"] == NUMBERS


def test_faults_combine(server: FaultyServer, client: httpx.Client) -> None:
    server.on(faulty.edited(lambda document: document | {"numbers": NUMBERS[:300]}))
    server.on(faulty.slow(0.02))
    answer = client.get(server.url)
    assert answer.json()["numbers"] == NUMBERS[:300]
    assert answer.elapsed.total_seconds() > 0.2


def test_a_body_that_is_no_json_has_the_right_length(server: FaultyServer, client: httpx.Client) -> None:
    server.on(faulty.not_json())
    with pytest.raises(ValueError, match="delimiter"):
        client.get(server.url).json()


def test_the_date_can_be_wrong(server: FaultyServer, client: httpx.Client) -> None:
    server.on(faulty.with_headers(Date="Tue, 01 Jan 2035 00:00:00 GMT"))
    assert client.get(server.url).headers.get_list("Date") == ["Tue, 01 Jan 2035 00:00:00 GMT"]


def test_requests_alongside_each_other_are_counted(server: FaultyServer) -> None:
    server.on(faulty.stalled(0.3, at=0.0))
    host = server.url.removeprefix("http://")
    connections = [http.client.HTTPConnection(host) for _ in range(3)]
    for connection in connections:
        connection.request("GET", "/")
    assert [len(connection.getresponse().read()) > 0 for connection in connections] == [True] * 3
    assert sorted(request.alongside for request in server.requests) == [0, 1, 2]


def test_a_server_that_ended_refuses() -> None:
    with FaultyServer(_route) as server:
        port = int(server.url.rpartition(":")[2])
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=1):
        pass


def test_ordinals_may_be_endless(server: FaultyServer, client: httpx.Client) -> None:
    class Even:
        def __contains__(self, number: object) -> bool:
            return isinstance(number, int) and number % 2 == 0

    server.on(faulty.status(500), ordinals=Even())
    assert [client.get(server.url).status_code for _ in range(4)] == list(
        itertools.islice(itertools.cycle((500, 200)), 4)
    )
