"""Polite requests: paced, tried again where that can help, bounded in time and size, refused in one sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx

from matsift.errors import MatsiftError
from matsift.study.source_base import ServiceBase

#: Answers that may be another one a moment later.
_PASSING = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}
_MAX_REDIRECTS = 5
_SAID_OF_ERROR = 200


class FetchError(MatsiftError):
    """One address did not give what was asked of it.

    `status` is the HTTP status, None where there was no answer. `is_passing` tells a fault that another day may mend
    (the service is down, overloaded or slow) from an answer that will not change (there is no such thing).
    """

    def __init__(self, url: str, problem: str, *, status: int | None = None, is_passing: bool = True) -> None:
        super().__init__(f"{_without_secrets(url)}: {problem}")
        self.problem, self.status, self.is_passing = problem, status, is_passing


@dataclass(frozen=True)
class Politeness:
    """How a service is asked.

    `timeout_s` bounds one attempt from the first byte sent to the last one read, however slowly they trickle;
    `attempts` is how often an address is tried; the pauses between grow from `backoff_s` by factors of two up to
    `max_wait_s`, beyond which a service that asks for a longer pause (Retry-After) is left alone.
    """

    requests_per_second: float = 1.0
    timeout_s: float = 60.0
    attempts: int = 5
    backoff_s: float = 1.0
    max_wait_s: float = 300.0
    max_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """The body of an answer; `is_framed` says whether the protocol tells that it is whole."""

    url: str
    content: bytes
    is_framed: bool = True


class _PassingError(Exception):
    """An attempt that failed in a way that another one may not."""

    def __init__(self, problem: str, *, status: int | None = None, pause_s: float | None = None) -> None:
        super().__init__(problem)
        self.status, self.pause_s = status, pause_s


class Asker:
    """A session with one service.

    Parameters
    ----------
    user_agent
        Who asks, so that the service's keeper can write to somebody.
    politeness
        How it is asked.
    sleep
        Replaced in tests.
    secret_headers
        Headers that are nobody else's business, such as a key: with them no redirect is followed.
    """

    def __init__(
        self,
        user_agent: str,
        politeness: Politeness | None = None,
        sleep: Callable[[float], None] = time.sleep,
        *,
        secret_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.politeness = politeness or Politeness()
        self._sleep = sleep
        self._next_at = 0.0
        self._client = httpx.Client(
            headers={"User-Agent": user_agent, **(secret_headers or {})},
            timeout=self.politeness.timeout_s,
            follow_redirects=not secret_headers,
            max_redirects=_MAX_REDIRECTS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        self._client.close()

    def get(
        self, url: str, params: Mapping[str, Any] | None = None, *, check: Callable[[Answer], str | None] | None = None
    ) -> Answer:
        """Return the whole body of an address.

        Parameters
        ----------
        url, params
            What is asked for.
        check
            Tells what is wrong with a body that came whole, None if nothing is; such a body is asked for again.

        Raises
        ------
        FetchError
            If no attempt brought it, or another one cannot help.
        """
        for attempt in range(1, self.politeness.attempts + 1):
            self._pace()
            try:
                return _sound(self._attempt(url, params), check)
            except _PassingError as error:
                pause = self._pause(attempt, error.pause_s)
                if pause is None:
                    told = f"{error}, and asks to wait {error.pause_s:.0f} s"
                    raise FetchError(url, told, status=error.status) from error
                if attempt == self.politeness.attempts:
                    told = f"{error}, in {attempt} attempts" if attempt > 1 else str(error)
                    raise FetchError(url, told, status=error.status) from error
                self._sleep(pause)
        raise AssertionError("a loop over at least one attempt returns or raises")

    def get_json(self, url: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the decoded JSON of an address; a body that is none is asked for again.

        Raises
        ------
        FetchError
            If no attempt brought it.
        """
        documents: list[Any] = []

        def problem(answer: Answer) -> str | None:
            try:
                documents.append(json.loads(answer.content))
            except (ValueError, RecursionError) as error:
                return f"the answer is not valid JSON ({error})"
            return None

        self.get(url, params, check=problem)
        return documents[-1]

    def rest(self, seconds: float) -> None:
        """Ask nothing more for a time that the service named, at most `Politeness.max_wait_s`."""
        self._next_at = max(self._next_at, time.monotonic() + min(seconds, self.politeness.max_wait_s))

    def _pace(self) -> None:
        now = time.monotonic()
        if now < self._next_at:
            self._sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + 1.0 / self.politeness.requests_per_second

    def _pause(self, attempt: int, asked: float | None) -> float | None:
        """Return seconds to wait, None where the service asks for more than we have."""
        longest = self.politeness.max_wait_s
        if asked is not None:
            return None if asked > longest else max(asked, 0.0)
        return float(min(self.politeness.backoff_s * 2 ** (attempt - 1), longest))

    def _attempt(self, url: str, params: Mapping[str, Any] | None) -> Answer:
        try:
            with self._client.stream("GET", url, params=params) as response:
                content = self._read(response)
        except httpx.TimeoutException as error:
            raise _PassingError(f"there was no answer within {self.politeness.timeout_s:g} s") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects, UnicodeError) as error:
            raise FetchError(url, f"it is no usable address ({error})", is_passing=False) from error
        except httpx.RemoteProtocolError as error:
            raise _PassingError(f"the answer broke off ({error})") from error
        except httpx.HTTPError as error:
            raise _PassingError(f"the connection failed ({str(error) or type(error).__name__})") from error
        if response.is_success:
            return Answer(str(response.url), content, _is_framed(response))
        told = f"the service answers {response.status_code} {response.reason_phrase}".rstrip() + _said(content)
        if response.status_code in _PASSING:
            raise _PassingError(told, status=response.status_code, pause_s=_retry_after(response))
        raise FetchError(url, told, status=response.status_code, is_passing=False)

    def _read(self, response: httpx.Response) -> bytes:
        """Return the body; each read has its own timeout, and this one bounds them all."""
        until = time.monotonic() + self.politeness.timeout_s
        pieces, n_byte = [], 0
        for piece in response.iter_bytes():
            n_byte += len(piece)
            if n_byte > self.politeness.max_bytes:
                raise FetchError(
                    str(response.url),
                    f"the answer is larger than {self.politeness.max_bytes >> 20} MiB and was not read",
                    is_passing=False,
                )
            pieces.append(piece)
            if time.monotonic() > until:
                raise _PassingError(f"the answer did not end within {self.politeness.timeout_s:g} s")
        return b"".join(pieces)


