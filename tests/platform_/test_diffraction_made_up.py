"""Crystals made up to learn from: of the group they are said to be, none like a held-out one, the same for a seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.leakage import leak
from matsift.diffraction.made_up import MadeUp, Wanted, made_up
from matsift.diffraction.sparse import SparseProfiles


def salt(a: float, cation: str = "Na", anion: str = "Cl") -> Crystal:
    """Return a primitive cell of rock salt with the edge a (angstrom) of the conventional one."""
    cell = np.array([[0, a, a], [a, 0, a], [a, a, 0]]) / 2
    return Crystal.ordered(cell, [cation, anion], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def chloride(a: float) -> Crystal:
    """Return a cell of the CsCl type."""
    return Crystal.ordered(a * np.eye(3), ["Cs", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


CRYSTALS = [salt(5.2), salt(5.6), salt(6.0, "K"), chloride(4.0)]
GROUPS = np.array([225, 225, 225, 221])
VOLUMES = np.array([crystal.volume for crystal in CRYSTALS])
NOTHING = SparseProfiles.from_lists([], [])


def make(
    wanted: Wanted, held_out: SparseProfiles = NOTHING, groups: NDArray[np.int64] | tuple[int, ...] = (), seed: int = 1
) -> MadeUp:
    return made_up(CRYSTALS, GROUPS, VOLUMES, held_out, np.array(groups, dtype=np.int64), wanted, seed)


def test_small_groups_are_filled_up() -> None:
    made = make(Wanted(isotypic_up_to=10))
    assert Counter(made.space_groups.tolist()) == {225: 7, 221: 9}
    assert len(make(Wanted(isotypic_up_to=1))) == 0


def test_volumes_spread_about_those_of_the_crystals() -> None:
    made = make(Wanted(isotypic_up_to=400, swap_share=0.0))
    of_chloride = np.log(made.volumes[made.space_groups == 221] / VOLUMES[3])
    assert np.std(of_chloride) == pytest.approx(0.1, abs=0.015)
    assert np.mean(of_chloride) == pytest.approx(0.0, abs=0.015)


def test_a_copy_has_the_lines_of_its_volume() -> None:
    made = make(Wanted(isotypic_up_to=2, swap_share=0.0))
    edge = made.volumes[0] ** (1 / 3)
    ((bins, _), (expected, _)) = made.profiles.row(0), ideal_profiles([chloride(edge)])[0].row(0)
    np.testing.assert_array_equal(bins, expected)


def test_what_looks_like_a_held_out_crystal_is_left_out() -> None:
    everything = make(Wanted(isotypic_up_to=300, swap_share=0.0, volume_spread=0.02))
    held_out, _ = ideal_profiles([chloride(4.0)])
    made = make(Wanted(isotypic_up_to=300, swap_share=0.0, volume_spread=0.02), held_out, (221,))
    assert 0 < len(everything) - len(made) < 50
    together = SparseProfiles.concatenate([made.profiles, held_out])
    assert not any(leak(together, i, len(made)) for i in range(len(made)))
    assert len(make(Wanted(isotypic_up_to=300, swap_share=0.0, volume_spread=0.02), held_out, (225,))) == len(
        everything
    )


def test_random_crystals_have_the_group_that_was_asked_for() -> None:
    made = make(Wanted(synthetic=2))
    assert set(made.space_groups.tolist()) <= {221, 225}
    assert 2 <= len(made) <= 4
    assert (made.volumes > 5).all()


def test_the_same_seed_makes_the_same() -> None:
    wanted = Wanted(isotypic_up_to=6, synthetic=1)
    first, again, other = make(wanted), make(wanted), make(wanted, seed=2)
    np.testing.assert_array_equal(first.profiles.bins, again.profiles.bins)
    np.testing.assert_array_equal(first.volumes, again.volumes)
    assert not np.array_equal(first.volumes, other.volumes)
