"""Which crystals are the same: whatever describes them, and no further than the tolerances say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure
from tests.factories.crystals import rock_salt, shared_site

from matsift.crystal import Crystal
from matsift.execution.killable import KillablePool
from matsift.mirror_images import MIRROR_IMAGES, one_hand
from matsift.structure_facts import space_group
from matsift.structure_matching import (
    RULE_NAME,
    Matches,
    MatchSettings,
    match,
    match_bucket,
    rule_hash,
)

DEFAULT = MatchSettings()


def crystal_of(group: str, lattice: Lattice, species: list[str], coords: list[list[float]]) -> Crystal:
    return Crystal.from_pymatgen(Structure.from_spacegroup(group, lattice, species, coords))


def rutile(scale: float = 1.0) -> Crystal:
    return crystal_of(
        "P4_2/mnm", Lattice.tetragonal(4.594 * scale, 2.959 * scale), ["Ti", "O"], [[0, 0, 0], [0.3053, 0.3053, 0]]
    )


def anatase() -> Crystal:
    return crystal_of("I4_1/amd", Lattice.tetragonal(3.784, 9.515), ["Ti", "O"], [[0, 0, 0], [0, 0, 0.2081]])


def quartz(group: str) -> Crystal:
    z_oxygen = {"P3_121": 0.1191 + 2 / 3, "P3_221": 1 / 3 - 0.1191}[group]
    z_silicon = {"P3_121": 1 / 3, "P3_221": 2 / 3}[group]
    coords = [[0.4697, 0, z_silicon], [0.4135, 0.2669, z_oxygen]]
    return crystal_of(group, Lattice.hexagonal(4.916, 5.4054), ["Si", "O"], coords)


def rotation() -> NDArray[np.float64]:
    """Return a rotation about no particular axis."""
    q, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    return np.asarray(q * np.linalg.det(q))


def other_cell(crystal: Crystal) -> Crystal:
    sheared = crystal.to_pymatgen()
    sheared.make_supercell([[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    return Crystal.from_pymatgen(sheared)


def supercell(crystal: Crystal) -> Crystal:
    larger = crystal.to_pymatgen()
    larger.make_supercell([2, 1, 1])
    return Crystal.from_pymatgen(larger)


def changed(
    crystal: Crystal, *, turn: bool = False, shift: float = 0.0, shuffle: bool = False, noise: float = 0.0
) -> Crystal:
    """Return a crystal turned, moved, with its sites in another order, or its atoms displaced (angstrom, rms)."""
    rng = np.random.default_rng(7)
    order = rng.permutation(crystal.n_site) if shuffle else np.arange(crystal.n_site)
    displaced = crystal.frac_coords + rng.normal(0, noise / np.sqrt(3), (crystal.n_site, 3)) @ np.linalg.inv(
        crystal.lattice
    )
    lattice = crystal.lattice @ rotation() if turn else crystal.lattice
    return Crystal.ordered(lattice, [crystal.species[i] for i in order], (displaced + shift)[order])


SAME = {
    "itself": rutile(),
    "another cell": other_cell(rutile()),
    "a supercell": supercell(rutile()),
    "turned": changed(rutile(), turn=True),
    "another origin": changed(rutile(), shift=0.217),
    "sites in another order": changed(rutile(), shuffle=True),
    "all at once": changed(supercell(other_cell(rutile())), turn=True, shift=0.4, shuffle=True),
    "displaced by 0.05 angstrom": changed(rutile(), noise=0.05),
    "larger by 5 %": rutile(1.05),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_crystal_in_another_guise(name: str) -> None:
    found = match([rutile(), SAME[name]], 0, DEFAULT)
    assert found.representative == (0, 0)
    assert found.rms_displacement[0] is None
    assert found.rms_displacement[1] == pytest.approx(0.05 / 2.2 if "displaced" in name else 0.0, abs=0.015)
    assert not found.failures


def test_polymorphs_are_apart_and_every_one_finds_its_kind() -> None:
    crystals = [anatase(), rutile(), supercell(anatase()), changed(rutile(), turn=True), other_cell(anatase())]
    assert match(crystals, 0, DEFAULT).representative == (0, 1, 0, 1, 0)


def test_atoms_displaced_beyond_the_tolerance_are_another_crystal() -> None:
    moved = changed(rutile(), noise=0.4)
    assert match([rutile(), moved], 0, DEFAULT).representative == (0, 0)
    assert match([rutile(), moved], 0, MatchSettings(site_tolerance=0.05)).representative == (0, 1)


def test_without_scale_the_size_of_the_cell_counts() -> None:
    strict = MatchSettings(scale=False, length_tolerance=0.03)
    assert match([rutile(), rutile(1.02), rutile(1.05)], 0, strict).representative == (0, 0, 2)


def test_elements_count() -> None:
    assert match([rock_salt("Na"), rock_salt("Cl", "Na"), rock_salt("K")], 0, DEFAULT).representative == (0, 0, 2)


def test_mirror_images_are_the_same_crystal_and_the_pairs_of_space_groups_are_those_of_the_tables() -> None:
    left, right = quartz("P3_121"), quartz("P3_221")
    numbers = [space_group(crystal)[0] for crystal in (left, right)]
    assert numbers == [152, 154]
    assert match([left, right], 0, DEFAULT).representative == (0, 0)
    assert one_hand(154) == 152
    assert sorted(number for pair in MIRROR_IMAGES for number in pair) == [
        76, 78, 91, 92, 95, 96, 144, 145, 151, 152, 153, 154, 169, 170, 171, 172, 178, 179, 180, 181, 212, 213,
    ]  # fmt: skip


def test_shared_sites_match_with_the_same_occupancies_only() -> None:
    crystal = shared_site()
    doubled = crystal.to_pymatgen()
    doubled.make_supercell([2, 1, 1])
    third = Crystal(
        crystal.lattice, crystal.species, crystal.frac_coords, np.array([1 / 3, 2 / 3, 1.0]), crystal.site_index
    )
    found = match([crystal, Crystal.from_pymatgen(doubled), third], 0, DEFAULT)
    assert found.representative == (0, 0, 2)


def test_known_representatives_are_kept_and_not_compared_with_each_other() -> None:
    found = match([rutile(), supercell(rutile()), anatase(), other_cell(rutile())], 2, DEFAULT)
    assert found.representative == (0, 1, 2, 0)


def test_one_after_the_other_gives_what_all_at_once_gives() -> None:
    crystals = [anatase(), rutile(), supercell(rutile()), other_cell(anatase()), changed(rutile(), shift=0.3)]
    at_once = match(crystals, 0, DEFAULT).representative
    groups: list[Crystal] = []
    members: list[int] = []
    for crystal in crystals:
        same = match([*groups, crystal], len(groups), DEFAULT).representative[-1]
        assert same is not None
        if same == len(groups):
            groups.append(crystal)
        members.append(same)
    assert [groups[i].content_hash for i in members] == [
        crystals[int(i)].content_hash for i in at_once if i is not None
    ]


def test_the_grouping_is_that_of_pymatgen() -> None:
    rng = np.random.default_rng(11)
    crystals = [
        changed(crystal, turn=bool(rng.integers(2)), shift=float(rng.uniform()), shuffle=True, noise=float(noise))
        for crystal in (rutile(), anatase(), supercell(rutile()))
        for noise in (0.0, 0.05, 0.3, 0.6)
    ]
    found = match(crystals, 0, DEFAULT).representative
    structures = [crystal.to_pymatgen() for crystal in crystals]
    expected = StructureMatcher().group_structures(structures)  # type: ignore[no-untyped-call]
    position = {id(structure): i for i, structure in enumerate(structures)}
    assert sorted(sorted(position[id(s)] for s in group) for group in expected) == sorted(
        sorted(i for i, same in enumerate(found) if same == first) for first in set(found)
    )


def test_a_cell_that_cannot_be_reduced_fails_alone() -> None:
    flat = Crystal.ordered(np.diag([4.6, 4.6, 0.0]), ["Ti"], np.zeros((1, 3)))
    found = match([rutile(), flat, supercell(rutile())], 0, DEFAULT)
    assert found.representative == (0, None, 0)
    assert found.rms_displacement[1] is None
    [(error_class, message)] = found.failures.values()
    assert error_class == "BadStructureError"
    assert message.startswith("its cell cannot be reduced, so it was compared with nothing (")


def test_a_worker_gives_the_same() -> None:
    crystals = [rutile(), supercell(rutile()), anatase()]
    with KillablePool(f"{match_bucket.__module__}:{match_bucket.__name__}", n_worker=1, time_limit_s=60) as pool:
        [outcome] = pool.run([("TiO2", (crystals, 0, DEFAULT))])
    assert outcome.value == match(crystals, 0, DEFAULT) == Matches((0, 0, 2), outcome.value.rms_displacement)


def test_the_rule_is_named_by_its_tolerances() -> None:
    assert RULE_NAME == "structure_matcher-1"
    assert rule_hash(DEFAULT) == rule_hash(MatchSettings(length_tolerance=0.2)) != rule_hash(MatchSettings(scale=False))
    assert len(rule_hash(DEFAULT)) == 64
