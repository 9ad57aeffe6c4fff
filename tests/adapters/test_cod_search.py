"""COD's search against a server that speaks its protocol well and badly: what came is kept, the rest comes later."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.factories.cod_cifs import cod_cif
from tests.factories.syncing import Held
from tests.servers.cod import CodService, salts
from tests.servers.faulty import (
    COMMON_FAULTS,
    Fault,
    FaultyServer,
    Response,
    edited,
    not_json,
    reset,
    status,
    truncated,
    with_headers,
)

from matsift.errors import SourceError
from matsift.study.cod import CodSearch
from matsift_adapters.sources import Source, open_source
from matsift_adapters.sources.cod_search import GIVE_UP_AFTER, is_wanted, query_of

DATA = Path(os.environ.get("MATSIFT_DATA", "../shared/data"))
NUMBERS = [str(number) for number in range(1000000, 1000006)]
QUICK = {"requests_per_second": 100, "timeout_s": 0.4, "attempts": 2, "max_wait_s": 0.05}


@pytest.fixture
def service() -> CodService:
    return salts(NUMBERS)


@pytest.fixture
def server(service: CodService) -> Iterator[FaultyServer]:
    with FaultyServer(service.route) as running:
        yield running


def source(server: FaultyServer, **settings: Any) -> Source:
    asked = {"elements": ("Na",)} | QUICK | settings
    made = CodSearch(kind="cod_search", name="cod-search", base_url=f"{server.url}/cod/", **asked)
    return open_source(made, Path(), n_worker=0)


def downloads(server: FaultyServer) -> list[str]:
    return [Path(request.path).stem for request in server.requests_to(r"\.cif$")]


def test_a_search_is_fetched_once_and_then_only_what_changed(service: CodService, server: FaultyServer) -> None:
    held = Held()
    first = held.sync(source(server))
    assert sorted(first.entries) == NUMBERS
    assert first.closing is not None
    assert (first.closing.n_stated, first.is_whole, first.closing.version) == (6, True, "r1005")
    entry = first.entries["1000002"]
    assert entry.crystal is not None
    assert entry.crystal.lattice[0, 0] == pytest.approx(5.8)
    assert (entry.canonical_number, entry.licence, entry.payload["year"]) == (1000002, "CC0-1.0", 1963)

    server.calm()
    second = held.sync(source(server))
    assert (second.entries, second.unchanged, downloads(server)) == ({}, set(NUMBERS), [])

    service.put("1000002", 5.85, revision=2000)
    service.put("1000009", 6.2, revision=2001)
    service.remove("1000000")
    third = held.sync(source(server))
    assert downloads(server) == ["1000002", "1000009"]
    assert sorted(third.entries) == ["1000002", "1000009"]
    assert sorted(held.entries) == [*NUMBERS[1:], "1000009"]
    assert third.closing is not None
    assert third.closing.version == "r2001"


def test_downloads_keep_their_distance(server: FaultyServer) -> None:
    held = Held()
    held.sync(source(server, requests_per_second=20))
    assert len(server.pauses()) == 7
    assert sum(server.pauses()) > 6 * 0.05


def test_a_revision_that_goes_back_is_a_change(service: CodService, server: FaultyServer) -> None:
    held = Held()
    held.sync(source(server))
    service.put("1000002", 5.85, revision=1)
    assert sorted(held.sync(source(server)).entries) == ["1000002"]


FAULTS: dict[str, Fault] = {
    **COMMON_FAULTS,
    "html": lambda _request, response: Response(200, {}, b"<html>busy</html>"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_download_that_fails_is_told_and_fetched_the_next_time(server: FaultyServer, fault: str) -> None:
    held = Held()
    server.on(FAULTS[fault], path="1000003")
    reading = held.sync(source(server))
    assert sorted(reading.entries) == [number for number in NUMBERS if number != "1000003"]
    assert not reading.is_whole
    (failure,) = reading.failures
    assert (failure.stage, failure.subject, failure.error_class) == (
        "ingest",
        "cod-search: 1000003",
        "IncompleteSource",
    )
    assert failure.message.startswith("cod-search: 1000003 is missing, since ")
    server.calm()
    again = held.sync(source(server))
    assert (list(again.entries), again.is_whole, downloads(server)) == (["1000003"], True, ["1000003"])
    server.calm()
    assert (held.sync(source(server)).entries, downloads(server)) == ({}, [])


def test_a_fault_that_passes_is_not_even_told(server: FaultyServer) -> None:
    for n, fault in enumerate(FAULTS):
        if fault != "429-too-long":
            server.on(FAULTS[fault], path=NUMBERS[n % len(NUMBERS)], ordinals={n // len(NUMBERS)})
    held = Held()
    reading = held.sync(source(server, attempts=4))
    assert (sorted(reading.entries), reading.is_whole, reading.failures) == (NUMBERS, True, [])


def test_all_faults_together(server: FaultyServer) -> None:
    held = Held()
    for fault, number in zip(["500", "slow", "reset", "truncated", "html"], NUMBERS[1:], strict=True):
        server.on(FAULTS[fault], path=number)
    server.on(with_headers(Date="Fri, 13 Mar 2099 10:00:00 GMT"))
    reading = held.sync(source(server))
    assert (list(reading.entries), reading.is_whole, len(reading.failures)) == (NUMBERS[:1], False, 5)
    server.calm()
    assert sorted(held.sync(source(server)).entries) == NUMBERS[1:]
    assert sorted(held.entries) == NUMBERS


def test_a_service_that_is_down_is_not_asked_for_every_entry(service: CodService, server: FaultyServer) -> None:
    for i in range(20):
        service.put(str(2000000 + i), 6 + i / 100)
    server.on(status(502), path=r"/2\d+\.cif")
    held = Held()
    reading = held.sync(source(server, attempts=1))
    assert sorted(reading.entries) == NUMBERS
    assert len(server.requests_to(r"/2\d+\.cif")) == GIVE_UP_AFTER
    assert len(reading.failures) == 20
    server.calm()
    assert len(held.sync(source(server)).entries) == 20


def test_an_entry_without_a_cif_is_an_entry_without_a_structure(service: CodService, server: FaultyServer) -> None:
    del service.cifs["1000003"]
    held = Held()
    reading = held.sync(source(server))
    assert reading.is_whole
    entry = reading.entries["1000003"]
    assert entry.crystal is None
    assert entry.failures[0].message.startswith("1000003.cif: COD lists the entry but does not give its CIF (")
    assert "404" in entry.failures[0].message


def test_a_list_that_is_shorter_than_cods_count_withdraws_nothing(service: CodService, server: FaultyServer) -> None:
    held = Held()
    held.sync(source(server))
    server.on(edited(lambda rows: rows[:2]), path="result", ordinals={0})
    reading = held.sync(source(server))
    assert not reading.is_whole
    assert "COD counts 6 entries and lists 2" in reading.told
    assert sorted(held.entries) == NUMBERS


@pytest.mark.parametrize("count", [b"0", b"<html>busy</html>"], ids=["count-0", "no-count"])
def test_an_empty_list_withdraws_only_what_cod_counts_to_be_gone(server: FaultyServer, count: bytes) -> None:
    held = Held()
    held.sync(source(server))
    server.calm()
    server.on(edited(lambda _rows: []), path="result", ordinals={0})
    server.on(lambda _request, _response: Response(200, {}, count), path="result", ordinals={1})
    reading = held.sync(source(server))
    assert reading.is_whole is (count == b"0")
    assert sorted(held.entries) == ([] if count == b"0" else NUMBERS)


def test_rows_that_are_none_are_passed_over(server: FaultyServer) -> None:
    server.on(edited(lambda rows: [None, {"file": None}, {}, "x", *rows, rows[0]]), path="result", ordinals={0})
    reading = Held().sync(source(server))
    assert (sorted(reading.entries), reading.is_whole) == (NUMBERS, True)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (status(500), "answers 500 Internal Server Error, in 2 attempts; try again later"),
        (not_json(), "is not valid JSON"),
        (status(404), "answers 404 Not Found; correct the search or the base_url"),
        (edited(lambda _rows: {"error": "no"}), "answers the search with no list"),
        (reset(), "the connection failed"),
        (truncated(), "the answer broke off"),
    ],
    ids=["500", "no-json", "404", "no-list", "reset", "truncated"],
)
def test_a_search_without_an_answer_is_told(server: FaultyServer, fault: Fault, told: str) -> None:
    server.on(fault, path="result")
    with pytest.raises(SourceError, match=r"^cod-search: ") as caught:
        Held().sync(source(server))
    assert told in str(caught.value)


def test_organic_entries_are_not_downloaded(service: CodService, server: FaultyServer) -> None:
    service.put("7000001", formula="C9 H8 O4 Na")
    held = Held()
    reading = held.sync(source(server, exclude_organic=True))
    assert reading.closing is not None
    assert (reading.is_whole, reading.closing.n_stated, reading.closing.n_excluded) == (True, 7, 1)
    assert "7000001" not in downloads(server)


def test_a_retracted_entry_is_taken_back(service: CodService, server: FaultyServer) -> None:
    held = Held()
    held.sync(source(server))
    service.put("1000001", revision=3000, tags="_cod_error_flag retracted\n")
    assert held.sync(source(server)).taken_back == {"1000001": "retracted"}
    assert sorted(held.entries) == [number for number in NUMBERS if number != "1000001"]


def test_the_search_is_put_in_cods_words(server: FaultyServer) -> None:
    settings = CodSearch(
        kind="cod_search",
        name="x",
        elements=("Na", "Cl"),
        exclude_elements=("C",),
        formula="Cl Na",
        space_group="F m -3 m",
        n_element=(2, 3),
        volume=(10, 200.5),
        year=1963,
        text="halite",
        doi="10.1/x",
        ids=("1000000", "1000001"),
    )
    assert query_of(settings) == {
        "el1": "Na",
        "el2": "Cl",
        "nel1": "C",
        "formula": "Cl Na",
        "spacegroup": "F m -3 m",
        "strictmin": "2",
        "strictmax": "3",
        "vmin": "10.0",
        "vmax": "200.5",
        "year": "1963",
        "text": "halite",
        "doi": "10.1/x",
        "id": "1000000,1000001",
    }
    assert sorted(Held().sync(source(server, ids=("1000001", "1000004"))).entries) == ["1000001", "1000004"]


@pytest.mark.parametrize(
    ("settings", "row", "wanted"),
    [
        ({"space_group": "F m -3 m"}, {"sg": "F m -3 m"}, True),
        ({"space_group": "F m -3 m"}, {"sg": "Fm-3m"}, True),
        ({"space_group": "F m -3 m"}, {"sg": None}, True),
        ({"space_group": "F m -3 m"}, {"sg": "P 1"}, False),
        ({"year": 1963}, {"year": "1963"}, True),
        ({"year": 1963}, {"year": "1964"}, False),
        ({"doi": "10.1/X"}, {"doi": "10.1/x"}, True),
        ({"formula": "Cl Na"}, {"formula": "- Cl Na -"}, True),
        ({"formula": "Cl Na"}, {"formula": "- Cl2 Na -"}, False),
        ({"elements": ("Na",), "n_element": (3, 4)}, {"formula": "- Cl Na -"}, False),
        ({"elements": ("Na",), "n_element": (2, 4)}, {"formula": "- Cl Na -"}, True),
        ({"elements": ("K",)}, {"formula": "- Cl Na -"}, False),
        ({"elements": ("K",)}, {"formula": "?"}, True),
    ],
)
def test_what_cod_lists_is_checked_once_more(settings: dict[str, Any], row: dict[str, Any], wanted: bool) -> None:
    assert is_wanted(CodSearch(kind="cod_search", name="x", **settings), row) is wanted


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "for the whole of COD use its mirror"),
        ({"elements": ("Nax",)}, "not a chemical element: Nax"),
        ({"formula": "Na", "exclude_elements": ("C", "H", "O", "N", "S")}, "excludes at most 4"),
        ({"ids": ("12",)}, "ids"),
    ],
    ids=["nothing", "element", "too-many", "number"],
)
def test_a_search_that_cannot_be_asked_is_told(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        CodSearch(kind="cod_search", name="x", **settings)


@pytest.mark.skipif(not (DATA / "api").is_dir(), reason="needs the recorded answer (MATSIFT_DATA)")
def test_a_recorded_answer_is_read(service: CodService, server: FaultyServer) -> None:
    recorded = json.loads((DATA / "api" / "cod_rest_result_aspirin_first3.json").read_text())
    assert set(recorded[0]) == set(service.row("1000000"))
    numbers = [row["file"] for row in recorded]
    service.cifs |= {number: cod_cif(number) for number in numbers}
    server.on(lambda _request, _response: Response.of(recorded), path="result", ordinals={0})
    server.on(lambda _request, _response: Response(200, {}, b"3"), path="result", ordinals={1})
    held = Held()
    assert sorted(held.sync(source(server, elements=(), text="aspirin")).entries) == numbers
    assert held.entries["1515581"].revision is not None
    assert held.entries["1515581"].revision.startswith("301776:")
    server.calm()
    server.on(lambda _request, _response: Response.of(recorded), path="result", ordinals={0})
    server.on(lambda _request, _response: Response(200, {}, b"3"), path="result", ordinals={1})
    assert held.sync(source(server, elements=(), text="aspirin", exclude_organic=True)).entries == {}
    assert held.entries == {}
    assert downloads(server) == []
