"""A server that speaks the Materials Project's protocol: heartbeat, key check, filters, fields, pages with their count.

What it answers to a parameter is what emmet's API does; a parameter that it does not know is noted in `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from emmet.core.mpid import AlphaID
from tests.servers.faulty import FaultyServer, Request, Response

KEY = "0123456789abcdefghijklmnopqrstuv"
EXPIRED_KEY = "expired9abcdefghijklmnopqrstuvwx"
LONGEST_LIST = 250

Document = dict[str, Any]
_PAGING = {"_fields", "_all_fields", "_skip", "_limit", "_page", "_per_page", "_sort_fields"}
_NUMBERS = {
    "nsites",
    "nelements",
    "energy_above_hull",
    "formation_energy_per_atom",
    "band_gap",
    "k_vrh",
    "g_vrh",
}


@dataclass
class MaterialsProject:
    """The collections behind the service, which tests change between readings."""

    summary: list[Document] = field(default_factory=list)
    thermo: list[Document] = field(default_factory=list)
    elasticity: list[Document] = field(default_factory=list)
    release: str = "2025.09.25"
    unknown: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        if request.path.rstrip("/") == "/heartbeat":
            batches = ["gnome_r2scan_statics"]
            said = {
                "status": "OK",
                "db_version": self.release,
                "version": "0.87.3",
                "access_controlled_batch_ids": batches,
            }
            return Response.of(said)
        key = request.headers.get("x-api-key")
        if key == EXPIRED_KEY:
            return Response.of({"message": f"API key {key} is expired"}, 403)
        if key != KEY:
            return Response.of({"message": "Invalid authentication credentials"}, 401)
        name = request.path.strip("/").removeprefix("materials/")
        if request.method != "GET" or name not in ("summary", "thermo", "elasticity"):
            return Response.of({"detail": "Not Found"}, 404)
        return self._search(getattr(self, name), request.query, summary=name == "summary")

    def revise(self, material_id: str, when: str = "2025-10-01T00:00:00.000000", **changes: Any) -> None:
        """Change a summary document and the time of its last update."""
        document = next(d for d in self.summary if d["material_id"] == material_id)
        document.update(changes, last_updated=when)

    def _search(self, documents: list[Document], query: Mapping[str, str], *, summary: bool) -> Response:
        if len(query.get("material_ids", "").split(",")) > LONGEST_LIST:
            return Response.of({"detail": "URI too long"}, 414)
        if int(query.get("_limit", 100)) > 1000 or int(query.get("_per_page", 100)) > 1000:
            return Response.of({"detail": [{"loc": ["query", "_limit"], "msg": "limit is 1000"}]}, 422)
        passing = list(documents)
        for name, value in query.items():
            passing = list(self._filtered(passing, name, value))
        if summary and "deprecated" not in query:
            passing = [d for d in passing if not d["deprecated"]]
        if "_sort_fields" in query:
            passing.sort(key=lambda d: str(d[query["_sort_fields"]]))
        page = _page(passing, query)
        wanted = query.get("_fields", "").split(",") if query.get("_fields") else None
        data = [d if wanted is None else {name: d[name] for name in wanted if name in d} for d in page]
        meta = {"api_version": "0.87.3", "time_stamp": "2025-10-02T00:00:00", "total_doc": len(passing), "facet": None}
        return Response.of({"data": data, "meta": meta})

    def _filtered(self, documents: Iterable[Document], name: str, value: str) -> Iterable[Document]:
        if name in _PAGING:
            return documents
        base, _, bound = name.rpartition("_")
        if base in _NUMBERS and bound in ("min", "max"):
            limit, sign = float(value), 1 if bound == "min" else -1
            return [d for d in documents if _number(d, base) is not None and sign * (_number(d, base) - limit) >= 0]
        if name not in _TESTS:
            self.unknown.add(name)
            return documents
        return [d for d in documents if _TESTS[name](d, value)]


def serve(service: MaterialsProject) -> FaultyServer:
    """Return a server, not yet running, that answers for a Materials Project."""
    return FaultyServer(service)


def _page(documents: list[Document], query: Mapping[str, str]) -> list[Document]:
    if "_page" in query:
        size = int(query.get("_per_page", 100))
        skip = (int(query["_page"]) - 1) * size
    else:
        size, skip = int(query.get("_limit", 100)), int(query.get("_skip", 0))
    return documents[skip : skip + size]


def _number(document: Document, name: str) -> Any:
    kinds = {"k_vrh": "bulk_modulus", "g_vrh": "shear_modulus"}
    if name in kinds:
        return (document.get(kinds[name]) or {}).get("vrh")
    return document.get(name)


def _is_one_of_ids(document: Document, value: str) -> bool:
    return _number_of(document["material_id"]) in {_number_of(text) for text in value.split(",")}


@cache
def _number_of(material_id: str) -> int:
    return int(AlphaID(material_id))


def _has_flag(name: str) -> Callable[[Document, str], bool]:
    return lambda document, value: bool(document[name]) == (value.lower() == "true")


_TESTS: dict[str, Callable[[Document, str], bool]] = {
    "material_ids": _is_one_of_ids,
    "elements": lambda d, value: {*value.split(",")} <= {*d["elements"]},
    "exclude_elements": lambda d, value: not {*value.split(",")} & {*d["elements"]},
    "chemsys": lambda d, value: d["chemsys"] in value.split(","),
    "formula": lambda d, value: d["formula_pretty"] in value.split(","),
    "batch_id_not_eq": lambda d, value: d["builder_meta"].get("batch_id") != value,
    "has_props": lambda d, value: all(d["has_props"].get(name) for name in value.split(",")),
    "thermo_types": lambda d, value: d["thermo_type"].upper() in value.upper().split(","),
    "spacegroup_number": lambda d, value: d["symmetry"]["number"] == int(value),
    "crystal_system": lambda d, value: d["symmetry"]["crystal_system"] == value,
    "deprecated": _has_flag("deprecated"),
    "is_stable": _has_flag("is_stable"),
    "is_metal": _has_flag("is_metal"),
    "theoretical": _has_flag("theoretical"),
}
