"""The Materials Project by its own client, while nothing is wrong: what is read, what is not, what stays in step."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import numpy as np
import pytest
from emmet.core.mpid import AlphaID
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.servers.faulty import FaultyServer
from tests.servers.materials_project import KEY, MaterialsProject
from tests.servers.materials_project_documents import add, rock_salt, spell
from tests.servers.materials_project_reading import Read, read, settings_for

from matsift.study.materials_project import MaterialsProjectSource
from matsift_adapters.sources.materials_project_ids import LAST_NUMBERED, canonical

THERMO = "mp-thermo-gga-gga+u-r2scan"


def labels(reading: Read, external_id: str) -> dict[tuple[str, str], float]:
    """Return the labels of an entry by property and method."""
    return {(x.property_name, x.method): x.value for x in reading.entries[external_id].labels}


def test_an_entry_holds_structure_labels_licence_and_what_else_is_stated(server: FaultyServer) -> None:
    reading = read(settings_for(server))
    entry = reading.entries["mp-8002"]
    assert entry.crystal is not None
    assert entry.crystal.species == ("K", "F")
    assert np.array_equal(entry.crystal.lattice, [[0, 2.1, 2.1], [2.1, 0, 2.1], [2.1, 2.1, 0]])
    assert labels(reading, "mp-8002") == {
        ("k_vrh", "mp-elasticity"): 53.0,
        ("g_vrh", "mp-elasticity"): 33.0,
        ("band_gap", "mp-electronic-structure"): 1.0,
        ("formation_energy_per_atom", THERMO): -1.98,
        ("energy_above_hull", THERMO): 0.02,
    }
    assert (entry.version, entry.licence, entry.canonical_number) == ("2025.09.25", "CC-BY-4.0", 8002)
    assert entry.url == "https://next-gen.materialsproject.org/materials/mp-8002"
    assert entry.payload["symmetry"] == {"crystal_system": "Cubic", "symbol": "Fm-3m", "number": 225, "symprec": 0.1}
    assert entry.payload["elasticity"]["warnings"] == ["One of the moduli may be wrong."]
    assert entry.payload["elasticity"]["tensor_gpa"][0] == [93.0, 33.0, 33.0, 0.0, 0.0, 0.0]
    assert entry.payload["origins"] == {"structure": "mp-90002"}
    assert not re.search(r"2025|last_updated|version", json.dumps(entry.payload))


def test_all_entries_come_once_and_the_count_agrees(server: FaultyServer, service: MaterialsProject) -> None:
    reading = read(settings_for(server))
    assert list(reading.entries) == [f"mp-{8000 + i}" for i in range(12)]
    assert (reading.closing.n_stated, reading.closing.is_whole, reading.failures) == (12, True, [])
    assert reading.closing.version == "2025.09.25"
    assert service.unknown == set()


def test_a_material_without_moduli_has_the_labels_that_it_has(server: FaultyServer) -> None:
    assert {name for name, _ in labels(read(settings_for(server)), "mp-8001")} == {
        "band_gap",
        "formation_energy_per_atom",
        "energy_above_hull",
    }


@pytest.mark.parametrize(
    ("properties", "routes"),
    [
        pytest.param((), {"summary"}, id="structures"),
        pytest.param(("band_gap",), {"summary"}, id="band gap"),
        pytest.param(("k_reuss",), {"summary", "elasticity"}, id="moduli"),
        pytest.param(("energy_per_atom",), {"summary", "thermo"}, id="energies"),
    ],
)
def test_only_collections_that_are_needed_are_asked(
    server: FaultyServer, properties: tuple[str, ...], routes: set[str]
) -> None:
    reading = read(settings_for(server, properties=properties))
    assert {r.path.strip("/").partition("/")[2] for r in server.requests_to("^/materials")} == routes
    assert {x.property_name for e in reading.entries.values() for x in e.labels} == {*properties}


def test_energies_of_two_hulls_are_labels_of_two_methods(server: FaultyServer) -> None:
    hulls = ("GGA_GGA+U", "R2SCAN")
    reading = read(settings_for(server, properties=("energy_above_hull",), thermo_types=hulls))
    assert labels(reading, "mp-8003") == {
        ("energy_above_hull", "mp-thermo-gga-gga+u"): pytest.approx(0.13, abs=0),
        ("energy_above_hull", "mp-thermo-r2scan"): pytest.approx(0.23, abs=0),
    }


def test_a_hull_that_a_material_is_not_on_is_not_replaced_by_another(
    server: FaultyServer, service: MaterialsProject
) -> None:
    service.thermo = [
        d for d in service.thermo if (d["material_id"], d["thermo_type"]) != ("mp-8001", "GGA_GGA+U_R2SCAN")
    ]
    reading = read(settings_for(server, properties=("energy_above_hull",)))
    assert labels(reading, "mp-8001") == {}
    assert reading.closing.is_whole


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        pytest.param({"elements": ["Na", "F"]}, {8001}, id="elements"),
        pytest.param({"elements": ["F"], "exclude_elements": ["Na", "K"]}, {8000, 8003, 8004}, id="excluded elements"),
        pytest.param({"chemsys": ["Cl-Na", "Br-Li"]}, {8006, 8010}, id="chemical systems"),
        pytest.param({"formula": ["MgCl2", "KF"]}, {8002}, id="formulae"),
        pytest.param({"material_ids": ["mp-8003", "mp-lwc"]}, {8003, 8010}, id="ids in both spellings"),
        pytest.param({"energy_above_hull": [0.02, 0.04]}, {8002, 8003, 8004}, id="hull"),
        pytest.param({"k_vrh": [55.0, 57.0]}, {8004, 8006}, id="modulus"),
        pytest.param({"has_props": ["charge_density"]}, {8001}, id="what was computed"),
        pytest.param({"spacegroup_number": 225, "band_gap": [5.0, 9.0]}, {8010, 8011}, id="space group and gap"),
        pytest.param({"is_metal": True}, {8000}, id="metals"),
        pytest.param({"theoretical": False, "num_sites": [1, 2], "is_stable": True}, {8003, 8006, 8009}, id="flags"),
    ],
)
def test_a_filter_means_what_it_means_to_the_service(
    server: FaultyServer, service: MaterialsProject, chosen: dict[str, Any], ids: set[int]
) -> None:
    reading = read(settings_for(server, filter=chosen, properties=()))
    assert {entry.canonical_number for entry in reading.entries.values()} == ids
    assert (reading.closing.n_stated, reading.failures, service.unknown) == (len(ids), [], set())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        pytest.param({"filter": {}}, "needs a filter", id="no condition"),
        pytest.param({"filter": {"elements": []}}, "needs a filter", id="an empty condition"),
        pytest.param({"filter": {"elements": ["Xx"]}}, "not a chemical element: Xx", id="no element"),
        pytest.param({"filter": {"band_gap": [3, 1]}}, "3 to 1 is empty", id="an empty range"),
        pytest.param({"filter": {"material_ids": ["8039"]}}, "material_ids", id="an id without its prefix"),
        pytest.param({"properties": ["hardness"]}, "there is no property 'hardness'", id="no property"),
        pytest.param({"thermo_types": []}, "thermo_types", id="no hull"),
        pytest.param({"api_key": KEY}, "api_key", id="a key in the study"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], told: str) -> None:
    right: dict[str, Any] = {"kind": "materials_project", "filter": {"elements": ["Na"]}}
    assert MaterialsProjectSource.model_validate(right)
    with pytest.raises(ValidationError, match=told):
        MaterialsProjectSource.model_validate(right | wrong)


def test_rows_of_gnome_come_only_where_they_are_wanted_and_under_their_licence(
    server: FaultyServer, service: MaterialsProject
) -> None:
    add(service, "mp-9000", rock_salt("Na", "Cl", 5.7), number=20, batch_id="gnome_r2scan_statics")
    without = read(settings_for(server))
    assert ("mp-9000" in without.entries, without.closing.n_stated) == (False, 12)
    all_rows = read(settings_for(server, include_gnome=True))
    assert {key: e.licence for key, e in all_rows.entries.items() if e.licence != "CC-BY-4.0"} == {
        "mp-9000": "CC-BY-NC-4.0"
    }


def test_rows_of_gnome_that_the_service_sends_unasked_are_left_out_and_counted(
    server: FaultyServer, service: MaterialsProject
) -> None:
    add(service, "mp-9000", rock_salt("Na", "Cl", 5.7), number=20, batch_id="another_batch")
    reading = read(settings_for(server))
    assert "mp-9000" not in reading.entries
    assert (reading.closing.n_stated, reading.closing.n_excluded, reading.closing.is_whole) == (13, 1, True)


def test_a_second_reading_asks_for_the_list_only(server: FaultyServer) -> None:
    first = read(settings_for(server))
    server.requests.clear()
    second = read(settings_for(server), first.known())
    assert (second.entries, len(second.unchanged), second.closing) == ({}, 12, first.closing)
    assert [r.path for r in server.requests] == ["/heartbeat", *["/materials/summary/"] * 3, "/heartbeat"]
    assert not any("structure" in r.query.get("_fields", "") for r in server.requests)


def test_only_what_was_updated_is_fetched(server: FaultyServer, service: MaterialsProject) -> None:
    first = read(settings_for(server))
    service.revise("mp-8005", band_gap=4.25)
    service.revise("mp-8009", when="2031-01-01T00:00:00")
    server.requests.clear()
    second = read(settings_for(server), first.known())
    assert list(second.entries) == ["mp-8005", "mp-8009"]
    assert labels(second, "mp-8005")["band_gap", "mp-electronic-structure"] == 4.25
    assert [r.query["material_ids"] for r in server.requests if "material_ids" in r.query] == ["mp-8005,mp-8009"] * 3


@pytest.mark.parametrize(
    ("change", "n_fetched"),
    [
        pytest.param({"properties": ("band_gap",)}, 12, id="other properties"),
        pytest.param({"thermo_types": ("R2SCAN",)}, 12, id="another hull"),
        pytest.param({"page_size": 3, "timeout_s": 4, "description": "x"}, 0, id="another way of asking"),
        pytest.param({"filter": {"elements": ["F"]}}, 0, id="another filter"),
    ],
)
def test_entries_are_read_again_where_the_reading_of_them_changed(
    server: FaultyServer, change: dict[str, Any], n_fetched: int
) -> None:
    first = read(settings_for(server))
    assert len(read(settings_for(server, **change), first.known()).entries) == n_fetched


@pytest.mark.parametrize(
    ("properties", "n_fetched"), [pytest.param((), 0, id="structures"), pytest.param(("k_vrh",), 12, id="moduli")]
)
def test_a_new_release_counts_where_other_collections_are_read(
    server: FaultyServer, service: MaterialsProject, properties: tuple[str, ...], n_fetched: int
) -> None:
    settings = settings_for(server, properties=properties)
    first = read(settings)
    service.release = "2025.11.01"
    second = read(settings, first.known())
    assert (len(second.entries), second.closing.version) == (n_fetched, "2025.11.01")


def test_a_process_that_lives_long_sees_each_new_release(server: FaultyServer, service: MaterialsProject) -> None:
    for release in ("2025.09.25", "2025.11.01", "2026.01.01"):
        service.release = release
        assert read(settings_for(server)).closing.version == release


def test_what_is_no_longer_listed_is_withdrawn_and_named_where_it_is_deprecated(
    server: FaultyServer, service: MaterialsProject
) -> None:
    first = read(settings_for(server))
    service.revise("mp-8004", deprecated=True)
    service.summary = [d for d in service.summary if d["material_id"] != "mp-8007"]
    second = read(settings_for(server), first.known())
    assert second.withdrawn == {"mp-8004": "deprecated"}
    assert "mp-8007" not in {*second.unchanged, *second.entries}
    assert (second.closing.n_stated, second.closing.is_whole) == (10, True)
    server.requests.clear()
    third = read(settings_for(server), second.known(first.known()))
    assert (third.withdrawn, len(third.unchanged)) == ({}, 10)


def test_deprecated_materials_come_where_they_are_wanted(server: FaultyServer, service: MaterialsProject) -> None:
    add(service, "mp-9000", rock_salt("Na", "Cl", 5.7), number=20, deprecated=True)
    assert "mp-9000" not in read(settings_for(server)).entries
    reading = read(settings_for(server, include_deprecated=True))
    assert reading.entries["mp-9000"].payload["deprecated"] == ["E001"]
    assert reading.closing.n_stated == 13


def test_an_id_that_is_asked_for_and_does_not_exist_is_told(server: FaultyServer, service: MaterialsProject) -> None:
    add(service, "mp-9000", rock_salt("Na", "Cl", 5.7), number=20, deprecated=True)
    wanted = {"material_ids": ["mp-8001", "mp-123", "mp-9000"]}
    reading = read(settings_for(server, filter=wanted))
    assert [*reading.entries] == ["mp-8001"]
    assert {f.subject: f.message for f in reading.failures} == {
        "materials-project: mp-123": "mp-123 is asked for and the Materials Project states no such entry that passes"
        " the filter; take it out of material_ids",
        "materials-project: mp-9000": "mp-9000 is asked for and the Materials Project has deprecated it;"
        " take it out of material_ids",
    }
    assert reading.closing.is_whole


@pytest.mark.parametrize("starts_with_letters", [False, True])
def test_a_source_that_changes_its_spelling_changes_nothing(
    server: FaultyServer, service: MaterialsProject, *, starts_with_letters: bool
) -> None:
    spell(service, with_letters=starts_with_letters)
    first = read(settings_for(server))
    assert sorted(first.entries) == sorted(f"mp-{8000 + i}" for i in range(12))
    spell(service, with_letters=not starts_with_letters)
    second = read(settings_for(server), first.known())
    assert (second.entries, second.withdrawn, len(second.unchanged)) == ({}, {}, 12)


def test_an_entry_that_is_listed_in_both_spellings_is_one(server: FaultyServer, service: MaterialsProject) -> None:
    twin = copy.deepcopy(service.summary[3])
    service.summary.append(twin | {"material_id": str(AlphaID(8003, prefix="mp"))})
    reading = read(settings_for(server))
    assert len(reading.entries) == 12
    assert (reading.closing.n_stated, reading.closing.is_whole) == (13, True)


@given(st.integers(0, 3 * LAST_NUMBERED), st.integers(0, 10))
def test_ids_are_those_of_emmet(number: int, padding: int) -> None:
    alpha = AlphaID(number, padlen=padding, prefix="mp")
    text, stated = canonical(str(alpha))
    assert stated == number == int(alpha)
    assert canonical(f"mp-{number}") == (text, number)
    assert AlphaID(text) == alpha
    assert AlphaID._cut_point == LAST_NUMBERED
    if number <= LAST_NUMBERED:
        assert text == alpha.string == f"mp-{number}"


def test_ids_of_other_forms_stay_as_they_are() -> None:
    assert canonical("mvc-12") == ("mvc-12", 12)
    assert canonical("01HMV3BKW9Q6YJCQ9Y1Z4K6Q2E") == ("01HMV3BKW9Q6YJCQ9Y1Z4K6Q2E", None)
