"""A local HTTP server on real sockets whose faults are switched on one by one or together.

A route answers a `Request` with a `Response`; a fault is a function from the one response to a worse one. What is wrong
with the delivery (slow, stalled, cut) stands in the response too, so that faults combine::

    with FaultyServer(route) as server:
        server.on(status(429, retry_after=1), path="/data", ordinals={0, 2})
        server.on(slow(0.01), path="/data")
        ...
        server.calm()
        assert server.requests_to("/data")[-1].query == {"page": "3"}
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

#: Bytes sent at once where a body is sent slowly.
PIECE = 64


@dataclass(frozen=True)
class Request:
    """What a client asked: header names in lower case, `arrived` on the monotonic clock, `alongside` others in work."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    arrived: float
    alongside: int = 0


@dataclass(frozen=True)
class Response:
    """An answer and how it is delivered.

    `pace_s` is the pause after each `PIECE` of the body; after the share `broken_at` of the body the connection is
    reset, closed, or stays silent for `stall_s`.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pace_s: float = 0.0
    broken_at: float | None = None
    broken_by: Literal["reset", "close", "stall"] = "close"
    stall_s: float = 0.0

    @classmethod
    def of(cls, document: object, status: int = 200, **headers: str) -> Response:
        """Return a response that holds a document as JSON."""
        return cls(status, {"Content-Type": "application/json", **headers}, json.dumps(document).encode())

    @property
    def document(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


Route = Callable[[Request], Response]
Fault = Callable[[Request, Response], Response]


def status(code: int, *, retry_after: float | str | None = None, body: bytes = b"<html>no</html>") -> Fault:
    """Return the fault of another status, with or without ``Retry-After``."""
    headers = {"Content-Type": "text/html"} | ({} if retry_after is None else {"Retry-After": str(retry_after)})
    return lambda _request, _response: Response(code, headers, body)


def slow(pace_s: float) -> Fault:
    """Return the fault of a body that dribbles, `PIECE` by `PIECE`."""
    return lambda _request, response: replace(response, pace_s=pace_s)


def stalled(seconds: float, at: float = 0.5) -> Fault:
    """Return the fault of a body that stops at a share of it, for a time; at 0 the body does not begin."""
    return lambda _request, response: replace(response, broken_at=at, broken_by="stall", stall_s=seconds)


def reset(at: float = 0.5) -> Fault:
    """Return the fault of a connection that is reset at a share of the body."""
    return lambda _request, response: replace(response, broken_at=at, broken_by="reset")


def truncated(at: float = 0.5) -> Fault:
    """Return the fault of a connection that is closed before ``Content-Length`` bytes came."""
    return lambda _request, response: replace(response, broken_at=at, broken_by="close")


def not_json(body: bytes = b'{"data": [{"material_id": "mp-1"') -> Fault:
    """Return the fault of a body that calls itself JSON and is none, with the right length."""
    return lambda _request, response: replace(response, body=body)


def redirected(location: str | None = None) -> Fault:
    """Return the fault of a redirect, without a location to the very address that was asked for."""
    return lambda request, _response: Response(302, {"Location": location or request.path})


def edited(edit: Callable[[Any], Any]) -> Fault:
    """Return the fault of another document: `edit` gets the right one and returns the wrong one."""
    return lambda _request, response: replace(response, body=json.dumps(edit(response.document)).encode())


def with_headers(**headers: str) -> Fault:
    """Return the fault of other headers; ``_`` in a name stands for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, response: replace(response, headers={**response.headers, **named})


@dataclass
class _Planned:
    fault: Fault
    path: re.Pattern[str]
    ordinals: Container[int] | None
    where: Callable[[Request], bool]
    n_met: int = 0

    def is_due(self, request: Request) -> bool:
        if not (self.path.search(request.path) and self.where(request)):
            return False
        self.n_met += 1
        return self.ordinals is None or self.n_met - 1 in self.ordinals


class FaultyServer:
    """A threaded server on a free port of 127.0.0.1 that keeps connections alive and every request in `requests`.

    Parameters
    ----------
    route
        What answers while nothing is wrong; it may be replaced (`server.route = ...`) while the server runs.
    """

    def __init__(self, route: Route) -> None:
        self.route = route
        self.requests: list[Request] = []
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._in_work = 0
        self._server = _Listener(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def on(
        self,
        fault: Fault,
        *,
        path: str = "",
        ordinals: Container[int] | None = None,
        where: Callable[[Request], bool] = lambda _request: True,
    ) -> None:
        """Switch on a fault: for paths that match a regular expression, and of those for the n-th requests from now.

        Without `ordinals` it strikes each time. Faults strike in the order in which they were switched on.
        """
        with self._lock:
            self._planned.append(_Planned(fault, re.compile(path), ordinals, where))

    def calm(self) -> None:
        """Switch off all faults and forget the requests."""
        with self._lock:
            self._planned.clear()
            self.requests.clear()

    def requests_to(self, path: str) -> list[Request]:
        """Return the requests so far whose path matches a regular expression."""
        return [request for request in list(self.requests) if re.search(path, request.path)]

    def pauses(self, path: str = "") -> list[float]:
        """Return the seconds between one request and the next, for politeness."""
        arrived = [request.arrived for request in self.requests_to(path)]
        return [after - before for before, after in itertools.pairwise(arrived)]

    def answer(self, request: Request) -> Response:
        """Return the answer to a request, with the faults that are due."""
        with self._lock:
            request = replace(request, alongside=self._in_work)
            self.requests.append(request)
            due = [planned.fault for planned in self._planned if planned.is_due(request)]
            self._in_work += 1
        response = self.route(request)
        for fault in due:
            response = fault(request, response)
        return response

    def done(self) -> None:
        """Note that an answer is on its way."""
        with self._lock:
            self._in_work -= 1

    def wait(self, seconds: float) -> None:
        """Wait, or until the server closes."""
        self._closing.wait(seconds)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner: FaultyServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up; what else goes wrong is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # as the base class was called


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Say nothing."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        owner = self.server.owner
        response = owner.answer(Request(self.command, parts.path, query, headers, body, time.monotonic()))
        try:
            with contextlib.suppress(ConnectionError):
                self._deliver(response)
        finally:
            owner.done()

    def do_POST(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _deliver(self, response: Response) -> None:
        own = {"Server": "faulty", "Date": self.date_time_string(), "Content-Length": str(len(response.body))}
        said = {name.lower() for name in response.headers}
        self.send_response_only(response.status)
        for name, value in [(n, v) for n, v in own.items() if n.lower() not in said] + list(response.headers.items()):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = len(response.body) if response.broken_at is None else int(len(response.body) * response.broken_at)
        self._send(response.body[:cut], response.pace_s)
        if response.broken_at is None:
            return
        if response.broken_by == "stall":
            self.server.owner.wait(response.stall_s)
            self._send(response.body[cut:], response.pace_s)
            return
        self.close_connection = True
        if response.broken_by == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()

    def _send(self, body: bytes, pace_s: float) -> None:
        if not pace_s:
            self.wfile.write(body)
            return
        for start in range(0, len(body), PIECE):
            self.wfile.write(body[start : start + PIECE])
            self.server.owner.wait(pace_s)


#: Answers that do not come, or not as they should, whatever the service.
COMMON_FAULTS: dict[str, Fault] = {
    "429": status(429),
    "429-retry-after": status(429, retry_after=0),
    "429-too-long": status(429, retry_after=999),
    "500": status(500),
    "502": status(502),
    "slow": slow(0.05),
    "stalled": stalled(1.0),
    "reset": reset(),
    "truncated": truncated(),
}
