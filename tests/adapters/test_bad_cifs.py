"""Hundreds of files from the test suites of CIF parsers: nothing crashes, every file has its outcome."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import gemmi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.structure_files import ROCK_SALT_CIF

from matsift.crystal import Crystal
from matsift.records import EntryRecord, FailureRecord
from matsift.structure_facts import describe
from matsift.study.sources import FilesSource
from matsift_adapters.sources import open_source
from matsift_adapters.sources.cif import from_cif
from matsift_adapters.sources.cif_stated import formula_of
from matsift_adapters.sources.cif_symbols import formula_amounts, formula_ratio
from matsift_adapters.sources.parsing import Member, parse_member

DATA = Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def outcomes(archive: Path, include: str = "*") -> None:
    """Read every member as CIF and assert that each ends as a described structure or a failure with a sentence."""
    if not archive.exists():
        pytest.skip(f"{archive} is not there; set MATSIFT_DATA to the folder of the published data")
    source = FilesSource(
        kind="files", name="bad", path=archive.name, format="cif", id_from="path", time_limit_s=20, include=(include,)
    )
    seen = set()
    for item in open_source(source, archive.parent, n_worker=2).iterate():
        if isinstance(item, FailureRecord):
            assert item.error_class == "DuplicateIdError"
            continue
        assert isinstance(item, EntryRecord)
        seen.add(item.payload["file"])
        if item.crystal is None:
            (failure,) = item.failures
            assert failure.error_class in {"BadStructureError", "TimeLimitExceeded"}
            assert failure.message.startswith(f"{archive.name}:{item.payload['file']}")
            assert "\n" not in failure.message
            assert len(failure.message) < 700
            assert item.payload.get("text") or "max_site" in failure.message or "empty" in failure.message
        else:
            assert item.failures == ()
            assert describe(item.crystal).n_site == item.crystal.n_site
    with tarfile.open(archive) as tar:
        files = [info.name for info in tar if info.isreg()]
    assert seen == {name for name in files if fnmatch(name, include)}


@pytest.mark.parametrize("name", ["codtools_codcif_inputs", "gemmi_test_cifs", "pycifrw_test_cifs"])
def test_small_suites(name: str) -> None:
    outcomes(DATA / "bad_cifs" / f"{name}.tar.gz")


def test_sample_of_the_largest_suite() -> None:
    outcomes(DATA / "bad_cifs" / "cod_tools_inputs.tar.gz", "*[37].cif")


@pytest.mark.bench
@pytest.mark.parametrize("name", ["cod_tools_inputs", "codtools_codcif_outputs"])
def test_large_suites(name: str) -> None:
    outcomes(DATA / "bad_cifs" / f"{name}.tar.gz")


def blocks_without_a_hold(archive: Path) -> Iterator[tuple[str, gemmi.cif.Block, Crystal]]:
    """Yield name, block and crystal of the structures of an archive of which nothing is doubtful."""
    if not archive.exists():
        pytest.skip(f"{archive} is not there; set MATSIFT_DATA to the folder of the published data")
    with tarfile.open(archive) as tar:
        for info in tar:
            stream = tar.extractfile(info)
            text = "" if stream is None else stream.read().decode("utf-8-sig", errors="replace")
            found = [parsed for parsed in from_cif(text) if parsed.crystal is not None and parsed.holds == ()]
            if not found:
                continue
            document = gemmi.cif.read_string(text)
            blocks = {block.name: block for block in document if block.find_values("_atom_site_fract_x")}
            for parsed in found:
                name = parsed.block or next(iter(blocks))
                if name in blocks and parsed.crystal is not None:
                    yield f"{info.name}#{name}", blocks[name], parsed.crystal


def amounts(crystal: Crystal) -> dict[str, float]:
    found: dict[str, float] = {}
    for symbol, occupancy in zip(crystal.species, crystal.occupancies.tolist(), strict=True):
        found[symbol] = found.get(symbol, 0.0) + occupancy
    return found


def gemmis_amounts(block: gemmi.cif.Block) -> dict[str, float]:
    """Return what gemmi's own expansion of the symmetry puts into the cell."""
    found: dict[str, float] = {}
    for site in gemmi.make_small_structure_from_block(block).get_all_unit_cell_sites():
        symbol = "H" if site.element.name == "D" else site.element.name
        found[symbol] = found.get(symbol, 0.0) + site.occ
    return found


@pytest.mark.parametrize("name", ["cod_tools_inputs", "codtools_codcif_inputs", "gemmi_test_cifs", "pycifrw_test_cifs"])
def test_what_nothing_is_said_against_is_what_gemmi_makes_of_it(name: str) -> None:
    """Gemmi merges copies up to 0.4 angstrom apart: where it finds less, the formula must tell who is right."""
    n_same, by_formula = 0, []
    for place, block, crystal in blocks_without_a_hold(DATA / "bad_cifs" / f"{name}.tar.gz"):
        ours = amounts(crystal)
        if ours == pytest.approx(gemmis_amounts(block), rel=1e-3):
            n_same += 1
            continue
        stated = formula_amounts(formula_of(block))
        assert stated is not None, place
        assert formula_ratio(stated, ours) is not None, place
        by_formula.append(place)
    assert n_same > 0
    assert len(by_formula) <= n_same / 40


@settings(max_examples=150, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, len(ROCK_SALT_CIF)), st.integers(0, 40)), min_size=1, max_size=3),
    grafts=st.lists(st.text("'\";_#$[]{}.?-+/,0159xyzNaClloop_data_\n\t\x00é", max_size=6), min_size=3, max_size=3),
)
def test_a_mangled_file_is_read_right_held_or_refused(cuts: list[tuple[int, int]], grafts: list[str]) -> None:
    text = ROCK_SALT_CIF
    for (start, length), graft in zip(cuts, grafts, strict=False):
        text = text[:start] + graft + text[start + length :]
    for parsed in parse_member(Member("x.cif", "cif", text.encode())):
        if parsed.crystal is None:
            assert parsed.error_class == "BadStructureError"
            assert parsed.message
        else:
            parsed.crystal.check()
            assert parsed.facts == describe(parsed.crystal)
            if not parsed.holds and "_chemical_formula_sum 'Cl Na'" in text:
                assert parsed.facts is not None
                assert parsed.facts.reduced_formula == "NaCl"
