"""The fast way through a CIF gives the crystal that pymatgen gives, and leaves to it whatever asks for a judgement."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.io.cif import CifParser, CifWriter
from tests.factories.structure_files import rock_salt

from matsift.crystal import Crystal
from matsift.structure_facts import describe
from matsift_adapters.sources.cif import from_cif
from matsift_adapters.sources.cif_fallback import from_structure
from matsift_adapters.sources.cif_fast import Reading, fast_reading
from matsift_adapters.sources.parsing import Member, parse_member

SKEW = np.array([[4.1, 0.0, 0.0], [-1.5, 5.0, 0.0], [0.3, 0.7, 6.2]])


def written(crystal: Crystal) -> str:
    return str(CifWriter(crystal.to_pymatgen()))


def fast(text: str) -> Reading | None:
    return fast_reading(gemmi.cif.read_string(text)[0])


def pymatgens(text: str) -> Crystal:
    return from_structure(CifParser.from_str(text).parse_structures(primitive=False)[0])


@settings(max_examples=25, deadline=None)
@given(
    symbols=st.lists(st.sampled_from(["Na", "Cl", "O", "U"]), min_size=1, max_size=6),
    seed=st.integers(0, 2**16),
)
def test_it_is_the_crystal_that_pymatgen_makes(symbols: list[str], seed: int) -> None:
    coords = np.random.default_rng(seed).uniform(-0.2, 1.2, (len(symbols), 3))
    text = written(Crystal.ordered(SKEW, symbols, coords))
    found = fast(text)
    assert found is not None
    assert found.crystal.content_hash == pymatgens(text).content_hash


def test_rounded_thirds_are_thirds() -> None:
    text = written(Crystal.ordered(SKEW, ["Na", "Cl"], np.array([[0.3333, 0.66667, 0.0], [0.66659, 0.333, 0.5]])))
    found = fast(text)
    assert found is not None
    assert found.crystal.frac_coords.tolist() == [[1 / 3, 2 / 3, 0.0], [0.66659, 0.333, 0.5]]
    assert found.crystal.content_hash == pymatgens(text).content_hash


SALT = written(rock_salt())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SALT.replace("  Na  Na0", "  Nax  Na0"), id="a type that is no element"),
        pytest.param(SALT.replace("  Na  Na0", "  NA  Na0"), id="a type in capitals"),
        pytest.param(SALT.replace("_atom_site_type_symbol", "_atom_site_kind").replace("Na0", "NO3"), id="a group"),
        pytest.param(SALT.replace("_atom_site_type_symbol", "_atom_site_kind").replace("Cl4", "T4"), id="tritium?"),
        pytest.param(SALT.replace("  Na  Na0  1  0.00000000", "  Na  Na0  1  ?"), id="a coordinate that is not known"),
        pytest.param(SALT.replace("0.50000000  0.50000000  1.0", "0.50000000  0.50000000  0"), id="nobody there"),
        pytest.param(SALT.replace("0.50000000  0.50000000  1.0", "0.50000000  0.50000000  ."), id="no occupancy"),
        pytest.param(SALT.replace("0.50000000  0.50000000  1.0", "0.50000000  0.50000000  1.1"), id="overfull"),
        pytest.param(SALT.replace("'x, y, z'", "'x, y, z+0.3'"), id="an operation off the grid"),
        pytest.param(SALT.replace("'x, y, z'", "'x, y'"), id="an operation without an axis"),
        pytest.param(SALT.replace("'x, y, z'", "'x, x, z'"), id="an operation that is no rotation"),
        pytest.param(SALT.replace("_cell_angle_alpha   90.0", "_cell_angle_alpha   171.0"), id="a cell nearly flat"),
        pytest.param(SALT.replace("_atom_site_symmetry_multiplicity", "_atom_site_calc_flag"), id="dummy atoms"),
    ],
)
def test_whatever_asks_for_a_judgement_is_left_alone(text: str) -> None:
    assert fast(SALT) is not None
    assert text != SALT
    assert fast(text) is None


def test_a_flat_cell_is_told_as_before() -> None:
    (parsed,) = from_cif(SALT.replace("_cell_length_a   5.64000000", "_cell_length_a   0.00000001"))
    assert parsed.crystal is None
    assert "flat" in str(parsed.message)


def test_the_worker_that_parses_a_structure_describes_it() -> None:
    (parsed,) = parse_member(Member("salt.cif", "cif", SALT.encode()))
    assert parsed.crystal is not None
    assert parsed.facts == describe(parsed.crystal)
    assert parsed.facts.space_group_number == 225
