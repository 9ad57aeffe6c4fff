"""Inputs that once got past the boundary at which errors become failure rows, as small as they could be made."""

from __future__ import annotations

import gzip
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from benchmarks.fuzz.child import Verdict, judged
from benchmarks.fuzz.packages import signed
from benchmarks.fuzz.registry import parser_of
from benchmarks.fuzz.zipped import members_of, zip_of
from tests.factories.structure_files import ROCK_SALT_CIF, rock_salt

from matsift.errors import SourceError
from matsift_adapters.patterns import read_patterns
from matsift_adapters.sources.cod_cif import svn_revision
from matsift_adapters.sources.materials_project_ids import canonical
from matsift_adapters.sources.pymatgen_json import to_pymatgen
from matsift_adapters.sources.values import MOST_NESTED, as_json

#: Processor time that no input here may take: what once hung took minutes.
BEARABLE_S = 10.0
DIGITS = "9" * 5000
SALT = to_pymatgen(rock_salt())
CARD = parser_of("card").seeds[0]
COLUMNS = "\n".join(f"{10 + 0.05 * i:.2f} {100 + i % 7}" for i in range(400))


def nested(depth: int) -> Any:
    """Return a list in a list in a list."""
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def site(**changes: Any) -> bytes:
    """Return a rock salt in JSON whose first site says something else."""
    return json.dumps({**SALT, "sites": [{**SALT["sites"][0], **changes}, *SALT["sites"][1:]]}).encode()


def pages(name: str, page: str, **changes: Any) -> bytes:
    """Return the answers of a service of which one says something else."""
    whole = json.loads(parser_of(name).seeds[0])
    whole[page] = {**whole[page], **changes} if changes else whole[page]
    return json.dumps(whole).encode()


def table(**changes: Any) -> bytes:
    """Return a table of one row that says something else."""
    return json.dumps([{"id": "a", "structure": SALT, "K": 24.5, "note": None, **changes}]).encode()


def package(member: str, old: bytes, new: bytes) -> bytes:
    """Return a data package one of whose members holds other bytes, which its manifest knows of."""
    members = members_of(parser_of("package").seeds[0])
    assert old in members[member]
    return signed(members | {member: members[member].replace(old, new)})


