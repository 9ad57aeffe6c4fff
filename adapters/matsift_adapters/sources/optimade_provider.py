"""One OPTIMADE provider: what it says of itself, and its structures page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from matsift.errors import SourceError
from matsift.study.optimade import OptimadeSource
from matsift_adapters.sources.values import plain
from matsift_adapters.sources.web import Asker, FetchError

#: Pages in a row that bring nothing new, after which paging is taken to run in a circle.
MAX_IDLE_PAGES = 3

_VERSIONED = re.compile(r"/v\d+(\.\d+)*$")
_UNKNOWN_ADDRESS = {404, 410}


@dataclass(frozen=True)
class Facts:
    """What a provider says of itself: where its structures are, under which licence."""

    base_url: str
    api_version: str
    provider: str | None
    licence: str


@dataclass(frozen=True)
class Page:
    """One page of entries: where it came from, its entries, and the provider's own count of all of them."""

    url: str
    entries: list[Any]
    n_stated: int | None
    has_more: bool
    next_url: str | None


class Provider:
    """A provider under its address.

    Parameters
    ----------
    settings
        What the study says of it.
    service
        The session with it.
    """

    def __init__(self, settings: OptimadeSource, service: Asker) -> None:
        self._settings, self._service = settings, service

    def discover(self) -> Facts:
        """Return what the provider says of itself, at the newest version of the protocol that both know.

        Raises
        ------
        SourceError
            If there is no provider of OPTIMADE 1 with structures at the address.
        """
        base, answer = self._info()
        name = self._settings.name
        document = answer if isinstance(answer, dict) else {}
        attributes = _dict(_dict(document.get("data")).get("attributes"))
        meta = _dict(document.get("meta"))
        version = plain(attributes.get("api_version") or meta.get("api_version") or "", 60)
        if not version:
            raise SourceError(name, f"{base}/info is no answer of OPTIMADE", "correct the base_url in the study")
        if not version.lstrip("v").startswith("1."):
            raise SourceError(name, f"{base} speaks OPTIMADE {version}, and only 1.x is read", "name another base_url")
        if attributes.get("is_index"):
            raise SourceError(
                name, f"{base} is an index of databases", f"name one of them as base_url: {self._children(base)}"
            )
        endpoints = attributes.get("available_endpoints")
        if isinstance(endpoints, list) and endpoints and "structures" not in endpoints:
            raise SourceError(name, f"{base} has no structures", "name another base_url")
        provider = _dict(meta.get("provider"))
        provider_name = provider.get("name") or provider.get("prefix")
        return Facts(base, version, plain(provider_name, 200) if provider_name else None, self._licence(attributes))

    def pages(self, facts: Facts, fields: Sequence[str], filter_: str | None) -> Iterator[Page]:
        """Yield the pages of the structures that a filter selects.

        Raises
        ------
        FetchError
            If a page does not come, or the links from page to page run in a circle; those before it were yielded.
        """
        query = {"response_format": "json", "page_limit": str(self._settings.page_limit)}
        query |= {"response_fields": ",".join(fields)} | ({"filter": filter_} if filter_ else {})
        url: str | None = f"{facts.base_url}/structures?{urlencode(query)}"
        met: set[str] = set()
        while url is not None:
            if url in met:
                raise FetchError(url, "the link to the next page leads back to a page that was read")
            met.add(url)
            page = self.page(url)
            yield page
            url = page.next_url

    def page(self, url: str) -> Page:
        """Return one page.

        Raises
        ------
        FetchError
            If it does not come, or is no page of entries.
        """
        document = self._service.get_json(url)
        if not isinstance(document, dict) or not isinstance(document.get("data"), list):
            raise FetchError(url, "the answer is no page of OPTIMADE entries")
        meta, links = _dict(document.get("meta")), _dict(document.get("links"))
        stated = meta.get("data_returned")
        link = links.get("next")
        href = link.get("href") if isinstance(link, dict) else link
        delay = meta.get("request_delay")
        if isinstance(delay, (int, float)) and delay > 0:
            self._service.rest(float(delay))
        return Page(
            url,
            document["data"],
            stated if isinstance(stated, int) and 0 <= stated < 2**63 else None,
            meta.get("more_data_available") is True,
            _joined(url, href) if isinstance(href, str) and href else None,
        )

    def in_full(self, page: Page, fields: Sequence[str]) -> Page:
        """Return a page once more with other fields.

        Raises
        ------
        FetchError
            If it does not come.
        """
        parts = urlsplit(page.url)
        query = [(key, value) for key, value in parse_qsl(parts.query) if key != "response_fields"]
        asked = urlencode([*query, ("response_fields", ",".join(fields))])
        return self.page(urlunsplit(parts._replace(query=asked)))

    def one(self, facts: Facts, external_id: str, fields: Sequence[str]) -> Any:
        """Return one entry by its id, None where there is none.

        Raises
        ------
        FetchError
            If there is no answer.
        """
        url = f"{facts.base_url}/structures/{quote(external_id, safe='')}"
        try:
            document = self._service.get_json(url, {"response_fields": ",".join(fields)})
        except FetchError as error:
            if error.status in _UNKNOWN_ADDRESS:
                return None
            raise
        return document.get("data") if isinstance(document, dict) else None

    def _info(self) -> tuple[str, Any]:
        """Return the address that carries a version, and what it says of itself."""
        stated = self._settings.base_url.rstrip("/")
        candidates = [stated] if _VERSIONED.search(stated) else [f"{stated}/v1", stated]
        for base in candidates:
            try:
                return base, self._service.get_json(f"{base}/info")
            except FetchError as error:
                if error.status in _UNKNOWN_ADDRESS and base is not candidates[-1]:
                    continue
                remedy = "try again later" if error.is_passing else "correct the base_url in the study"
                raise SourceError(self._settings.name, str(error), remedy) from error
        raise AssertionError("the last candidate returns or raises")

    def _children(self, base: str) -> str:
        try:
            links = _dict(self._service.get_json(f"{base}/links")).get("data") or []
        except FetchError:
            return f"see {base}/links"
        attributes = [_dict(_dict(link).get("attributes")) for link in links]
        urls = [_href(a.get("base_url")) for a in attributes if a.get("link_type") == "child"]
        return ", ".join(url for url in urls[:10] if url) or f"see {base}/links"

    def _licence(self, attributes: dict[str, Any]) -> str:
        """Return the licence that the study states, or else the provider; a choice of several is joined by OR."""
        if self._settings.licence != "unknown":
            return self._settings.licence
        for key in ("available_licenses_for_entries", "available_licenses"):
            if isinstance(attributes.get(key), list) and attributes[key]:
                return plain(" OR ".join(str(licence) for licence in attributes[key]), 500)
        return plain(_href(attributes.get("license")) or "unknown", 500)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _joined(url: str, href: str) -> str:
    """Return the address that a link of a page leads to.

    Raises
    ------
    FetchError
        If it is none.
    """
    try:
        return urljoin(url, href)
    except ValueError as error:
        raise FetchError(url, f"the link to the next page is no address ({error})") from error


def _href(link: Any) -> str | None:
    href = link.get("href") if isinstance(link, dict) else link
    return href if isinstance(href, str) else None
