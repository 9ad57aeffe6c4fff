"""Facts of structures against pymatgen's own analyzers and known crystals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition, Lattice, Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.errors import BadStructureError
from matsift.structure_facts import crystal_system, describe

ROCK_SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
NITRIDE = Structure.from_spacegroup("F-43m", Lattice.cubic(4.9), ["Na", "N"], [[0, 0, 0], [0.25, 0.25, 0.25]])
QUARTZ = Structure.from_spacegroup(
    "P3_221", Lattice.hexagonal(4.913, 5.405), ["Si", "O"], [[0.4697, 0, 2 / 3], [0.4135, 0.2669, 0.7858]]
)
SKEW = Structure(
    Lattice.from_parameters(4.1, 5.2, 6.3, 81, 94, 107), ["Li", "O"], [[0.11, 0.23, 0.37], [0.61, 0.4, 0.8]]
)
SHARED = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.7), [Composition({"Na": 0.5, "K": 0.25}), "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
)


def test_rock_salt() -> None:
    facts = describe(Crystal.from_pymatgen(ROCK_SALT))
    assert (facts.formula, facts.reduced_formula, facts.anonymous_formula) == ("Na4 Cl4", "NaCl", "AB")
    assert (facts.chemical_system, facts.elements, facts.n_site, facts.n_element) == ("Cl-Na", ("Cl", "Na"), 8, 2)
    assert (facts.space_group_number, facts.space_group_symbol, facts.crystal_system) == (225, "Fm-3m", "cubic")
    assert facts.is_ordered
    assert facts.volume_angstrom3 == pytest.approx(179.406, abs=1e-3)
    assert facts.density_g_per_cm3 == pytest.approx(2.1637, abs=1e-4)  # 2.17 measured


def test_sodium_nitride_is_spelled_nan_and_nothing_else() -> None:
    assert describe(Crystal.from_pymatgen(NITRIDE)).reduced_formula == "NaN"


@pytest.mark.parametrize("structure", [ROCK_SALT, NITRIDE, QUARTZ, SKEW], ids=["NaCl", "NaN", "quartz", "triclinic"])
def test_agrees_with_pymatgen(structure: Structure) -> None:
    facts, analyzer = describe(Crystal.from_pymatgen(structure)), SpacegroupAnalyzer(structure, symprec=0.01)
    assert facts.space_group_number == analyzer.get_space_group_number()
    assert facts.space_group_symbol == analyzer.get_space_group_symbol()
    assert facts.crystal_system == analyzer.get_crystal_system()
    assert facts.density_g_per_cm3 == pytest.approx(float(structure.density), rel=1e-7)
    assert facts.formula == structure.formula
    assert facts.anonymous_formula == structure.composition.anonymized_formula


def test_shared_site_keeps_its_symmetry_and_counts_by_occupancy() -> None:
    facts = describe(Crystal.from_pymatgen(SHARED))
    assert (facts.space_group_number, facts.is_ordered, facts.n_site, facts.n_element) == (225, False, 8, 3)
    assert facts.formula == "K1 Na2 Cl4"
    assert facts.density_g_per_cm3 == pytest.approx(float(SHARED.density), rel=1e-7)


def test_two_kinds_of_shared_site_are_two_types() -> None:
    """One kind alone would be body-centred cubic, number 229."""
    structure = Structure(
        Lattice.cubic(4), [Composition({"Na": 0.5}), Composition({"Na": 0.25})], [[0.0] * 3, [0.5] * 3]
    )
    assert describe(Crystal.from_pymatgen(structure)).space_group_number == 221


def test_atoms_on_one_point_have_facts_without_symmetry() -> None:
    crystal = Crystal.ordered(np.eye(3) * 4, ["Na", "Cl", "Na"], np.zeros((3, 3)))
    facts = describe(crystal)
    assert (facts.space_group_number, facts.space_group_symbol, facts.crystal_system) == (None, None, None)
    assert facts.reduced_formula == "Na2Cl"


@pytest.mark.filterwarnings("error::UserWarning")
@given(
    symbols=st.lists(st.sampled_from(ELEMENT_SYMBOLS), min_size=1, max_size=6),
    data=st.data(),
)
def test_never_raises_for_a_valid_crystal(symbols: list[str], data: st.DataObject) -> None:
    number = st.floats(-3, 3, allow_nan=False)
    lattice = np.array(data.draw(st.lists(number, min_size=9, max_size=9))).reshape(3, 3)
    coords = np.array(data.draw(st.lists(number, min_size=3 * len(symbols), max_size=3 * len(symbols))))
    crystal = Crystal.ordered(lattice, symbols, coords)
    try:
        crystal.check()
    except BadStructureError:
        return
    facts = describe(crystal)
    assert facts.n_site == len(symbols)
    assert facts.chemical_system == "-".join(sorted(set(symbols)))
    assert facts.density_g_per_cm3 > 0


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        (1, 2, "triclinic"),
        (3, 15, "monoclinic"),
        (16, 74, "orthorhombic"),
        (75, 142, "tetragonal"),
        (143, 167, "trigonal"),
        (168, 194, "hexagonal"),
        (195, 230, "cubic"),
    ],
)
def test_crystal_system_at_both_ends(first: int, last: int, name: str) -> None:
    """International Tables A, the ranges of the seven systems."""
    assert (crystal_system(first), crystal_system(last)) == (name, name)


def test_order_of_the_sites_does_not_tell() -> None:
    """Helium and argon have no electronegativity: pymatgen sorts them as they come."""
    coords = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.2, 0.1, 0.4]])
    one = describe(Crystal.ordered(np.eye(3) * 5, ["He", "Ar", "Na"], coords))
    other = describe(Crystal.ordered(np.eye(3) * 5, ["Na", "Ar", "He"], coords[::-1]))
    assert one == other


@pytest.mark.parametrize("symbol", ["X", "D", "Vac", "na", ""])
def test_a_crystal_holds_elements_only(symbol: str) -> None:
    with pytest.raises(BadStructureError, match="not a chemical element"):
        Crystal.ordered(np.eye(3) * 4, ["Na", symbol], np.array([[0, 0, 0], [0.5, 0.5, 0.5]])).check()


def test_two_oxidation_states_on_one_site_are_one_element() -> None:
    structure = Structure(Lattice.cubic(4), [Composition({"Fe2+": 0.5, "Fe3+": 0.5})], [[0.0] * 3])
    crystal = Crystal.from_pymatgen(structure)
    assert (crystal.species, crystal.is_ordered) == (("Fe",), True)
