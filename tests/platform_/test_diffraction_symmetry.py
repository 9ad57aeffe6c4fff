"""Space group and primitive cell whatever cell describes a crystal, group and subgroup, special positions."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Composition, Lattice, Structure

from matsift.crystal import Crystal
from matsift.diffraction.group_relations import (
    Relation,
    line_class,
    maximal_subgroups,
    relation,
    same_crystal_system,
    same_lines,
    steps_down,
)
from matsift.diffraction.positions import operations, special_positions
from matsift.diffraction.symmetry import symmetries_of, symmetry_of
from matsift.errors import BadStructureError
from matsift.mirror_images import MIRROR_IMAGES

NACL = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
SHIFTED = NACL.copy().translate_sites(list(range(8)), [0.123, 0.04, 0.31])


@pytest.mark.parametrize(
    "structure",
    [NACL, NACL.get_primitive_structure(), NACL * (2, 1, 1), SHIFTED],
    ids=["conventional", "primitive", "doubled", "origin moved"],
)
def test_rock_salt_in_any_cell_has_one_symmetry(structure: Structure) -> None:
    found = symmetry_of(Crystal.from_pymatgen(structure))
    assert found.space_group_number == 225
    assert found.primitive_volume_angstrom3 == pytest.approx(5.64**3 / 4, rel=1e-9)
    assert found.n_atom_primitive == pytest.approx(2)
    assert found.log_volume == pytest.approx(np.log(5.64**3 / 4))
    assert found.log_density == pytest.approx(np.log(8 / 5.64**3))
    assert set(found.multiplicities) == {4}
    assert set(found.site_symmetries) == {"m-3m"}
    assert len(set(found.orbits)) == 2


def test_shared_and_vacant_sites_count_as_what_they_hold() -> None:
    shared = Composition({"Na": 0.5, "K": 0.3})
    mixed = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.0), [shared, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    found = symmetry_of(Crystal.from_pymatgen(mixed))
    assert found.space_group_number == 225
    assert found.n_atom_primitive == pytest.approx(1.8)
    assert (("K", 0.3), ("Na", 0.5)) in found.contents


def test_two_species_on_the_sites_of_a_body_centred_cell_lower_its_symmetry() -> None:
    places = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
    iron = Structure(Lattice.cubic(2.87), ["Fe", "Fe"], places)
    ordered = Structure(Lattice.cubic(2.87), ["Fe", "Al"], places)
    shared = Structure(Lattice.cubic(2.87), [Composition({"Fe": 0.5, "Al": 0.5})] * 2, places)
    numbers = [symmetry_of(Crystal.from_pymatgen(s)).space_group_number for s in (iron, ordered, shared)]
    assert numbers == [229, 221, 229]


@pytest.mark.parametrize(
    ("crystal", "said"),
    [
        (Crystal.ordered(np.full((3, 3), np.nan), ["Na"], np.zeros((1, 3))), "not a finite number"),
        (Crystal.ordered(np.eye(3), ["Na"], np.array([[np.inf, 0, 0]])), "not a finite number"),
        (Crystal.ordered(np.ones((3, 3)), ["Na"], np.zeros((1, 3))), "flat"),
        (Crystal.ordered(np.eye(3), [], np.zeros((0, 3))), "no atoms"),
        (Crystal.ordered(4 * np.eye(3), ["Na", "Na"], np.zeros((2, 3))), "two atoms may stand on one place"),
    ],
    ids=["NaN cell", "infinite coordinate", "flat cell", "empty", "atoms on one another"],
)
def test_what_has_no_symmetry_is_refused_in_a_sentence(crystal: Crystal, said: str) -> None:
    with pytest.raises(BadStructureError, match=said):
        symmetry_of(crystal)
    good = Crystal.from_pymatgen(NACL)
    found, failures = symmetries_of([good, crystal, good])
    assert [s is None for s in found] == [False, True, False]
    assert set(failures) == {1}
    assert failures[1][0] == "BadStructureError"


@pytest.mark.parametrize(
    ("true", "predicted", "said"),
    [
        (12, 12, "same"),
        (12, 166, "supergroup"),  # Li2MnO3, taken for the layered parent type
        (166, 12, "subgroup"),
        (221, 123, "subgroup"),
        (62, 221, "unrelated"),  # three steps and more apart
        (12, 15, "subgroup"),
        (15, 12, "supergroup"),
        (221, 225, "both"),
        (194, 225, "unrelated"),
    ],
)
def test_relations_of_groups(true: int, predicted: int, said: Relation) -> None:
    assert relation(true, predicted) == said


def test_relation_over_any_number_of_steps() -> None:
    assert relation(62, 221, max_steps=None) == "supergroup"
    assert relation(221, 62, max_steps=None) == "subgroup"
    assert relation(1, 230, max_steps=None) == "supergroup"


def test_every_group_comes_down_to_p1_and_no_subgroup_has_a_larger_point_group() -> None:
    order = {number: _point_group_order(number) for number in range(1, 231)}
    for number in range(1, 231):
        assert 1 in steps_down(number)
        assert number not in maximal_subgroups(number)
        for subgroup in maximal_subgroups(number):
            assert order[number] % order[subgroup] == 0


@pytest.mark.parametrize(
    "groups",
    [
        {1, 2},
        {4, 11},
        {9, 15},
        {14},
        {33, 62},
        {79, 82, 87, 97, 107, 119, 121, 139},
        {146, 148, 155, 160, 166},
        {161, 167},
        {159, 163, 186, 190, 194},
        {196, 202, 209, 216, 225},
        {203, 227},
        {205},
        {230},
    ],
    ids=lambda groups: str(min(groups)),
)
def test_groups_with_the_same_lines_are_those_of_the_tables_of_extinctions(groups: set[int]) -> None:
    assert {number for number in range(1, 231) if line_class(number) == min(groups)} == groups


def test_enantiomorphs_have_the_same_lines_and_groups_of_other_lattices_have_not() -> None:
    assert all(same_lines(mirror, number) for number, mirror in MIRROR_IMAGES)
    assert not same_lines(166, 164)
    assert len({line_class(number) for number in range(1, 231)}) == 97


def test_crystal_systems() -> None:
    assert same_crystal_system(195, 230)
    assert not same_crystal_system(167, 168)


@pytest.mark.parametrize(
    ("number", "kinds"),
    [
        (1, {(1, 3)}),
        (2, {(2, 3), (1, 0)}),
        (14, {(4, 3), (2, 0)}),
        (62, {(8, 3), (4, 2), (4, 0)}),
        (194, {(24, 3), (12, 2), (12, 1), (6, 1), (6, 0), (4, 1), (2, 0)}),
        (225, {(192, 3), (96, 2), (48, 1), (32, 1), (24, 1), (24, 0), (8, 0), (4, 0)}),
    ],
)
def test_positions_are_those_of_international_tables(number: int, kinds: set[tuple[int, int]]) -> None:
    positions = special_positions(number)
    assert {(p.multiplicity, p.n_free) for p in positions} == kinds
    rotations, translations = operations(number)
    x = np.array([0.217, 0.391, 0.083])
    for position in positions:
        points = position.points(x)
        moved = rotations @ points[-1] + translations
        apart = moved[:, None, :] - points
        onto = np.abs(apart - np.rint(apart)).max(axis=-1) < 1e-9
        assert len(points) == position.multiplicity
        assert onto.sum(axis=1).tolist() == [1] * len(rotations)  # every copy of a point is one of the points
        assert onto.sum(axis=0).tolist() == [len(rotations) // len(points)] * len(points)


def _point_group_order(number: int) -> int:
    return len(np.unique(operations(number)[0], axis=0))
