"""What is made up for training: isotypic crystals, profiles as measured, random crystals of a space group."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from matsift.crystal import Crystal
from matsift.diffraction.augmentation import kindred, scaled_by_volume, with_swapped_elements
from matsift.diffraction.grid import BIN_WIDTH, N_BIN, Q_HIGH, Q_LOW, bin_of, q_of
from matsift.diffraction.measured_like import MeasuredLike
from matsift.diffraction.radiation import lorentz_polarisation
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.symmetry import symmetry_of
from matsift.diffraction.synthetic import random_lattice, synthetic_crystals

PEROVSKITE = Crystal.from_pymatgen(
    Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.9), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0]])
)
UNCHANGED = MeasuredLike(
    jitter=(0, 0), resolution_bins=(0.1, 0.1), weakest=(1e-9, 1e-9), q_start=(Q_LOW, Q_LOW), q_end=(Q_HIGH, Q_HIGH),
    cell_scale=0.0, zero_shift_deg=0.0, extra_lines=0.0,
)  # fmt: skip


def random_profiles(n: int, seed: int = 0) -> SparseProfiles:
    rng = np.random.default_rng(seed)
    bins = [np.unique(rng.integers(0, N_BIN, rng.integers(1, 300))) for _ in range(n)]
    intensities = [rng.random(len(row)) ** 3 + 1e-4 for row in bins]
    return SparseProfiles.from_lists(bins, [row / row.max() for row in intensities])


def test_volume_scaling_is_log_normal_and_isotypic() -> None:
    rng = np.random.default_rng(0)
    made = [scaled_by_volume(PEROVSKITE, rng) for _ in range(2000)]
    logs = np.log([crystal.volume / PEROVSKITE.volume for crystal in made])
    assert logs.mean() == pytest.approx(0, abs=0.01)
    assert logs.std() == pytest.approx(0.1, rel=0.05)
    assert (made[0].frac_coords == PEROVSKITE.frac_coords).all()


def test_swapped_elements_are_kin_and_stay_distinct() -> None:
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(200):
        made = with_swapped_elements(PEROVSKITE, rng, share=1.0)
        old_to_new = dict(zip(PEROVSKITE.species, made.species, strict=True))
        assert len(made.elements) == 3
        assert all(new in kindred(old) for old, new in old_to_new.items())
        assert symmetry_of(made).space_group_number == 221
        seen.add(made.elements)
    assert len(seen) > 20


def test_an_element_without_kin_and_a_share_of_zero_change_nothing() -> None:
    rng = np.random.default_rng(1)
    assert kindred("H") == kindred("Ar") == ()
    assert with_swapped_elements(PEROVSKITE, rng, share=0.0) is PEROVSKITE
    hydrogen = replace(PEROVSKITE, species=("H",) * 5)
    assert with_swapped_elements(hydrogen, rng, share=1.0) is hydrogen


def test_without_any_change_a_profile_stays_as_it_is() -> None:
    profiles = random_profiles(50)
    made = UNCHANGED(profiles, np.random.default_rng(0))
    assert (made.offsets == profiles.offsets).all()
    assert (made.bins == profiles.bins).all()
    np.testing.assert_allclose(made.intensities, profiles.intensities, rtol=1e-6)


def test_rows_stay_profiles_and_the_same_seed_gives_the_same() -> None:
    profiles = random_profiles(300)
    made, again = (MeasuredLike()(profiles, np.random.default_rng(3)) for _ in range(2))
    assert len(made) == len(profiles)
    assert (made.bins == again.bins).all()
    assert (made.intensities == again.intensities).all()
    for i in range(len(made)):
        bins, intensities = made.row(i)
        assert len(bins) > 0
        assert (np.diff(bins) > 0).all()
        assert intensities.max() == pytest.approx(1)
        assert intensities.min() > 0
    assert len(made.bins) < 0.7 * len(profiles.bins)


def test_a_share_of_rows_is_changed() -> None:
    profiles = random_profiles(400)
    made = MeasuredLike(share=0.25)(profiles, np.random.default_rng(3))
    same = [np.array_equal(made.row(i)[0], profiles.row(i)[0]) for i in range(len(profiles))]
    assert np.mean(same) == pytest.approx(0.75, abs=0.08)


def test_lines_that_cannot_be_resolved_are_one_at_their_centre_of_gravity() -> None:
    profiles = SparseProfiles.from_lists([[1000, 1008, 3000]], [[1.0, 1.0, 0.5]])
    made = replace(UNCHANGED, resolution_bins=(12.0, 12.0))(profiles, np.random.default_rng(0))
    assert abs(int(made.bins[0]) - 1004) <= 1
    assert made.bins[1:].tolist() == [3000]
    assert made.intensities.tolist() == pytest.approx([1.0, 0.25], rel=0.01)


def test_what_is_too_weak_is_lost_by_its_height_in_the_pattern() -> None:
    bins = np.array([500, 5000])
    factors = lorentz_polarisation(2 * np.degrees(np.arcsin(q_of(bins) * 1.5418 / 2)))
    assert factors[0] > 10 * factors[1]
    profiles = SparseProfiles.from_lists([bins, bins], [[1.0, 0.05], [0.05, 1.0]])
    made = replace(UNCHANGED, weakest=(0.02, 0.02))(profiles, np.random.default_rng(0))
    assert made.row(0)[0].tolist() == [500]  # 0.05 of the crystal is 0.005 of the counts
    assert made.row(1)[0].tolist() == [500, 5000]


def test_scale_zero_shift_and_ends() -> None:
    profiles = SparseProfiles.from_lists([[1000, 4000, 9000]] * 400, [[1.0, 1.0, 1.0]] * 400)
    rng = np.random.default_rng(0)
    scaled = replace(UNCHANGED, cell_scale=0.002)(profiles, rng).bins.reshape(400, 3)
    spread = (scaled - [1000, 4000, 9000]).std(axis=0) * BIN_WIDTH
    assert spread == pytest.approx(0.002 * q_of([1000, 4000, 9000]), rel=0.12)
    shifted = replace(UNCHANGED, zero_shift_deg=0.1)(profiles, rng).bins.reshape(400, 3)
    cosine = np.sqrt(1 - (q_of([1000, 4000, 9000]) * 1.5418 / 2) ** 2)
    spread = (shifted - [1000, 4000, 9000]).std(axis=0) * BIN_WIDTH
    assert spread == pytest.approx(np.radians(0.1) * cosine / 1.5418, rel=0.12)
    cut = replace(UNCHANGED, q_end=(0.6, 0.6))(profiles, rng)
    assert set(cut.bins.tolist()) == {1000, 4000}
    nothing_left = replace(UNCHANGED, q_end=(0.12, 0.12))(profiles, rng)
    assert (nothing_left.bins == profiles.bins).all()


def test_extra_lines_are_as_many_as_asked_for_and_weak() -> None:
    profiles = SparseProfiles.from_lists([[300]] * 500, [[1.0]] * 500)
    made = replace(UNCHANGED, extra_lines=2.0)(profiles, np.random.default_rng(0))
    assert (len(made.bins) - 500) / 500 == pytest.approx(2.0, abs=0.25)
    assert (made.bins != 300).sum() > 900
    assert bin_of(0.12) not in made.bins[:5]


@pytest.mark.parametrize("space_group", [1, 2, 15, 43, 82, 143, 161, 178, 205, 227])
def test_random_crystals_have_the_group_and_no_atoms_on_one_another(space_group: int) -> None:
    for crystal in synthetic_crystals(space_group, 3, np.random.default_rng(space_group)):
        crystal.check()
        assert symmetry_of(crystal).space_group_number == space_group
        distances = crystal.to_pymatgen().distance_matrix + 9 * np.eye(crystal.n_site)
        assert distances.min() > 0.9
        assert 5 < crystal.volume / crystal.n_site < 120


def test_the_same_seed_makes_the_same_random_crystals() -> None:
    made = [synthetic_crystals(62, 3, np.random.default_rng(7)) for _ in range(2)]
    assert [c.content_hash for c in made[0]] == [c.content_hash for c in made[1]]


@pytest.mark.parametrize("space_group", [2, 14, 62, 139, 166, 194, 221])
def test_random_cells_have_the_shape_of_their_system_and_the_volume(space_group: int) -> None:
    lattice = Lattice(random_lattice(space_group, 123.0, np.random.default_rng(0)))
    assert lattice.volume == pytest.approx(123)
    a, b, c = lattice.abc
    fixed = {2: 0, 14: 2, 62: 3, 139: 3, 166: 2, 194: 2, 221: 3}[space_group]
    assert sum(angle == pytest.approx(90) for angle in lattice.angles) == fixed
    assert (a == pytest.approx(b)) is (space_group > 74)
    assert (a == pytest.approx(c)) is (space_group > 194)