FOUND: dict[str, tuple[str, bytes]] = {
    "whole number of thousands of digits in a study": ("study", b"x = " + DIGITS.encode()),
    "key of thousands of letters in a study": ("study", b"s" + b"A" * 5000 + b" = 1"),
    "kind of thousands of letters in a study": ("study", b'[[sources]]\nkind = "' + b"A" * 5000 + b'"'),
    "property of thousands of letters in a study": ("study", b"[ranking]\nproperty = '" + b"A" * 5000 + b"'"),
    "ion of thousands of brackets in a study": (
        "study",
        b'[[sources]]\nkind = "prototypes"\nname = "p"\nions = ["' + b"[" * 5000 + b'"]',
    ),
    "a thousand unknown keys in a study": ("study", b"".join(b"key_%d = 1\n" % i for i in range(1000))),
    "study nested too deeply": ("study", b"x = " + b"[" * 5000),
    "whole number of thousands of digits in JSON": ("structure-json", DIGITS.encode()),
    "the same in a list that breaks off": ("structure-json", f"[{json.dumps(SALT)}, {DIGITS}".encode()),
    "coordinate that is text": ("structure-json", site(abc=["é", 0, 0])),
    "occupancy that is no number": ("structure-json", site(species=[{"element": "Na", "occu": math.nan}])),
    "coordinate too large for a number": ("structure-json", site(abc=[10**400, 0, 0])),
    "occupancy too large for a number": ("structure-json", site(species=[{"element": "Na", "occu": 10**400}])),
    "number of the Materials Project beyond a database": (
        "materials-project",
        re.sub(rb'"mp-[a-z]+"', b'"mp-' + b"9" * 30 + b'"', parser_of("materials-project").seeds[0]),
    ),
    "count of the Materials Project that never ends": (
        "materials-project",
        pages("materials-project", "list", meta={"total_doc": 2**63}),
    ),
    "the same page of the Materials Project without end": (
        "materials-project",
        pages("materials-project", "list", meta={"total_doc": 10**12}),
    ),
    "what the Materials Project restricts, no list": (
        "materials-project",
        pages("materials-project", "heartbeat", access_controlled_batch_ids=7),
    ),
    "endpoints of a provider, no list": (
        "optimade",
        pages("optimade", "info", data={"attributes": {"api_version": "1.2.0", "available_endpoints": 1.5}}),
    ),
    "species of a provider without shares": (
        "optimade",
        parser_of("optimade").seeds[0].replace(b'"concentration": [1.0]', b'"concentration": []', 1),
    ),
    "link to the next page with half a character": (
        "optimade",
        pages("optimade", "structures", links={"next": "http://x/\ud800"}),
    ),
    "link to the next page that is no address": (
        "optimade",
        pages("optimade", "structures", links={"next": "http://["}),
    ),
    "licence of a provider with half a character": (
        "optimade",
        pages("optimade", "info", data={"attributes": {"api_version": "1.2.0", "license": "\ud800"}}),
    ),
    "version of OPTIMADE without end": (
        "optimade",
        pages("optimade", "info", data={"attributes": {"api_version": "A" * 100_000}}),
    ),
    "count of structures beyond a database": (
        "optimade",
        pages("optimade", "structures", meta={"data_returned": 2**63, "more_data_available": False}),
    ),
    "oracle of a card with a name without end": (
        "card",
        CARD.replace(b'"vasp"', b'"' + b"A" * 100_000 + b'"'),
    ),
    "card nested too deeply": ("card", b"[" * 100_000),
    "heading of a form without end": ("form", b"structure,k_vrh (" + b"A" * 6000 + b")\n"),
    "cell of a form beyond the limit of csv": ("form", b"structure,k_vrh (GPa)\n" + b"A" * 200_000 + b",1\n"),
    "property of a form without end": ("form", b"structure,g_vrh (GPa),note\n" + b"A" * 6000 + b",1,\n"),
    "atom of a CHGCAR without end": (
        "chgcar",
        b"x\n1.0\n" + b"A" * 9000 + b"\n0 1 0\n0 0 1\nNa\n1\nDirect\n0 0 0\n\n4 3 2\n",
    ),
    "columns of a table with a name that is none": ("table-json", b'{"columns": ["id", {}], "data": [["a", 1]]}'),
    "symmetry operation without end": ("cif", ROCK_SALT_CIF.replace("z+1/2\n", f"z{DIGITS}+1/2\n", 1).encode()),
    "symmetry operation without end where the syntax is broken": (
        "cif",
        ROCK_SALT_CIF.replace("x,y+1/2,z+1/2\n", f"x,y\u0663/{DIGITS},z+1/2\n").encode(),
    ),
    "operations of hundreds of digits each where the syntax is broken": (
        "cif",
        ROCK_SALT_CIF.replace("x,y+1/2,z+1/2\n", "x+" + f"{'9' * 900}+" * 8 + "\nx,y\u0663,z+1/2\n").encode(),
    ),
    "cell whose volume is no number": ("cod-cif", ROCK_SALT_CIF.replace("length_a 5.64", "length_a 1e308").encode()),
    "POSCAR of such a cell": ("poscar", b"x\n1e200\n1 0 0\n0 1 0\n0 0 1\nNa\n1\nDirect\n0 0 0\n"),
    "cube of an element that is none": (
        "cube",
        re.sub(rb"\n +11 ", b"\n 9999 ", parser_of("cube").seeds[0], count=1),
    ),
    "labels of orbitals of a cube that never come": (
        "cube",
        parser_of("cube").seeds[0].replace(b"\n    8 ", b"\n   -1 ", 1),
    ),
    "spin density that is no number": (
        "chgcar-json",
        re.sub(rb'("diff": \[\[\[)[^,]*', rb"\1NaN", parser_of("chgcar-json").seeds[0]),
    ),
    "column of a package that is no text": (
        "package",
        package("tables/model_version.parquet", b"learner", b"\xcaearner"),
    ),
    "tar that breaks off in the head of its gzip": ("archive-tar", gzip.compress(b"")[:3]),
    "member of a zip whose name has two lines": ("archive-zip", zip_of({"b/\n.cif": b"x"})),
    "member of a zip without a name": ("archive-zip", zip_of({"": b"x", "a.cif": ROCK_SALT_CIF.encode()})),
    "amount too large for a number": ("formula", b"Md" + DIGITS.encode()),
    "number of atoms too large for a number": (
        "pw-output",
        re.sub(rb"(atoms/cell += +)8", rb"\g<1>" + b"9" * 400, parser_of("pw-output").seeds[0]),
    ),
    "a billion atoms in a file of two lines": ("extxyz", b"1000000000\nCl 0.0 2.82 0.0\n"),
    "number of 60,000 digits among others": ("pattern-text", f"10 {'1' * 60_000}x\n{COLUMNS}".encode()),
    "label of a table that is a long list": ("table-json", table(K=["A" * 6000])),
    "id of a table with half a character": ("table-json", table(id="\ud800")),
    "structure of a table with half a character": ("table-json", table(structure="\ud800")),
    "column of a table in two lines": ("table-csv", b'a,"b\nc",structure,K,note\n1,2,3,4,5\n'),
    "input of a run without end": ("card", CARD.replace(b'"Accurate"', b'"' + b"A" * 100_000 + b'"')),
    "property of two billion columns": ("extxyz", parser_of("extxyz").seeds[0].replace(b"S:1", b"S:2147483648")),
    "counts of a CHGCAR without end": ("chgcar", b"x\n\n" + DIGITS.encode() + b" 3 2\n"),
    "step with two points": ("pattern-text", f"*START = 1.0.0\n*STEP = 0.0.5\n*COUNT = 400\n{COLUMNS}\n*END".encode()),
    "wavelength with two points": ("pattern-text", f"<kAlpha1 unit='A'>1.5.4</kAlpha1>\n{COLUMNS}".encode()),
    "angle of Fortran's double precision": ("pattern-text", b"1d1 5d-2 3d1\n" + b"100 " * 401),
    "count too large for a number": (
        "pattern-text",
        json.dumps({"two_theta": [10 + i / 20 for i in range(400)], "intensity": [10**400] * 400}).encode(),
    ),
    "end of a scan that is no number": (
        "pattern-text",
        b"<xrdMeasurements><xrdMeasurement><scan><dataPoints><positions axis='2Theta'><startPosition>a</startPosition>"
        b"<endPosition>9</endPosition></positions><counts>" + b"1 " * 99 + b"</counts></dataPoints></scan>"
        b"</xrdMeasurement></xrdMeasurements>",
    ),
    "vasprun.xml with a tag too large for a number": (
        "vasprun",
        parser_of("vasprun").seeds[0].replace(b'name="NELM"> 60', b'name="NELM"> ' + b"9" * 400),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("told", FOUND)
def test_a_found_input_ends_as_our_own_error(told: str) -> None:
    name, content = FOUND[told]
    begun = time.process_time()
    assert judged(name, content).defect is None
    assert time.process_time() - begun < BEARABLE_S


@pytest.mark.filterwarnings("ignore")
def test_atoms_of_a_vasprun_without_species_are_a_failure() -> None:
    whole = parser_of("vasprun").seeds[0]
    without = re.sub(rb'(<array name="atoms"><set>).*?(</set>)', rb"\1\2", whole)
    assert judged("vasprun", without) == Verdict("UnreadableOutputError")


@pytest.mark.parametrize("depth", [300, 480, 900])
@pytest.mark.filterwarnings("ignore")
def test_what_is_nested_deeply_in_a_payload_becomes_an_ellipsis(depth: int) -> None:
    """Parsed, it would end the whole ingestion when its entry is hashed or written."""
    kept = as_json(nested(depth))
    for _ in range(MOST_NESTED):
        (kept,) = kept
    assert kept == "..."
    row = {"id": "a", "structure": SALT, "K": 24.5, "note": nested(depth)}
    assert judged("table-jsonl", json.dumps(row).encode()) == Verdict()
    attributes = json.loads(parser_of("optimade").seeds[0])
    attributes["structures"]["data"][0]["attributes"]["_x_note"] = nested(depth)
    assert judged("optimade", json.dumps(attributes).encode()) == Verdict()


def test_ids_and_revisions_fit_a_database() -> None:
    assert canonical("mp-" + "9" * 18)[1] == 10**18 - 1
    assert canonical("mp-" + "z" * 13)[1] == 26**13 - 1 < 2**63
    for text in ("mp-" + "9" * 19, "mp-" + "z" * 14, f"mp-{DIGITS}", "mp-٣"):
        assert canonical(text) == (text, None)
    assert svn_revision(f"#$Revision: {DIGITS} $\n{ROCK_SALT_CIF}") is None
    assert svn_revision("#$Revision: 291735 $") == 291735


def test_a_gzipped_pattern_that_breaks_off_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.xy.gz"
    path.write_bytes(gzip.compress(COLUMNS.encode())[:20])
    with pytest.raises(SourceError):
        read_patterns(path)
