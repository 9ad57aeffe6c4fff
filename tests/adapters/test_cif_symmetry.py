"""Symmetry is expanded as pymatgen does it, in many groups and settings; what is doubtful about it is held."""

from __future__ import annotations

import os
import tarfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import gemmi
import pytest
from ase.spacegroup import crystal as ase_crystal
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifParser, CifWriter
from tests.factories.structure_files import ROCK_SALT_CIF, ROCK_SALT_SYMMETRY

from matsift.crystal import Crystal
from matsift.structure_facts import describe
from matsift_adapters.sources.cif import from_cif
from matsift_adapters.sources.cif_fallback import from_structure
from matsift_adapters.sources.cif_fast import OCCUPANCY_TOLERANCE, Reading, fast_reading
from matsift_adapters.sources.parsed import Parsed
from matsift_adapters.sources.parsing import Member, parse_member

DATA = Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def fast(text: str) -> Reading | None:
    return fast_reading(gemmi.cif.read_string(text)[0])


def pymatgens(text: str) -> Crystal:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = CifParser.from_str(text, occupancy_tolerance=OCCUPANCY_TOLERANCE)
        return from_structure(parser.parse_structures(primitive=False)[0])


def assert_same(ours: Crystal, theirs: Crystal) -> None:
    """Assert that two crystals are the same: cell, places, species, occupancies; formula and space group follow."""
    assert ours.content_hash == theirs.content_hash
    assert describe(ours) == describe(theirs)


@cache
def cell_of(number: int) -> tuple[float, float, float, float, float, float]:
    """Return lengths and angles that a space group of this number allows."""
    a, b, c, alpha, beta, gamma = 5.1, 6.3, 7.7, 82.0, 97.0, 104.0
    if number <= 2:
        return a, b, c, alpha, beta, gamma
    if number <= 15:
        return a, b, c, 90.0, beta, 90.0
    if number <= 74:
        return a, b, c, 90.0, 90.0, 90.0
    if number <= 142:
        return a, a, c, 90.0, 90.0, 90.0
    return (a, a, c, 90.0, 90.0, 120.0) if number <= 194 else (a, a, a, 90.0, 90.0, 90.0)


def listed(name: str) -> str:
    """Return a CIF of a group with its operations: one atom in a general place, others on axes and centres."""
    group = gemmi.SpaceGroup(name)
    a, b, c, alpha, beta, gamma = cell_of(group.number)
    operations = "\n".join(f"'{op.triplet()}'" for op in group.operations())
    return (
        f"data_x\n_cell_length_a {a}\n_cell_length_b {b}\n_cell_length_c {c}\n"
        f"_cell_angle_alpha {alpha}\n_cell_angle_beta {beta}\n_cell_angle_gamma {gamma}\n"
        f"loop_\n_space_group_symop_operation_xyz\n{operations}\n"
        "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        "Na1 0.11 0.23 0.37\nCl1 0 0 0\nO1 0.3333 0.6667 0.21\nF1 0.25 0.25 0.13(1)\n"
    )


def with_symbol(name: str, symmetry: str) -> str:
    """Return the CIF of a group with something else said of its symmetry than the operations."""
    cell, _, atoms = listed(name).split("loop_")
    return f"{cell}{symmetry}\nloop_{atoms}"


#: A group of each crystal class or kind of centring, and both origins or axes where there are two.
GROUPS = (
    "P -1|C 1 2 1|C 1 c 1|P 1 21/c 1|P 1 21/n 1|C 1 2/c 1|P 21 21 21|F d d 2|P n m a|P b n m|F d d d:1|F d d d:2|"
    "P n n n:1|P n n n:2|I 41/a:1|I 41/a:2|I 41 2 2|I -4 2 d|I 41/a m d:1|I 41/a m d:2|R 3:H|R -3:H|R 3 2:H|R 3 m:H|"
    "R -3 m:H|R -3 c:H|P 63/m|P 63/m m c|P a -3|I -4 3 d|F m -3 m|P n -3 m:1|P n -3 m:2|F d -3 m:1|F d -3 m:2|I a -3 d"
).split("|")


