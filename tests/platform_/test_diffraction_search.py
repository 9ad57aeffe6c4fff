"""The profile search: what it finds, how long lines of a pattern may be off, and what its score means."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from matsift.diffraction.grid import (
    CU_K_ALPHA_1,
    MO_K_ALPHA,
    N_BIN,
    Q_HIGH,
    Q_LOW,
    bin_of,
    q_of_two_theta,
    two_theta_of,
)
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.search import RESOLUTION, ProfileIndex, cosine
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import UserInputError

Array = NDArray[np.float64]


def random_profiles(n: int, seed: int = 0) -> SparseProfiles:
    """Return n profiles of 5 to 60 lines at random places, denser at large q as those of crystals are."""
    rng = np.random.default_rng(seed)
    bins, intensities = [], []
    for _ in range(n):
        q = np.cbrt(rng.uniform(Q_LOW**3, Q_HIGH**3, rng.integers(5, 60)))
        number = np.unique(bin_of(q))
        height = rng.exponential(1, len(number)) ** 2 + 0.01
        bins.append(number)
        intensities.append(height / height.max())
    return SparseProfiles.from_lists(bins, intensities)


def measured(
    q: Array, intensity: Array, *, scale: float = 1.0, zero: float = 0.0, wavelength: float = CU_K_ALPHA_1,
    q_low: float = Q_LOW, q_high: float = Q_HIGH,
) -> PeakList:  # fmt: skip
    """Return the lines as a diffractometer with a zero shift sees them of a cell `scale` times as large."""
    true = two_theta_of(q / scale, wavelength)
    kept = np.isfinite(true) & (q / scale >= q_low) & (q / scale <= q_high)
    angle = true[kept] + zero
    height = intensity[kept] / intensity[kept].max()
    return PeakList(
        q_of_two_theta(angle, wavelength), height, angle, np.full(len(angle), 0.1), wavelength, q_low, q_high
    )


@pytest.fixture(scope="module")
def index() -> ProfileIndex:
    profiles = random_profiles(400)
    return ProfileIndex.build(profiles, np.arange(1000, 1400), np.arange(400) % 230 + 1)


def test_the_profile_itself_has_score_one(index: ProfileIndex) -> None:
    for row in (0, 17, 399):
        found = index.search(measured(*index.lines(row)), n=5)
        assert found.rows[0] == row
        assert found.scores[0] == pytest.approx(1.0, abs=2e-3)
        assert found.cell_scales[0] == pytest.approx(1.0, abs=1e-9)
        assert found.zero_shifts_deg[0] == 0.0
        assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("scale", [0.975, 0.995, 1.012, 1.028])
@pytest.mark.parametrize("zero", [-0.1, 0.0, 0.075])
def test_another_cell_and_a_zero_shift_are_found(index: ProfileIndex, scale: float, zero: float) -> None:
    for row in (3, 44, 321):
        found = index.search(measured(*index.lines(row), scale=scale, zero=zero), n=3)
        assert found.rows[0] == row
        assert found.cell_scales[0] == pytest.approx(scale, abs=0.001)
        assert found.zero_shifts_deg[0] == pytest.approx(zero, abs=0.051)


def test_molybdenum_radiation_finds_the_same(index: ProfileIndex) -> None:
    found = index.search(measured(*index.lines(8), wavelength=MO_K_ALPHA, zero=0.03), n=1)
    assert found.rows[0] == 8
    assert found.scores[0] > 0.95


def test_texture_lost_weak_lines_and_an_impurity_do_not_hide_the_phase(index: ProfileIndex) -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for row in range(40):
        q, intensity = index.lines(row)
        changed = intensity * np.exp(rng.normal(0, 0.6, len(q)))
        seen = changed > 0.03 * changed.max()
        extra = rng.uniform(0.2, 1.0, 3)
        place = np.concatenate([q[seen], extra])
        height = np.concatenate([changed[seen] / changed.max(), np.full(3, 0.1)])
        order = np.argsort(place)
        hits += int(index.search(measured(place[order], height[order], scale=1.004, zero=0.02), n=1).rows[0] == row)
    assert hits >= 39


def test_lines_that_were_not_measured_do_not_count(index: ProfileIndex) -> None:
    q, intensity = index.lines(12)
    found = index.search(measured(q, intensity, q_low=0.2, q_high=0.75), n=1)
    assert found.rows[0] == 12
    assert found.scores[0] > 0.99


def test_the_score_is_symmetric_and_bounded() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        a, b = np.sort(rng.uniform(0.12, 1.0, 12)), np.sort(rng.uniform(0.12, 1.0, 30))
        u, v = rng.uniform(0.01, 1, 12), rng.uniform(0.01, 1, 30)
        assert cosine(a, u, b, v) == pytest.approx(cosine(b, v, a, u), abs=0.01)  # the width is that of the first line
        assert 0 <= cosine(a, u, b, v) <= 1
        assert cosine(a, u, a, 7 * u) == pytest.approx(1.0)
    assert cosine(np.array([0.3]), np.ones(1), np.array([0.4]), np.ones(1)) == 0.0


def test_half_of_the_intensity_without_a_partner_is_a_score_of_root_half() -> None:
    two, one = np.array([0.3, 0.6]), np.array([0.3])
    assert cosine(two, np.ones(2), one, np.ones(1)) == pytest.approx(np.sqrt(0.5))


def test_lines_that_cannot_be_resolved_are_one() -> None:
    near = Q_LOW + (np.array([1000, 1004, 5000]) + 0.5) * (Q_HIGH - Q_LOW) / N_BIN
    profile = SparseProfiles.from_lists([[1000, 1004, 5000]], [[0.5, 0.5, 0.25]])
    index = ProfileIndex.build(profile, np.array([1]))
    q, intensity = index.lines(0)
    assert near[1] - near[0] < RESOLUTION
    assert q == pytest.approx([near[:2].mean(), near[2]], abs=1e-9)
    assert intensity == pytest.approx([1.0, 0.25])


def test_only_the_strongest_lines_are_kept() -> None:
    bins = np.arange(0, 10_000, 20)
    heights = np.linspace(0.001, 1, len(bins))
    index = ProfileIndex.build(SparseProfiles.from_lists([bins], [heights]), np.array([1]))
    q, intensity = index.lines(0)
    assert len(q) == 64
    assert intensity.min() == pytest.approx(heights[-64], rel=1e-5)


def test_an_empty_profile_is_never_found_and_an_empty_index_finds_nothing() -> None:
    profiles = SparseProfiles.from_lists([[], [100, 4000, 7000]], [[], [1.0, 0.5, 0.2]])
    index = ProfileIndex.build(profiles, np.array([5, 6]))
    found = index.search(measured(*index.lines(1)), n=10)
    assert found.rows.tolist() == [1]
    empty = ProfileIndex.build(SparseProfiles.from_lists([], []), np.zeros(0, np.int64))
    assert len(empty.search(measured(*index.lines(1)))) == 0


def test_a_pattern_without_a_line_in_range_finds_nothing(index: ProfileIndex) -> None:
    below = PeakList(np.array([0.05]), np.ones(1), np.array([4.0]), np.ones(1), CU_K_ALPHA_1, 0.04, 0.9)
    assert len(index.search(below)) == 0


def test_ids_and_profiles_are_as_many() -> None:
    with pytest.raises(UserInputError, match="3 profiles need as many ids and space groups, not 2 and 2"):
        ProfileIndex.build(random_profiles(3), np.arange(2))
