"""Documents of the Materials Project that are missing, cut, or of another form: each fails alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.servers import faulty
from tests.servers.faulty import FaultyServer, Request, Response
from tests.servers.materials_project import MaterialsProject
from tests.servers.materials_project_reading import DOCUMENTS, Read, asks_for, completes, read, settings_for

ALL = [f"mp-{8000 + i}" for i in range(12)]


@pytest.mark.parametrize("empty", [pytest.param(None, id="null"), pytest.param({}, id="empty"), "absent"])
def test_a_document_without_a_structure_is_kept_as_one_and_asked_for_again(
    server: FaultyServer, service: MaterialsProject, whole: Read, empty: object
) -> None:
    document = service.summary[3]
    structure = document.pop("structure")
    if empty != "absent":
        document["structure"] = empty
    first = read(settings_for(server))
    entry = first.entries["mp-8003"]
    assert (entry.crystal, entry.labels, entry.revision) == (None, (), None)
    assert [f.message for f in entry.failures] == [
        "mp-8003: the service states no structure; the next reading asks again"
    ]
    assert first.closing.is_whole
    document["structure"] = structure
    completes(server, first, whole, fetched=["mp-8003"])


@pytest.mark.parametrize(
    ("structure", "told"),
    [
        pytest.param({"lattice": {"matrix": [[1, 0], [0, 1]]}, "sites": []}, "not a pymatgen structure", id="flat"),
        pytest.param({"sites": []}, "has no 'lattice'", id="no lattice"),
        pytest.param("POSCAR", "not a pymatgen structure", id="text"),
    ],
)
def test_a_structure_that_is_none_fails_alone(
    server: FaultyServer, service: MaterialsProject, structure: object, told: str
) -> None:
    service.summary[3]["structure"] = structure
    reading = read(settings_for(server))
    assert [key for key, entry in reading.entries.items() if entry.crystal is None] == ["mp-8003"]
    assert told in reading.entries["mp-8003"].failures[0].message


@pytest.mark.parametrize(
    ("collection", "changes"),
    [
        pytest.param("summary", {"symmetry": 225}, id="symmetry"),
        pytest.param("summary", {"origins": [1]}, id="origins"),
        pytest.param("summary", {"database_IDs": [1]}, id="ids of others"),
        pytest.param("elasticity", {"bulk_modulus": "hard"}, id="moduli"),
        pytest.param("elasticity", {"elastic_tensor": [1]}, id="tensor"),
        pytest.param("thermo", {"thermo_type": None}, id="hull"),
    ],
)
def test_documents_of_another_form_fail_alone(
    server: FaultyServer, whole: Read, collection: str, changes: dict[str, Any]
) -> None:
    def spoil(page: dict[str, Any]) -> dict[str, Any]:
        return page | {"data": [d | changes if d["material_id"] == "mp-8002" else d for d in page["data"]]}

    server.on(faulty.edited(spoil), path=collection, where=asks_for(DOCUMENTS))
    first = read(settings_for(server))
    assert [key for key, entry in first.entries.items() if entry.crystal is None] == ["mp-8002"]
    assert "mp-8002: its documents are not of the form" in first.entries["mp-8002"].failures[0].message
    completes(server, first, whole, fetched=["mp-8002"])


@pytest.mark.parametrize("meta", [None, "x", [], {"license": 3}])
def test_a_document_that_does_not_say_how_it_was_built_is_free(
    server: FaultyServer, service: MaterialsProject, meta: object
) -> None:
    service.summary[3]["builder_meta"] = meta
    server.route = _without_batches(service)
    assert read(settings_for(server)).entries["mp-8003"].licence == "CC-BY-4.0"


def test_a_structure_with_too_many_sites_is_refused(server: FaultyServer) -> None:
    reading = read(settings_for(server, max_site=1))
    assert "mp-8000: it has 2 sites, more than the 1 that the source allows" in {
        f.message for f in reading.entries["mp-8000"].failures
    }


@pytest.mark.parametrize("value", ["soft", [1.0], True, "nan", "1e999"])
def test_a_label_that_is_no_number_fails_alone(server: FaultyServer, service: MaterialsProject, value: Any) -> None:
    service.revise("mp-8003", band_gap=value)
    entry = read(settings_for(server)).entries["mp-8003"]
    assert {x.property_name for x in entry.labels} == {"formation_energy_per_atom", "energy_above_hull"}
    assert [(f.stage, f.detail) for f in entry.failures] == [("label_value", "band_gap by mp-electronic-structure")]


def test_documents_that_are_listed_and_not_given_are_told(server: FaultyServer, whole: Read) -> None:
    def forget(page: dict[str, Any]) -> dict[str, Any]:
        return page | {"data": [d for d in page["data"] if d["material_id"] != "mp-8005"]}

    server.on(faulty.edited(forget), path="summary", where=asks_for(DOCUMENTS))
    first = read(settings_for(server))
    assert [*first.entries] == [key for key in ALL if key != "mp-8005"]
    assert "1 of 12 entries that are new or changed did not come, mp-8005 to mp-8005: the service lists them" in (
        first.failures[0].message
    )
    completes(server, first, whole, fetched=["mp-8005"])


@pytest.mark.parametrize("collection", ["thermo", "elasticity"])
def test_an_entry_is_not_taken_without_the_labels_that_the_service_counts(
    server: FaultyServer, whole: Read, collection: str
) -> None:
    def forget(page: dict[str, Any]) -> dict[str, Any]:
        return page | {"data": [d for d in page["data"] if d["material_id"] != "mp-8002"]}

    server.on(faulty.edited(forget), path=collection)
    first = read(settings_for(server))
    assert list(first.entries) == [key for key in ALL if key != "mp-8002"]
    assert f"mp-8002 to mp-8002: {collection} gave 0 documents and counts 1" in first.failures[0].message
    completes(server, first, whole, fetched=["mp-8002"])


def test_a_question_that_is_too_long_is_halved(server: FaultyServer, whole: Read) -> None:
    def too_long(request: Request) -> bool:
        return len(request.query.get("material_ids", "").split(",")) > 3

    server.on(faulty.status(414), where=too_long)
    reading = read(settings_for(server, batch_size=12))
    assert (list(reading.entries), reading.failures, reading.closing) == (ALL, [], whole.closing)


def _without_batches(service: MaterialsProject) -> faulty.Route:
    """Return a route that does not filter by batch."""

    def route(request: Request) -> Response:
        query = {key: value for key, value in request.query.items() if key != "batch_id_not_eq"}
        return service(replace(request, query=query))

    return route
