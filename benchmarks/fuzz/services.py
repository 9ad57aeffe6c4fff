"""Answers of services: the Materials Project, OPTIMADE providers and COD, from the bytes of HTTP to entries.

The sources ask as they always do; where they would open a connection, a transport in memory answers with the input.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import httpx
from benchmarks.fuzz.mutation import changed_bytes, changed_value
from benchmarks.fuzz.parser import Parser, Read, check_items
from tests.factories.cod_cifs import cod_cif
from tests.servers.materials_project import KEY
from tests.servers.materials_project_documents import world
from tests.servers.optimade import rock_salt_attributes

from matsift.study.cod import CodSearch
from matsift.study.materials_project import MaterialsProjectSource
from matsift.study.optimade import OptimadeSource
from matsift_adapters.sources import open_source
from matsift_adapters.sources.source import Known
from matsift_adapters.sources.web import Asker

_PLACE = "http://service.invalid"
_QUICK = {"requests_per_second": 100, "attempts": 1, "timeout_s": 5}

Pages = dict[str, Any]
_Page = Callable[[Pages, httpx.Request], Any]


def parsers() -> list[Parser]:
    """Return the parsers of the answers of services; an input is a page for each address."""
    return [
        _service("materials-project", _materials_project_pages(), _materials_project(), _of_materials_project),
        _service("optimade", _optimade_pages(), _optimade(), _of_optimade),
        _service("cod-search", _cod_pages(), _cod(), _of_cod),
    ]


def _service(name: str, pages: Pages, settings: Any, page: _Page) -> Parser:
    def make(rng: Random) -> bytes:
        changed = dict(pages)
        chosen = rng.choice(list(pages))
        changed[chosen] = changed_value(rng, pages[chosen])
        text = pages[chosen].get("raw") if isinstance(pages[chosen], dict) else None
        if text is not None or rng.random() < 0.25:
            text = (text or json.dumps(changed[chosen])).encode()
            changed[chosen] = {"raw": changed_bytes(rng, text).decode("latin-1")}
        return json.dumps(changed).encode()

    return Parser(name, make, [json.dumps(pages).encode()], _read(settings, page))


def _read(settings: Any, page: _Page) -> Read:
    known: Known = {}

    def read(content: bytes, folder: Path) -> str | None:
        pages = json.loads(content)

        def answer(request: httpx.Request) -> httpx.Response:
            said = page(pages, request)
            raw = isinstance(said, dict) and said.keys() == {"raw"} and isinstance(said["raw"], str)
            body = said["raw"].encode("latin-1", "replace") if raw else json.dumps(said).encode()
            return httpx.Response(200, content=body)

        with _in_memory(answer):
            return check_items(open_source(settings, folder, n_worker=0).iterate(known))

    return read


@contextmanager
def _in_memory(answer: Callable[[httpx.Request], httpx.Response]) -> Iterator[None]:
    """Answer sessions with services by a function while it lasts; nobody waits before the next request."""
    made = partial(httpx.Client, transport=httpx.MockTransport(answer), trust_env=False)
    with mock.patch.object(httpx, "Client", made), mock.patch.object(Asker, "_pace"):
        yield


def _materials_project() -> MaterialsProjectSource:
    os.environ["MP_API_KEY"] = KEY
    said = {
        "kind": "materials_project",
        "filter": {"elements": ["Na"]},
        "endpoint": _PLACE,
        "page_size": 10,
        "batch_size": 10,
        **_QUICK,
    }
    return MaterialsProjectSource.model_validate(said)


def _materials_project_pages() -> Pages:
    service = world(2)
    meta = {"api_version": "0.87.3", "total_doc": 2, "facet": None}
    listed = ("material_id", "last_updated", "deprecated", "builder_meta")
    thermo = [document for document in service.thermo if document["thermo_type"] == "GGA_GGA+U"][:2]
    return {
        "heartbeat": {"status": "OK", "db_version": service.release, "access_controlled_batch_ids": ["gnome"]},
        "list": {"data": [{name: d.get(name) for name in listed} for d in service.summary], "meta": meta},
        "summary": {"data": service.summary, "meta": meta},
        "thermo": {"data": [_short(document) for document in thermo], "meta": meta | {"total_doc": len(thermo)}},
        "elasticity": {"data": service.elasticity, "meta": meta | {"total_doc": len(service.elasticity)}},
    }


def _short(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "entries"}


def _of_materials_project(pages: Pages, request: httpx.Request) -> Any:
    name = request.url.path.strip("/").removeprefix("materials/").rstrip("/")
    if name == "summary" and "structure" not in request.url.params.get("_fields", "").split(","):
        name = "list"
    return pages.get(name)


def _optimade() -> OptimadeSource:
    said = {"kind": "optimade", "name": "o", "base_url": f"{_PLACE}/v1", "provider_fields": ["_x_note"], **_QUICK}
    return OptimadeSource.model_validate(said)


def _optimade_pages() -> Pages:
    meta = {"api_version": "1.2.0", "data_returned": 2, "more_data_available": False, "provider": {"name": "P"}}
    about = {"api_version": "1.2.0", "available_endpoints": ["structures"], "license": "https://example.org/licence"}
    structures = [
        {"id": name, "type": "structures", "attributes": rock_salt_attributes(a, _x_note={"by": "x"})}
        for name, a in (("a/1", 5.6), ("b", 5.7))
    ]
    return {
        "info": {"data": {"attributes": about, "id": "/", "type": "info"}, "meta": meta},
        "structures": {"data": structures, "meta": meta, "links": {"next": None}},
    }


def _of_optimade(pages: Pages, request: httpx.Request) -> Any:
    return pages["info" if request.url.path.endswith("/info") else "structures"]


def _cod() -> CodSearch:
    return CodSearch.model_validate(
        {"kind": "cod_search", "name": "c", "base_url": f"{_PLACE}/cod", "text": "x", **_QUICK}
    )


def _cod_pages() -> Pages:
    row = {"file": "1000041", "formula": "- Cl Na -", "svnrevision": "291735", "date": "2024-05-06", "time": "10:39:41"}
    return {"json": [row], "count": {"raw": "1"}, "cif": {"raw": cod_cif(1000041)}}


def _of_cod(pages: Pages, request: httpx.Request) -> Any:
    return pages["cif" if request.url.path.endswith(".cif") else request.url.params["format"]]