@pytest.mark.parametrize("name", GROUPS)
def test_listed_operations_of_a_group(name: str) -> None:
    text = listed(name)
    found = fast(text)
    assert found is not None
    assert found.holds == ()
    assert_same(found.crystal, pymatgens(text))


@pytest.mark.parametrize(
    ("symmetry", "name", "holds"),
    [
        pytest.param("_symmetry_space_group_name_H-M 'P 1 21/c 1'", "P 1 21/c 1", (), id="full monoclinic symbol"),
        pytest.param("_symmetry_space_group_name_H-M 'F m -3 m'", "F m -3 m", (), id="one setting only"),
        pytest.param("_space_group_name_H-M_alt 'R -3 m'", "R -3 m:H", (), id="hexagonal axes"),
        pytest.param("_symmetry_space_group_name_H-M 'F d -3 m'", "F d -3 m:1", ("setting_assumed",), id="origins"),
        pytest.param("_space_group_IT_number 225", "F m -3 m", (), id="number with one setting"),
        pytest.param("_space_group_IT_number 62", "P n m a", ("setting_assumed",), id="number with six settings"),
        pytest.param("_journal_year 1999", "P 1", ("symmetry_assumed_p1",), id="nothing"),
    ],
)
def test_what_stands_for_operations(symmetry: str, name: str, holds: tuple[str, ...]) -> None:
    text = with_symbol(name, symmetry)
    found = fast(text)
    assert found is not None
    assert found.holds == holds
    assert_same(found.crystal, pymatgens(text))
    assert_same(found.crystal, pymatgens(listed(name)))


def test_a_hall_symbol_settles_the_origin() -> None:
    symbol = "_symmetry_space_group_name_H-M 'F d -3 m'\n_space_group_name_Hall '{}'"
    first, second = (fast(with_symbol("F d -3 m:1", symbol.format(hall))) for hall in ("F 4d 2 3 -1d", "-F 4vw 2vw 3"))
    assert first is not None
    assert second is not None
    assert (first.holds, second.holds) == ((), ("setting_assumed",))  # pymatgen takes the first origin for both


def test_rhombohedral_cell_with_the_symbol_of_hexagonal_axes_is_held() -> None:
    text = with_symbol("R -3 m:H", "_symmetry_space_group_name_H-M 'R -3 m'")
    for angle, hexagonal in (("alpha", "90.0"), ("beta", "90.0"), ("gamma", "120.0")):
        text = text.replace(f"_cell_angle_{angle} {hexagonal}", f"_cell_angle_{angle} 60.0")
    found = fast(text)
    assert found is not None
    assert "cell_contradicts_symmetry" in found.holds


@pytest.mark.parametrize(
    ("number", "cell"),
    [(62, (5.4, 7.6, 5.3, 90, 90, 90)), (227, (8.1, 8.1, 8.1, 90, 90, 90)), (167, (4.9, 4.9, 13.2, 90, 90, 120))],
)
def test_structures_that_ase_makes(number: int, cell: tuple[float, ...]) -> None:
    atoms = ase_crystal(("Mg", "O"), [(0.1, 0.25, 0.03), (0.31, 0.07, 0.4)], spacegroup=number, cellpar=cell)
    text = str(CifWriter(Structure(Lattice(atoms.cell[:]), atoms.symbols, atoms.get_scaled_positions()), symprec=0.01))
    assert "_symmetry_Int_Tables_number   1\n" not in text
    found = fast(text)
    assert found is not None
    assert found.holds == ()
    assert_same(found.crystal, pymatgens(text))
    assert describe(found.crystal).space_group_number == number
    assert StructureMatcher(primitive_cell=False).fit(
        found.crystal.to_pymatgen(), Structure(Lattice(atoms.cell[:]), atoms.symbols, atoms.get_scaled_positions())
    )


