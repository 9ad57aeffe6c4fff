"""The fast way through a CIF gives the crystal that pymatgen gives, and leaves to it whatever asks for a judgement."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.io.cif import CifParser, CifWriter
from tests.factories.structure_files import ROCK_SALT_CIF, rock_salt

from matsift.crystal import Crystal
from matsift.structure_facts import describe
from matsift_adapters.sources.cif import from_cif, from_structure
from matsift_adapters.sources.cif_explicit import explicit_crystal
from matsift_adapters.sources.parsing import Member, parse_member

SKEW = np.array([[4.1, 0.0, 0.0], [-1.5, 5.0, 0.0], [0.3, 0.7, 6.2]])


def written(crystal: Crystal) -> str:
    return str(CifWriter(crystal.to_pymatgen()))


def fast(text: str) -> Crystal | None:
    return explicit_crystal(gemmi.cif.read_string(text)[0])


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
    assert found.content_hash == pymatgens(text).content_hash


def test_rounded_thirds_are_thirds() -> None:
    text = written(Crystal.ordered(SKEW, ["Na", "Cl"], np.array([[0.3333, 0.66667, 0.0], [0.66659, 0.333, 0.5]])))
    found = fast(text)
    assert found is not None
    assert found.frac_coords.tolist() == [[1 / 3, 2 / 3, 0.0], [0.66659, 0.333, 0.5]]
    assert found.content_hash == pymatgens(text).content_hash


SALT = written(rock_salt())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ROCK_SALT_CIF, id="symmetry to expand"),
        pytest.param(SALT.replace("0.50000000  0.50000000  1.0", "0.50000000  0.50000000  0.5"), id="partly occupied"),
        pytest.param(SALT.replace("'Na4 Cl4'", "'Na4 Cl5'"), id="a formula that disagrees"),
        pytest.param(SALT.replace("'Na4 Cl4'", "?"), id="no formula"),
        pytest.param(SALT.replace("  Cl  Cl4  1  0.5", "  Cl  Cl4  1  0.0"), id="two atoms in one place"),
        pytest.param(SALT.replace("  Na  Na0", "  D  Na0"), id="an isotope"),
        pytest.param(SALT.replace("  Na  Na0  1  0.00000000", "  Na  Na0  1  ?"), id="a coordinate that is not known"),
        pytest.param(SALT.replace("_atom_site_symmetry_multiplicity", "_atom_site_attached_hydrogens"), id="hydrogens"),
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
