"""Each format gives the crystal that it holds, and what is doubtful or wrong is said."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.factories.structure_files import ROCK_SALT_CIF, ROCK_SALT_SYMMETRY, rock_salt

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.cif import from_cif, to_cif
from matsift_adapters.sources.formats import format_of, stem_of
from matsift_adapters.sources.parsing import Member, parse_member
from matsift_adapters.sources.pymatgen_json import from_pymatgen, to_pymatgen
from matsift_adapters.sources.vasp_and_ase import from_atoms, from_poscar, to_atoms, to_poscar

SALT = rock_salt()
PW_INPUT = (
    "&SYSTEM\n ibrav = 0\n nat = 8\n ntyp = 2\n/\nATOMIC_SPECIES\nNa 22.99 Na.upf\nCl 35.45 Cl.upf\n"
    "CELL_PARAMETERS angstrom\n5.64 0 0\n0 5.64 0\n0 0 5.64\nATOMIC_POSITIONS crystal\n"
    + "".join(f"{symbol} {x} {y} {z}\n" for symbol, (x, y, z) in zip(SALT.species, SALT.frac_coords, strict=True))
)
SKEW = Crystal.ordered(
    np.array([[4.1, 0.0, 0.0], [-1.5, 5.0, 0.0], [0.3, 0.7, 6.2]]),
    ["Li", "Na", "O"],
    np.array([[0.11, 0.23, 0.37], [0.61, 0.42, 0.81], [0.9, 0.05, 0.5]]),
)


def parse(name: str, content: str | bytes, **rest: Any) -> Any:
    file_format = format_of(name)
    assert file_format is not None
    return parse_member(Member(name, file_format, content.encode() if isinstance(content, str) else content, **rest))


def ase_bytes(crystal: Crystal, file_format: str) -> bytes:
    from ase.io import write

    stream: Any = io.BytesIO() if file_format == "traj" else io.StringIO()
    write(stream, to_atoms(crystal), format=file_format)
    content = stream.getvalue()
    return content if isinstance(content, bytes) else content.encode()


def same(one: Crystal, other: Crystal) -> bool:
    """Whether two crystals have the same metric and, up to rounding and order, the same atoms."""
    metric = [crystal.lattice @ crystal.lattice.T for crystal in (one, other)]
    order = [np.lexsort((*np.round(c.frac_coords % 1, 4).T, c.species)) for c in (one, other)]
    return (
        bool(np.allclose(metric[0], metric[1], atol=1e-4))
        and [one.species[i] for i in order[0]] == [other.species[i] for i in order[1]]
        and bool(np.allclose(one.frac_coords[order[0]] % 1, other.frac_coords[order[1]] % 1, atol=1e-5))
    )


@pytest.mark.parametrize("crystal", [SALT, SKEW], ids=["salt", "triclinic"])
@pytest.mark.parametrize(
    "there_and_back",
    [
        lambda crystal: from_cif(to_cif(crystal))[0].crystal,
        lambda crystal: from_poscar(to_poscar(crystal)),
        lambda crystal: from_pymatgen(json.loads(json.dumps(to_pymatgen(crystal)))),
        lambda crystal: from_atoms(to_atoms(crystal)),
    ],
    ids=["cif", "poscar", "pymatgen", "ase"],
)
def test_round_trip(crystal: Crystal, there_and_back: Callable[[Crystal], Crystal | None]) -> None:
    back = there_and_back(crystal)
    assert back is not None
    assert same(crystal, back)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.cif", ROCK_SALT_CIF.encode()),
        ("x.cif.gz", gzip.compress(ROCK_SALT_CIF.encode())),
        ("POSCAR", to_poscar(SALT).encode()),
        ("x.vasp", to_poscar(SALT).encode()),
        ("x.json", json.dumps(to_pymatgen(SALT)).encode()),
        ("x.json", json.dumps({"structure": to_pymatgen(SALT), "formula": "NaCl"}).encode()),
        ("x.extxyz", ase_bytes(SALT, "extxyz")),
        ("x.traj", ase_bytes(SALT, "traj")),
        ("x.xsf", ase_bytes(SALT, "xsf")),
        ("x.gen", ase_bytes(SALT, "gen")),
        ("x.pwi", PW_INPUT.encode()),
    ],
    ids=["cif", "cif-gz", "poscar", "vasp", "json", "json-record", "extxyz", "traj", "xsf", "gen", "pw-x"],
)
def test_every_format_gives_rock_salt(name: str, content: bytes) -> None:
    (parsed,) = parse(name, content)
    assert parsed.message is None
    assert parsed.holds == ()
    assert same(SALT, parsed.crystal)


def test_blocks_of_a_cif_are_told_apart() -> None:
    other = ROCK_SALT_CIF.replace("data_NaCl", "data_other").replace("5.64", "5.7")
    broken = ROCK_SALT_CIF.replace("data_NaCl", "data_broken").replace("0.5 0.5 0.5", "0.5 ? 0.5")
    found = parse("x.cif", "data_global\n_journal_year 1999\n" + ROCK_SALT_CIF + broken + other)
    assert [(p.block, p.crystal and round(p.crystal.lattice[0, 0], 2)) for p in found] == [
        ("NaCl", 5.64),
        ("broken", None),
        ("other", 5.7),
    ]


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        (("'Cl Na'", "'Cl2 Na'"), ("formula_disagrees",)),
        ((ROCK_SALT_SYMMETRY, ""), ("symmetry_assumed_p1",)),
        (("0 0 0 1\n", "0 0 0 0.68\nK1 K1+ 0 0 0 0.33\n"), ("formula_disagrees", "occupancy_rescaled")),
        (("'Cl Na'", "'Cl Na'\n_chemical_formula_sum 'Cl Na'"), ("cif_syntax",)),
    ],
    ids=["formula", "no-symmetry", "occupancy", "duplicate-tag"],
)
def test_what_is_doubtful_is_held(change: tuple[str, str], holds: tuple[str, ...]) -> None:
    (parsed,) = parse("x.cif", ROCK_SALT_CIF.replace(*change))
    assert parsed.crystal is not None
    assert parsed.holds == holds


def test_symmetry_from_the_symbol_alone() -> None:
    (parsed,) = parse("x.cif", ROCK_SALT_CIF.replace(ROCK_SALT_SYMMETRY, "_symmetry_space_group_name_H-M 'F m -3 m'\n"))
    assert same(SALT, parsed.crystal)


def test_isotopes_count_as_their_element() -> None:
    (parsed,) = parse("x.cif", ROCK_SALT_CIF.replace("Cl1 Cl1-", "D1 D").replace("'Cl Na'", "'D Na'"))
    assert parsed.crystal.elements == ("H", "Na")


def test_oxidation_states_on_one_site_add_up() -> None:
    raw = to_pymatgen(rock_salt(cation="Fe", anion="O"))
    raw["sites"][0]["species"] = [{"element": "Fe", "oxidation_state": s, "occu": 0.5} for s in (2, 3)]
    assert from_pymatgen(raw).is_ordered
    raw["sites"][0]["species"] = [{"element": "Fe2+", "occu": 0.5}, {"element": "Fe3+", "occu": 0.25}]
    crystal = from_pymatgen(raw)
    assert (crystal.species[0], crystal.occupancies[0], crystal.is_ordered) == ("Fe", 0.75, False)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.cif", "", "the file is empty"),
        ("x.cif", "# nothing\n", "it has no data block"),
        ("x.cif", ROCK_SALT_CIF.split("loop_", maxsplit=1)[0], "the structure has no atoms"),
        ("x.cif", ROCK_SALT_CIF[:-12], "Wrong number of values in loop _atom_site_"),
        ("x.cif", ROCK_SALT_CIF.replace("_cell_length_a 5.64\n", ""), "the cell lengths are missing"),
        ("x.cif", ROCK_SALT_CIF.replace("_cell_length_a 5.64", "_cell_length_a 0"), "a cell length is 0 angstrom"),
        ("x.cif", ROCK_SALT_CIF.replace("0 0 0 1\n", "0 0 0 2\n"), "occupancies of a site add up to 2, more than 1"),
        ("x.cif", ROCK_SALT_CIF.replace("_atom_site_fract_x", "_atom_site_cartn_x"), "_atom_site_fract_x is missing"),
        ("x.cif", ROCK_SALT_CIF.replace("Na1 Na1+", "X1 X"), "not a chemical element: X"),
        ("x.cif.gz", gzip.compress(ROCK_SALT_CIF.encode())[:-20], "compressed file is damaged or truncated"),
        ("x.cif.bz2", b"no bz2", "compressed file is damaged or truncated"),
        ("POSCAR", "NaCl\n1.0\n5 0 0\n0 5 0\n", "it is not a POSCAR"),
        ("POSCAR", "salt\n1.0\n5 0 0\n0 5 0\n0 0 5\n1 1\nDirect\n0 0 0\n.5 .5 .5\n", "names no elements"),
        ("POSCAR", "salt\n1.0\n5 0 0\n0 5 0\n0 0 5\nXx\n1\nDirect\n0 0 0\n", "not a chemical element: Xx"),
        ("x.json", '{"lattice": {"matrix": [[', "it is not valid JSON"),
        ("x.json", "[]", "the JSON holds no structure"),
        ("x.json", "3", "the JSON holds no structure"),
        ("x.json", '{"lattice": {}, "sites": []}', "the structure has no 'matrix'"),
        ("x.json", '{"lattice": {"matrix": [[1, 2], [3, 4]]}, "sites": []}', "it is not a pymatgen structure"),
        ("x.json", "[" * 100_000, "it is nested too deeply"),
        ("x.xyz", "2\nno cell\nNa 0 0 0\nCl 1 1 1\n", "it is not periodic in three directions"),
        ("x.extxyz", "7\nLattice=", "it cannot be read as extxyz"),
        ("x.traj", "no trajectory", "it cannot be read as traj"),
        ("x.xsf", "", "it cannot be read as xsf"),
    ],
)
def test_bad_file_is_told_in_one_sentence(name: str, content: str | bytes, told: str) -> None:
    (parsed,) = parse(name, content)
    assert parsed.crystal is None
    assert told in parsed.message
    assert "\n" not in parsed.message


def test_document_cannot_name_code_to_run() -> None:
    raw = to_pymatgen(SALT)
    raw["sites"][0]["properties"] = {"x": {"@module": "os", "@class": "system", "@callable": "system"}}
    raw["@module"], raw["@class"] = "subprocess", "Popen"
    (parsed,) = parse("x.json", json.dumps(raw))
    assert same(SALT, parsed.crystal)


def test_json_records_have_ids_and_a_break_keeps_the_whole_ones() -> None:
    records = [{"id": f"mp-{i}", "structure": to_pymatgen(rock_salt(5 + i / 10))} for i in range(3)]
    text = json.dumps(records)
    found = parse("x.json", text[: text.index("mp-2") + 200], id_key="id")
    assert [(p.entry_id, p.crystal is not None) for p in found] == [("mp-0", True), ("mp-1", True), (None, False)]
    assert (found[-1].error_class, found[-1].block) == ("TruncatedError", "break")
    assert "breaks off after record 1" in found[-1].message


def test_too_many_sites_are_refused() -> None:
    (parsed,) = parse("x.cif", ROCK_SALT_CIF, max_site=7)
    assert parsed.message == "the structure has 8 sites, more than max_site = 7"


def test_decompression_bomb_is_not_read() -> None:
    (parsed,) = parse("x.cif.gz", gzip.compress(bytes(70 << 20), compresslevel=1))
    assert parsed.message == "it is larger than 64 MiB unpacked, so it was not read"


def test_flat_cell_and_nan_are_no_crystal() -> None:
    raw = to_pymatgen(SALT)
    raw["lattice"]["matrix"][2] = [0.0, 0.0, 0.0]
    with pytest.raises(BadStructureError, match="the cell is flat"):
        from_pymatgen(raw)
    raw["lattice"]["matrix"][2] = [0.0, 0.0, float("nan")]
    with pytest.raises(BadStructureError, match="not a finite number"):
        from_pymatgen(raw)


@pytest.mark.parametrize(
    ("name", "file_format", "stem"),
    [
        ("a/b/1000041.cif", "cif", "1000041"),
        ("NaCl.v2.CIF.gz", "cif", "NaCl.v2"),
        ("POSCAR-JVASP-107", "poscar", "POSCAR-JVASP-107"),
        ("run1/CONTCAR", "poscar", "run1/CONTCAR"),
        ("x.vasp.bz2", "poscar", "x"),
        ("README.md", None, "README.md"),
        ("INCAR", None, "INCAR"),
    ],
)
def test_name_tells_format_and_id(name: str, file_format: str | None, stem: str) -> None:
    assert (format_of(name), stem_of(name)) == (file_format, stem)