def test_shared_and_split_places_with_charges_and_isotopes() -> None:
    atoms = (
        "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
        "_atom_site_occupancy\nFe1 Fe3+ 0 0 0 0.5(1)\nFe2 Fe2+ 0 0 1 0.25\nMg1 Mg2+ 1.00001 0 0 0.25\n"
        "D1 D 0.2 0.1 0.3 0.8\nO1 O2- 0.25 0.25 0.25 1\n"
    )
    text = "loop_".join(listed("P n m a").split("loop_")[:2]) + atoms
    found = fast(text)
    assert found is not None
    assert_same(found.crystal, pymatgens(text))
    assert describe(found.crystal).formula == "Mg1 Fe3 H6.4 O4"


def changed(*changes: tuple[str, str], base: str = ROCK_SALT_CIF) -> Parsed:
    for old, new in changes:
        assert old in base
        base = base.replace(old, new)
    (parsed,) = from_cif(base)
    return parsed


MISSING_ONE = "loop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n'y,z,x'\n"
BOTH = "loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,-y,-z\nloop_\n_space_group_symop_operation_xyz\nx,y,z\n-x,-y,z\n"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([(ROCK_SALT_SYMMETRY, MISSING_ONE)], {"symmetry_incomplete"}, id="an operation is missing"),
        pytest.param([(ROCK_SALT_SYMMETRY, BOTH)], {"symmetry_contradicts_itself"}, id="two lists"),
        pytest.param([("_a 5.64\n", "_a 5.64\n_cell_volume 190\n")], {"volume_disagrees"}, id="volume"),
        pytest.param([("'Cl Na'", "'Cl Na'\n_cell_formula_units_Z 8")], {"formula_units_disagree"}, id="Z"),
        pytest.param([("'Cl Na'", "'Cl Na'\n_cell_formula_units_Z 4")], set(), id="the right Z"),
        pytest.param([("'Cl Na'", "'Cl2 Na'")], {"formula_disagrees"}, id="formula"),
        pytest.param([("'Cl Na'", "'(Na Cl)2'")], set(), id="formula with brackets"),
        pytest.param([("0.5 0.5 0.5 1", "0.5 0.5 0.5 .")], {"occupancy_assumed"}, id="occupancy that is a dot"),
        pytest.param([("0.5 0.5 0.5 1", "0.5 0.5 0.5 -0.1")], {"atoms_left_out"}, id="negative occupancy"),
        pytest.param([("0 0 0 1", ". 0 0 1")], {"coordinates_assumed"}, id="coordinate that is a dot"),
        pytest.param([("Na1 Na1+ 0", "X1 ? 0")], {"atoms_left_out", "element_guessed"}, id="no element"),
        pytest.param([("Na1 Na1+ 0", "NA1 NA 0")], {"element_guessed"}, id="an element in capitals"),
        pytest.param([("'Cl Na'", "'Cl Na'\n_cell_modulation_dimension 1")], {"modulated_average"}, id="modulated"),
        pytest.param([("0.5 0.5 0.5 1", "4.5 0.5 0.5 1")], {"coordinates_outside_cell"}, id="angstroms?"),
        pytest.param([("0.5 0.5 0.5 1", "0.5 0.5 0.5 nan")], {"occupancy_assumed"}, id="occupancy that is no number"),
        pytest.param([("x,y+1/2,z+1/2", "x,y+0.49,z+1/2")], {"operation_guessed"}, id="an operation off the grid"),
    ],
)
def test_what_is_doubtful_is_held(changes: list[tuple[str, str]], expected: set[str]) -> None:
    parsed = changed(*changes)
    assert parsed.crystal is not None
    if expected:
        assert expected <= set(parsed.holds)
    else:
        assert parsed.holds == ()


