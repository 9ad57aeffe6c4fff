"""What COD says of an entry, and what is doubtful about it, is kept beside its structure."""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from tests.factories.cod_cifs import cod_cif

from matsift_adapters.sources.cod_cif import from_cod, svn_revision
from matsift_adapters.sources.parsed import Parsed

DATA = Path(os.environ.get("MATSIFT_DATA", "../shared/data"))


def one(text: str) -> Parsed:
    (parsed,) = from_cod(text)
    return parsed


def test_bibliography_conditions_and_cods_own_tags_are_kept() -> None:
    parsed = one(cod_cif(9008680, tags="_cod_duplicate_entry 9000047\n_cod_depositor_comments 'see 9008681'\n"))
    assert parsed.crystal is not None
    assert (parsed.entry_id, parsed.holds, parsed.error_class) == ("9008680", (), None)
    assert parsed.info == {
        "svn_revision": 291735,
        "journal": "Crystal Structures",
        "doi": "10.1000/9008680",
        "title": "Second edition. Interscience Publishers, New York, New York",
        "formula": "Cl Na",
        "space_group_symbol": "F 1",
        "year": 1963,
        "temperature_k": 293,
        "authors": ["Wyckoff, R. W. G.", "Bragg, W. L."],
        "duplicate_of": "9000047",
        "cod": {"database_code": "9008680", "duplicate_entry": "9000047", "depositor_comments": "see 9008681"},
    }


@pytest.mark.parametrize(
    ("tags", "holds"),
    [
        ("_cod_struct_determination_method theoretical\n", ("calculated_structure",)),
        ("_cod_structure_determination_method theoretical\n", ("calculated_structure",)),
        ("_cod_struct_determination_method 'single crystal'\n", ()),
        ("_tcod_total_energy -1.5\n", ("calculated_structure",)),
        ("_dft_cell_energy -1.5\n", ("calculated_structure",)),
        ("_cod_error_flag warnings\n", ("has_warnings",)),
        ("_[local]_cod_error_flag errors\n", ("cod_error",)),
        ("loop_\n_cod_entry_issue_severity\n_cod_entry_issue_id\nnote 1\nerror 2\n", ("cod_error",)),
        ("_cod_error_flag none\n", ()),
        ("_cod_suboptimal_structure yes\n", ("suboptimal_structure",)),
        ("_cod_suboptimal_structure no\n", ()),
        ("_cod_related_optimal_struct 1000001\n", ("suboptimal_structure",)),
    ],
    ids=[
        "theory",
        "theory-new-tag",
        "experiment",
        "tcod",
        "dft",
        "warnings",
        "local-errors",
        "issue-loop",
        "no-error",
        "suboptimal",
        "not-suboptimal",
        "optimal-elsewhere",
    ],
)
def test_what_cods_editors_say_is_a_hold(tags: str, holds: tuple[str, ...]) -> None:
    assert one(cod_cif(1000000, tags=tags)).holds == holds


@pytest.mark.parametrize(
    "tags",
    ["_cod_error_flag retracted\n", "_cod_entry_issue_severity retraction\n", "_[local]_cod_error_flag retracted\n"],
    ids=["flag", "issue", "local"],
)
def test_a_retraction_is_told_apart(tags: str) -> None:
    parsed = one(cod_cif(1000000, tags=tags))
    assert parsed.info["retracted"] is True
    assert parsed.holds == ()


def test_partial_occupancy_and_hydrogens_without_a_place_are_holds() -> None:
    half = one(cod_cif(1000000, atoms="Na1 Na1+ 0 0 0 0.5\nCl1 Cl1- 0.5 0.5 0.5 1\n", formula="Cl Na0.5"))
    assert half.holds == ("partial_occupancy",)
    hydrate = one(cod_cif(1000000, formula="Cl H4 Na O2"))
    assert "implicit_hydrogens" in hydrate.holds
    placed = one(cod_cif(1000000, formula="H Na", atoms="Na1 Na1+ 0 0 0 1\nH1 H1- 0.5 0.5 0.5 1\n"))
    assert placed.holds == ()


def test_attached_hydrogens_are_a_hold() -> None:
    text = cod_cif(1000000).replace("_atom_site_occupancy\n", "_atom_site_occupancy\n_atom_site_attached_hydrogens\n")
    parsed = one(text.replace("0 0 0 1\n", "0 0 0 1 0\n").replace("0.5 0.5 0.5 1\n", "0.5 0.5 0.5 1 2\n"))
    assert "implicit_hydrogens" in parsed.holds
    none = one(text.replace("0 0 0 1\n", "0 0 0 1 0\n").replace("0.5 0.5 0.5 1\n", "0.5 0.5 0.5 1 0\n"))
    assert "implicit_hydrogens" not in none.holds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        (cod_cif(1000000)[:600], "the CIF syntax is broken at line 19"),
        (cod_cif(1000000)[:-20], "the CIF syntax is broken at line 39"),
        (cod_cif(1000000, atoms=""), "the structure has no atoms"),
        (cod_cif("one") + cod_cif("two"), "2 blocks hold atoms, and none of them bears the COD number"),
    ],
    ids=["empty", "torn", "torn-among-the-atoms", "no-atoms", "two-blocks"],
)
def test_what_holds_no_structure_says_so(text: str, told: str) -> None:
    parsed = one(text)
    assert parsed.crystal is None
    assert parsed.error_class == "BadStructureError"
    assert told in str(parsed.message)


def test_of_several_blocks_the_numbered_one_counts() -> None:
    parsed = one(cod_cif("powder", 6.0) + cod_cif(1000000, 5.7))
    assert parsed.crystal is not None
    assert parsed.crystal.lattice[0, 0] == pytest.approx(5.7)
    assert parsed.entry_id == "1000000"


def test_a_header_without_a_revision_has_none() -> None:
    assert svn_revision("data_1\n") is None
    assert svn_revision(cod_cif(1000000, revision=17)) == 17


@pytest.mark.skipif(not (DATA / "structures").is_dir(), reason="needs the real data (MATSIFT_DATA)")
def test_real_entries() -> None:
    with tarfile.open(DATA / "structures" / "cod_inorganic_326.tar.gz") as archive:
        members = [m for m in archive if m.name.endswith(".cif")]
        texts = [archive.extractfile(m).read().decode(errors="replace") for m in members]  # type: ignore[union-attr]
    found = [one(text) for text in texts]
    holds = Counter(hold for parsed in found for hold in parsed.holds)
    assert len(found) == 326
    assert sum(parsed.crystal is None for parsed in found) == 8
    assert holds["partial_occupancy"] == 21
    assert sum(parsed.entry_id is not None for parsed in found) >= 312
    assert {type(parsed.info.get("year", 0)) for parsed in found} == {int}
