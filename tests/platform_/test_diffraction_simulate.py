"""Simulated patterns: lines where Bragg's law puts them, areas, widths, texture, noise, beside pymatgen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from tests.platform_.profile_cases import crystal, rock_salt, structures

from matsift.diffraction.grid import CU_K_ALPHA_1, CU_K_ALPHA_2, N_BIN, bin_of, two_theta_of
from matsift.diffraction.ideal import WEAKEST, ideal_profiles
from matsift.diffraction.simulate import Instrument, SimulatedPattern, simulate_mixture, simulate_pattern
from matsift.errors import UserInputError

SALT = crystal(rock_salt())
CORUNDUM = crystal(structures()["corundum"])
PLAIN = Instrument("CuKa1", step=0.005, background=0.0, noisy=False, lorentzian=0.0)


def highest(pattern: SimulatedPattern, low: float, high: float) -> float:
    """Return the angle of the highest point between two angles."""
    inside = (pattern.two_theta_deg > low) & (pattern.two_theta_deg < high)
    return float(pattern.two_theta_deg[inside][pattern.intensity[inside].argmax()])


def areas(pattern: SimulatedPattern, places: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    return np.array(
        [pattern.intensity[np.abs(pattern.two_theta_deg - place) < reach].sum() for place in places.tolist()]
    )


def test_lines_stand_where_bragg_puts_them() -> None:
    pattern = simulate_pattern(SALT, PLAIN)
    edge = 5.64
    for hkl, first, last in ((3, 26, 29), (4, 30, 33), (8, 44, 47)):
        expected = 2 * np.degrees(np.arcsin(CU_K_ALPHA_1 * np.sqrt(hkl) / 2 / edge))
        assert highest(pattern, first, last) == pytest.approx(expected, abs=0.003)


def test_areas_of_lines_are_pymatgens_intensities() -> None:
    calculator = XRDCalculator(CU_K_ALPHA_1, debye_waller_factors={"Na": 1.0, "Cl": 1.0})
    lines = calculator.get_pattern(rock_salt(), two_theta_range=(10, 90))
    pattern = simulate_pattern(SALT, PLAIN)
    ours = areas(pattern, np.array(lines.x), 0.6)
    np.testing.assert_allclose(ours / ours.max() * 100, lines.y, rtol=0.02, atol=0.2)  # other form factors


def test_the_true_lines_are_those_of_the_ideal_profile() -> None:
    pattern = simulate_pattern(CORUNDUM, replace(PLAIN, b_iso=2.0, two_theta_first=10.01, two_theta_last=109.5))
    bins = bin_of(pattern.line_q)
    total = np.bincount(bins[bins >= 0], pattern.line_intensity[bins >= 0], minlength=N_BIN)
    covered = slice(0, int(bins.max()) + 1)
    np.testing.assert_allclose(total[covered], ideal_profiles([CORUNDUM])[0].dense()[0, covered], atol=WEAKEST)
    assert (total > 1e-4).sum() > 30
    np.testing.assert_allclose(pattern.line_two_theta_deg, two_theta_of(pattern.line_q, CU_K_ALPHA_1))


def test_the_second_line_of_the_doublet_is_half_of_the_first() -> None:
    pattern = simulate_pattern(CORUNDUM, replace(PLAIN, wavelength="CuKa", caglioti=(0.0, 0.0, 0.002)))
    first = 57.50
    second = float(two_theta_of(2 * np.sin(np.radians(first) / 2) / CU_K_ALPHA_1, CU_K_ALPHA_2))
    assert highest(pattern, 57.3, 57.58) == pytest.approx(first, abs=0.02)
    one, two = areas(pattern, np.array([first, second]), (second - first) / 2)
    assert two / one == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("changed", "moved"),
    [({"zero_shift_deg": 0.1}, 0.1), ({"displacement_deg": 0.1}, 0.1 * np.cos(np.radians(31.7 / 2)))],
    ids=["zero shift", "displacement"],
)
def test_shifts_move_the_lines(changed: dict[str, float], moved: float) -> None:
    before, after = simulate_pattern(SALT, PLAIN), simulate_pattern(SALT, Instrument(**{**vars(PLAIN), **changed}))
    assert highest(after, 31, 33) - highest(before, 31, 33) == pytest.approx(moved, abs=0.006)
    np.testing.assert_allclose(after.line_q, before.line_q)
    assert after.line_two_theta_deg[0] - before.line_two_theta_deg[0] == pytest.approx(moved, rel=0.02)


@pytest.mark.parametrize("lorentzian", [0.0, 0.5, 1.0])
def test_a_line_is_as_wide_as_it_says(lorentzian: float) -> None:
    how = replace(PLAIN, step=0.002, lorentzian=lorentzian, crystallite_size_angstrom=500.0)
    pattern = simulate_pattern(crystal(rock_salt(3.0)), how)
    inside = np.abs(pattern.two_theta_deg - pattern.line_two_theta_deg[0]) < 2
    angles, heights = pattern.two_theta_deg[inside], pattern.intensity[inside]
    above = angles[heights > heights.max() / 2]
    assert above[-1] - above[0] == pytest.approx(pattern.line_fwhm_deg[0], rel=0.03)
    assert pattern.line_fwhm_deg[0] > 0.9 * CU_K_ALPHA_1 / 500 * 180 / np.pi


def test_texture_favours_the_preferred_plane_and_keeps_the_sum() -> None:
    plates = simulate_pattern(CORUNDUM, replace(PLAIN, march=0.5))
    powder = simulate_pattern(CORUNDUM, PLAIN)
    place = powder.line_two_theta_deg

    def ratio(pattern: SimulatedPattern) -> float:
        along, across = np.abs(place - 41.68).argmin(), np.abs(place - 37.78).argmin()  # 006 and 110
        return float(pattern.line_intensity[along] / pattern.line_intensity[across])

    assert ratio(plates) / ratio(powder) == pytest.approx(0.5**-3 / 0.5**1.5, rel=1e-6)


def test_a_mixture_weighs_by_volume_and_density_of_scattering() -> None:
    both = simulate_mixture([SALT, CORUNDUM], [0.5, 0.5], PLAIN)
    alone = simulate_mixture([SALT, CORUNDUM], [1.0, 0.0], PLAIN)
    assert len(both.line_q) > len(alone.line_q)
    salt, alumina = (simulate_pattern(of, PLAIN) for of in (SALT, CORUNDUM))
    np.testing.assert_allclose(alone.intensity, salt.intensity, atol=1e-6)
    assert set(np.round(alumina.line_q, 9)) | set(np.round(salt.line_q, 9)) == set(np.round(both.line_q, 9))
    doubled = simulate_mixture([crystal(rock_salt() * (2, 1, 1)), CORUNDUM], [0.5, 0.5], PLAIN)
    np.testing.assert_allclose(doubled.intensity, both.intensity, rtol=1e-6, atol=1e-6)


def test_counts_scatter_as_counts_do_and_the_seed_decides() -> None:
    how = replace(PLAIN, noisy=True, background=0.05, hump=0.02)
    quiet = simulate_pattern(SALT, replace(how, noisy=False))
    noisy = simulate_pattern(SALT, how, np.random.default_rng(5))
    assert np.array_equal(noisy.intensity, simulate_pattern(SALT, how, np.random.default_rng(5)).intensity)
    assert not np.array_equal(noisy.intensity, simulate_pattern(SALT, how, np.random.default_rng(6)).intensity)
    assert np.array_equal(noisy.intensity, np.rint(noisy.intensity))
    pull = (noisy.intensity - quiet.intensity) / np.sqrt(quiet.intensity)
    assert pull.std() == pytest.approx(1.0, abs=0.03)
    assert quiet.background[0] == pytest.approx(0.05 * 10_000 + 0.02 * 10_000 * np.exp(-2.0), rel=1e-6)
    assert (quiet.intensity >= quiet.background - 1e-9).all()
    assert (quiet.intensity - quiet.background).max() == pytest.approx(10_000, rel=1e-9)


def test_a_range_without_lines_is_refused() -> None:
    with pytest.raises(UserInputError, match="no line lies between 10 and 12 degrees"):
        simulate_pattern(SALT, replace(PLAIN, two_theta_last=12.0))