def asker(settings: ServiceBase, *, max_bytes: int = Politeness.max_bytes) -> Asker:
    """Return a session with a service, asked as a study says, that knows who asks."""
    politeness = Politeness(
        requests_per_second=settings.requests_per_second,
        timeout_s=settings.timeout_s,
        attempts=settings.attempts,
        max_wait_s=settings.max_wait_s,
        max_bytes=max_bytes,
    )
    return Asker(_user_agent(), politeness)


@cache
def _user_agent() -> str:
    return f"matsift/{version('matsift')} (materials screening; python-httpx)"


def _sound(answer: Answer, check: Callable[[Answer], str | None] | None) -> Answer:
    if check is not None and (problem := check(answer)) is not None:
        raise _PassingError(problem)
    return answer


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the service asks to wait; a date counts from the service's own clock, not from ours."""
    stated = response.headers.get("Retry-After", "").strip()
    if stated.isdecimal():
        return float(stated)
    until, now = _date(stated), _date(response.headers.get("Date", ""))
    return None if until is None or now is None else max((until - now).total_seconds(), 0.0)


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC)  # HTTP knows no other zone
    except ValueError:
        return None


def _is_framed(response: httpx.Response) -> bool:
    return "content-length" in response.headers or "chunked" in response.headers.get("transfer-encoding", "").lower()


def _said(content: bytes) -> str:
    """Return what a service says of its own error: the details of JSON:API errors, or the start of a plain text."""
    text = content.decode("utf-8", errors="replace").strip()
    try:
        errors = json.loads(text)["errors"]
        told = "; ".join(str(error.get("detail") or error.get("title")) for error in errors)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        told = "" if text.startswith("<") else text
    told = " ".join(told.split())[:_SAID_OF_ERROR]
    return f" ({told})" if told else ""


def _without_secrets(url: str) -> str:
    """Return an address without the name and password that may stand in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
