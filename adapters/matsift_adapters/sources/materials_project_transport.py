"""What the Materials Project's client sends its requests by: paced, tried again where that can help, bounded in time.

The client has no limit on the whole of an answer, does not try again after 500 and 503, and takes any JSON for a page.
"""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
import requests
from requests.adapters import BaseAdapter

from matsift_adapters.sources.web import Answer, Asker

_MOST_DOCUMENTS = 10**12


class Transport(BaseAdapter):
    """A transport adapter of `requests` that asks by an `Asker`.

    `total` is the service's count in the last answer (``meta.total_doc``), which the client does not pass on.
    """

    def __init__(self, asker: Asker) -> None:
        super().__init__()
        self._asker = asker
        self.total = 0

    def session(self) -> requests.Session:
        """Return a session all of whose requests go this way."""
        session = requests.Session()
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def send(self, request: requests.PreparedRequest, *_args: Any, **_kwargs: Any) -> requests.Response:
        """Return the answer to a request.

        Raises
        ------
        FetchError
            If no attempt brought a page of documents with a count, or another one cannot help.
        """
        address, _, query = (request.url or "").partition("?")
        answer = self._asker.get(address, dict(parse_qsl(query)), check=self._problem)
        response = requests.Response()
        response.status_code = HTTPStatus.OK
        response.request, response.url, response.encoding = request, answer.url, "utf-8"
        response.raw = io.BytesIO(answer.content)
        return response

    def close(self) -> None:
        """Leave the session with the service to whoever opened it."""

    def _problem(self, answer: Answer) -> str | None:
        """Return what is wrong with an answer, or note its count."""
        try:
            document = orjson.loads(answer.content)
            total = int(document["meta"]["total_doc"])
        except orjson.JSONDecodeError as error:
            return f"the answer is not valid JSON ({error})"
        except (KeyError, TypeError, ValueError, OverflowError):
            total = -1
        if not 0 <= total <= _MOST_DOCUMENTS:
            return "the answer does not say how many documents there are (meta.total_doc)"
        self.total = total
        found = document.get("data")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            return "the answer has no list of documents (data)"
        return None