def test_what_disagrees_is_told_in_numbers() -> None:
    parsed = changed(("'Cl Na'", "'Cl2 Na'\n_cell_volume 200"))
    assert parsed.info["formula"] == {"stated": "Cl2 Na", "found": "Cl4 Na4"}
    assert parsed.info["volume_angstrom3"] == {"stated": 200.0, "found": 179.4061}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param([("_cell_length_a 5.64", "_cell_length_a ?")], "the cell lengths are missing", id="no length"),
        pytest.param([("_cell_angle_beta 90\n", "")], "the cell angles are missing", id="no angle"),
        pytest.param(
            [("0.5 0.5 0.5", "0.5 1/2 0.5")],
            "where a number must stand for the cell or an atom there is '1/2'",
            id="fraction",
        ),
        pytest.param(
            [("0 0 0 1", "0 0 0 1\nK1 K 0 0 0 0.5")], "the occupancies of a site add up to 1.5, more than 1", id="full"
        ),
        pytest.param([("_a 5.64", "_a -5.64")], "a cell length is -5.64 angstrom", id="length below 0"),
        pytest.param([("_b 5.64", "_b 1e308")], "a cell length is 1e+308 angstrom", id="length beyond all"),
        pytest.param([("beta 90", "beta 270")], "a cell angle is 270 degrees", id="angle beyond 180"),
        pytest.param([("x,y+1/2,z+1/2", "x,y+1/2,y")], "'x,y+1/2,y' is no symmetry operation", id="singular operation"),
        pytest.param([("x,y+1/2,z+1/2", "x,y+1/0,z")], "'x,y+1/0,z' is no symmetry operation", id="division by 0"),
        pytest.param([("0 0 0 1", "nan 0 0 1")], "a coordinate is not a finite number", id="nan"),
        pytest.param(
            [("Na1 Na1+", "X ?"), ("Cl1 Cl1-", "X ?")],
            "no atom is left: none has an element and an occupancy above 0",
            id="no elements",
        ),
    ],
)
def test_what_nobody_reads_is_told_and_its_text_kept(changes: list[tuple[str, str]], message: str) -> None:
    parsed = changed(*changes)
    assert parsed.crystal is None
    assert parsed.message == message
    assert "_atom_site_fract_x" in parsed.info["text"]


def test_a_text_that_is_kept_can_be_written_to_the_database() -> None:
    (parsed,) = parse_member(Member("x.cif", "cif", b"data_x\n_a '\x00'\n_b 'unterminated\n"))
    assert parsed.crystal is None
    assert parsed.info == {"text": "data_x\n_a '\N{REPLACEMENT CHARACTER}'\n_b 'unterminated\n"}


def test_holds_of_any_source_join_those_of_the_cif() -> None:
    text = ROCK_SALT_CIF.replace("0.5 0.5 0.5 1", "0.51 0.5 0.5 1\nCl2 Cl1- 0.48 0.5 0.5 1")
    (parsed,) = parse_member(Member("x.cif", "cif", text.encode()))
    assert parsed.holds == ("formula_disagrees", "sites_too_close")


def cod_cifs() -> Iterator[tuple[str, str]]:
    path = DATA / "structures" / "cod_inorganic_326.tar.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there; set MATSIFT_DATA to the folder of the published data")
    with tarfile.open(path) as tar:
        for info in tar:
            if info.name.endswith(".cif") and (stream := tar.extractfile(info)) is not None:
                yield info.name, stream.read().decode(errors="replace")


def test_real_cifs_of_the_open_database() -> None:
    n_fast = 0
    for name, text in list(cod_cifs())[::4]:
        (parsed,) = from_cif(text)
        if parsed.crystal is None:
            assert "occupanc" in str(parsed.message), name
            continue
        assert parsed.crystal.content_hash == pymatgens(text).content_hash, name
        n_fast += fast(text) is not None
    assert n_fast > 70
