"""Outlier ranges, five disjoint validation sets of equal groups, and the split by structure type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from pymatgen.core import Composition, Lattice, Structure

from matsift.crystal import Crystal
from matsift.diffraction.sets import RANGES, DiffractionSets, SetSettings, draw_sets
from matsift.diffraction.structure_type import TypeSplitSettings, split_by_type, structure_type
from matsift.diffraction.symmetry import symmetry_of
from matsift.errors import UserInputError

SETTINGS = SetSettings(n_set=5, n_item=4, min_items=24)
NO_PAIRS = np.zeros((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Made:
    groups: NDArray[np.int64]
    u: NDArray[np.float64]
    eta: NDArray[np.float64]


@pytest.fixture(scope="module")
def made() -> Made:
    """Three groups of 200, one of 20, with U and eta independent and normal."""
    rng = np.random.default_rng(5)
    groups = np.concatenate([np.full(200, g) for g in (225, 62, 14)] + [np.full(20, 227)])
    return Made(groups, rng.normal(5, 0.7, len(groups)), rng.normal(-2.6, 0.3, len(groups)))


@pytest.fixture(scope="module")
def sets(made: Made) -> DiffractionSets:
    return draw_sets(made.groups, made.u, made.eta, NO_PAIRS, SETTINGS)


def test_groups_with_too_few_members_are_left_out(made: Made, sets: DiffractionSets) -> None:
    assert sets.groups.tolist() == [14, 62, 225]
    assert (sets.classes[made.groups == 227] == -1).all()
    assert sets.groups[sets.classes[:600]].tolist() == made.groups[:600].tolist()
    assert not sets.in_range["inf"][600:].any()


def test_sets_are_disjoint_equal_and_from_the_narrowest_range(sets: DiffractionSets) -> None:
    for number in range(1, 6):
        held_out = sets.held_out(number)
        assert np.bincount(sets.classes[held_out]).tolist() == [4, 4, 4]
        assert sets.in_range["sU+eta"][held_out].all()
        for name in RANGES:
            assert not (sets.training(number, name) & held_out).any()
        others = (sets.validation > 0) & ~held_out
        assert sets.training(number)[others].all()


def test_ranges_nest_and_hold_the_normal_shares(sets: DiffractionSets) -> None:
    inside = sets.in_range
    assert (inside["sU+eta"] == (inside["sU"] & inside["seta"])).all()
    assert (inside["2sU+eta"] == (inside["2sU"] & inside["2seta"])).all()
    assert (inside["sU"] <= inside["2sU"]).all()
    assert (inside["2sU"] <= inside["inf"]).all()
    assert inside["sU+eta"].sum() / 600 == pytest.approx(0.466, abs=0.05)
    assert inside["2sU"].sum() / 600 == pytest.approx(0.954, abs=0.03)


def test_mean_and_sigma_are_those_of_all_kept_crystals(made: Made, sets: DiffractionSets) -> None:
    assert sets.mean_u == pytest.approx(made.u[:600].mean())
    assert sets.sigma_u == pytest.approx(made.u[:600].std())
    z = sets.z_volume[:600]
    assert z.mean() == pytest.approx(0, abs=1e-9)
    assert z.std() == pytest.approx(1)
    assert np.isnan(sets.z_volume[600:]).all()


def test_same_seed_same_sets_and_another_group_changes_no_draw(made: Made, sets: DiffractionSets) -> None:
    again = draw_sets(made.groups, made.u, made.eta, NO_PAIRS, SETTINGS)
    assert (again.validation == sets.validation).all()
    other = draw_sets(made.groups, made.u, made.eta, NO_PAIRS, SETTINGS.model_copy(update={"seed": 1}))
    assert (other.validation != sets.validation).any()


def test_look_alikes_are_never_held_out(made: Made) -> None:
    pairs = np.array([[i, i + 1] for i in range(0, 120, 2)])
    sets = draw_sets(made.groups, made.u, made.eta, pairs, SETTINGS)
    assert (sets.validation[:120] == 0).all()
    assert (sets.validation[120:200] > 0).sum() == 20


def test_the_most_populated_groups_alone(made: Made) -> None:
    groups = made.groups.copy()
    groups[:60] = 62
    sets = draw_sets(groups, made.u, made.eta, NO_PAIRS, SETTINGS.model_copy(update={"max_groups": 2}))
    assert sets.groups.tolist() == [14, 62]


def test_too_few_crystals_are_refused_with_a_remedy(made: Made) -> None:
    with pytest.raises(UserInputError, match="lower n_item"):
        draw_sets(made.groups, made.u, made.eta, NO_PAIRS, SetSettings(n_set=5, n_item=40))
    with pytest.raises(ValidationError, match="min_items has to be 80 or more"):
        SetSettings(min_items=79)
    assert SetSettings().least == 120


def _type(structure: Structure) -> str:
    return structure_type(symmetry_of(Crystal.from_pymatgen(structure)))


def test_one_type_whatever_elements_cell_or_origin() -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    oxide = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.2), ["O", "Mg"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    solid = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(4.3), ["O", Composition({"Mg": 0.5, "Fe": 0.5})], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    said = {_type(s) for s in (salt, salt * (1, 2, 1), salt.get_primitive_structure(), oxide, solid)}
    assert said == {"225: 4 m-3m | 4 m-3m"}


def test_types_that_differ_get_labels_that_differ() -> None:
    fluorite = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.4), ["Ca", "F"], [[0, 0, 0], [0.25, 0.25, 0.25]])
    heusler = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(6), ["Al", "Mn", "Cu"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]
    )
    full = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(6), ["Bi", "Li", "Li"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]
    )
    assert _type(fluorite) == "225: 4 m-3m | 8 -43m"
    assert _type(heusler) == "225: 4 m-3m | 4 m-3m | 8 -43m"
    assert _type(full) == "225: 4 m-3m | 4 m-3m, 8 -43m"


def test_axes_of_an_orthorhombic_cell_may_be_exchanged() -> None:
    places = np.array([[0, 0, 0], [0.3, 0, 0], [0, 0, 0.2]])
    one = Structure.from_spacegroup("Pmmm", Lattice.orthorhombic(6, 7, 8), ["Na", "Cl", "O"], places.tolist())
    other = Structure(Lattice.orthorhombic(8, 6, 7), one.species, [[c, a, b] for a, b, c in one.frac_coords.tolist()])
    assert _type(one) == _type(other) == "47: 1 mmm | 2 2mm | 2 2mm"


def test_no_type_is_on_both_sides_and_classes_with_one_type_only_train() -> None:
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2, -1], [300, 200, 100, 10])
    types = [f"{c}-{rng.geometric(0.15)}" for c in classes[:500].tolist()] + ["2-only"] * 100 + ["x"] * 10
    split = split_by_type(classes, types, TypeSplitSettings(n_item=20, max_share=0.3))
    labels = np.array(types)
    assert split.classes.tolist() == [0, 1]
    assert split.without == (2,)
    assert not set(labels[split.is_test]) & set(labels[split.is_training])
    assert np.bincount(classes[split.is_test]).tolist() == [20, 20]
    assert split.is_training[500:600].all()
    assert not split.is_training[600:].any()
    for number in (0, 1):
        left_out = (classes == number) & ~split.is_training
        assert left_out.sum() <= 0.3 * (classes == number).sum()
        assert len(set(labels[split.is_test & (classes == number)])) == len(set(labels[left_out]))  # all take turns
    again = split_by_type(classes, types, TypeSplitSettings(n_item=20, max_share=0.3))
    assert (again.is_test == split.is_test).all()
