"""An OPTIMADE provider over a few structures, with pages and the two kinds of filter that the tests ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

import numpy as np
from tests.servers.faulty import Request, Response

_ID = re.compile(r'id="((?:[^"\\]|\\.)*)"')
_HAS_ALL = re.compile(r"""elements HAS ALL ("[^)]+")""")


def rock_salt_attributes(a: float = 5.64, date: str = "2024-01-01T00:00:00Z", **other: Any) -> dict[str, Any]:
    """Return the attributes of a rock salt's primitive cell, lattice constant in angstrom."""
    return {
        "last_modified": date,
        "immutable_id": f"rock-salt-{a}",
        "elements": ["Cl", "Na"],
        "nelements": 2,
        "elements_ratios": [0.5, 0.5],
        "chemical_formula_descriptive": "NaCl",
        "chemical_formula_reduced": "ClNa",
        "chemical_formula_anonymous": "AB",
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": (np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * a / 2).tolist(),
        "cartesian_site_positions": [[0.0, 0.0, 0.0], [a / 2, a / 2, a / 2]],
        "nsites": 2,
        "species": [
            {"name": "Na", "chemical_symbols": ["Na"], "concentration": [1.0]},
            {"name": "Cl", "chemical_symbols": ["Cl"], "concentration": [1.0]},
        ],
        "species_at_sites": ["Na", "Cl"],
        "structure_features": [],
        **other,
    }


@dataclass
class OptimadeService:
    """Structures by id, answered page by page below ``/v1``.

    `knows_ids` says whether filters by id are understood; `info` overrides what the provider says of itself; `dates`
    and `counts` say whether it dates and counts its entries.
    """

    structures: dict[str, dict[str, Any]] = field(default_factory=dict)
    knows_ids: bool = True
    counts: bool = True
    next_as_object: bool = False
    largest_page: int = 100
    info: dict[str, Any] = field(default_factory=dict)
    children: tuple[str, ...] = ()

    def route(self, request: Request) -> Response:
        """Answer a request."""
        path = unquote(request.path)
        if path == "/v1/info":
            return Response.of(self._envelope(self._info()))
        if path == "/v1/links":
            return Response.of(self._envelope([self._link(url) for url in self.children]))
        if path == "/v1/structures":
            return self._page(request)
        if path.startswith("/v1/structures/"):
            external_id = path.removeprefix("/v1/structures/")
            known = external_id in self.structures
            return Response.of(self._envelope(self._resource(external_id, request) if known else None))
        return Response.of({"errors": [{"status": "404", "title": "Not Found", "detail": "no such endpoint"}]}, 404)

    def _page(self, request: Request) -> Response:
        filter_ = request.query.get("filter", "")
        found = sorted(self.structures)
        if _ID.search(filter_):
            if not self.knows_ids:
                detail = "filters by id are not implemented"
                return Response.of({"errors": [{"status": "501", "title": "NotImplemented", "detail": detail}]}, 501)
            wanted = {re.sub(r"\\(.)", r"\1", key) for key in _ID.findall(filter_)}
            found = [key for key in found if key in wanted]
        if match := _HAS_ALL.search(filter_):
            elements = {part.strip(' "') for part in match[1].split(",")}
            found = [key for key in found if elements <= set(self.structures[key].get("elements", ()))]
        limit = min(int(request.query.get("page_limit", 20)), self.largest_page)
        offset = int(request.query.get("page_offset", 0))
        more = offset + limit < len(found)
        document = self._envelope([self._resource(key, request) for key in found[offset : offset + limit]])
        document["meta"]["more_data_available"] = more
        if self.counts:
            document["meta"]["data_returned"] = len(found)
        if more:
            query = urlencode({**request.query, "page_offset": offset + limit})
            href = f"http://{request.headers['host']}{request.path}?{query}"
            document["links"] = {"next": {"href": href} if self.next_as_object else href}
        return Response.of(document)

    def _resource(self, external_id: str, request: Request) -> dict[str, Any]:
        attributes = self.structures[external_id]
        if "response_fields" in request.query:
            asked = request.query["response_fields"].split(",")
            attributes = {key: attributes.get(key) for key in asked if not key.startswith("_") or key in attributes}
        return {"id": external_id, "type": "structures", "attributes": attributes}

    def _envelope(self, data: Any) -> dict[str, Any]:
        meta = {
            "query": {"representation": "/structures"},
            "api_version": "1.1.0",
            "time_stamp": "2024-03-10T16:47:25Z",
            "more_data_available": False,
            "data_available": len(self.structures),
            "provider": {"name": "Rock salts", "description": "many of them", "prefix": "salts"},
        }
        return {"data": data, "meta": meta, "links": {"next": None}}

    def _info(self) -> dict[str, Any]:
        attributes = {
            "api_version": "1.1.0",
            "available_api_versions": [{"url": "http://127.0.0.1/v1/", "version": "1.1.0"}],
            "formats": ["json"],
            "available_endpoints": ["info", "structures"],
            "entry_types_by_format": {"json": ["structures"]},
            "is_index": False,
            "available_licenses": ["CC-BY-4.0"],
        }
        return {"id": "/", "type": "info", "attributes": attributes | self.info}

    @staticmethod
    def _link(url: str) -> dict[str, Any]:
        attributes = {"name": url, "description": url, "base_url": url, "homepage": None, "link_type": "child"}
        return {"id": url, "type": "links", "attributes": attributes}
