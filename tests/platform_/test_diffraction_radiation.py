"""What a wavelength means, where K-alpha2 puts a line, and what is divided out of intensities."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.diffraction.grid import BIN_WIDTH, CU_K_ALPHA_1, CU_K_ALPHA_2, WAVELENGTHS, q_of
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.radiation import Radiation, lorentz_polarisation, radiation_of, second_angle
from matsift.errors import UserInputError

COPPER = Radiation(CU_K_ALPHA_1, CU_K_ALPHA_2, "Cu")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("CuKa", COPPER),
        ("Cu", COPPER),
        (1.5406, COPPER),
        ("1.5418", COPPER),
        (1.54056, COPPER),
        ("CuKa1", Radiation(CU_K_ALPHA_1, None, "Cu")),
        ("CuKb", Radiation(WAVELENGTHS["CuKb"], None, "Cu")),
        ("0.7107", Radiation(WAVELENGTHS["MoKa1"], WAVELENGTHS["MoKa2"], "Mo")),
        ("1.79026", Radiation(WAVELENGTHS["CoKa1"], WAVELENGTHS["CoKa2"], "Co")),
        (0.49935, Radiation(0.49935)),
        (1.909, Radiation(1.909)),
        (1.55, Radiation(1.55)),
    ],
    ids=str,
)
def test_what_a_wavelength_means(given: str | float, expected: Radiation) -> None:
    assert radiation_of(given) == expected


def test_k_alpha2_is_where_braggs_law_puts_it() -> None:
    angles = np.array([20.0, 60.0, 120.0, 179.9])
    second = second_angle(angles, COPPER)
    spacing = CU_K_ALPHA_1 / 2 / np.sin(np.radians(angles) / 2)
    assert np.allclose(2 * spacing[:3] * np.sin(np.radians(second[:3]) / 2), CU_K_ALPHA_2, rtol=1e-12)
    assert np.isnan(second[3])
    with pytest.raises(UserInputError, match="one wavelength only"):
        second_angle(angles, Radiation(0.5))


def test_lorentz_polarisation_factor() -> None:
    assert lorentz_polarisation(90.0) == pytest.approx(1 / (0.5 * np.sqrt(0.5)))
    assert lorentz_polarisation(60.0) == pytest.approx((1 + 0.25) / (0.25 * np.sqrt(0.75)))
    assert lorentz_polarisation(60.0, polarised=True) == pytest.approx(2 / (0.25 * np.sqrt(0.75)))


def _peaks(q: np.ndarray, intensity: np.ndarray) -> PeakList:
    return PeakList(q, intensity, 50 * q, np.full(len(q), 0.1), CU_K_ALPHA_1, 0.1, 1.2)


def test_lines_of_one_bin_add_up_and_lines_outside_are_left_out() -> None:
    peaks = _peaks(
        np.array([0.05, float(q_of(10)), float(q_of(10)) + BIN_WIDTH / 4, float(q_of(500)), 1.1]),
        np.array([1.0, 0.2, 0.3, 0.25, 0.9]),
    )
    bins, intensities = peaks.to_sparse().row(0)
    assert bins.tolist() == [10, 500]
    assert intensities.tolist() == [1.0, 0.5]
    assert len(_peaks(np.array([0.05]), np.array([1.0])).to_sparse().row(0)[0]) == 0


def test_a_part_of_the_lines_is_normalised_anew() -> None:
    peaks = _peaks(np.array([0.2, 0.3, 0.4]), np.array([1.0, 0.5, 0.25]))
    part = peaks.take(np.array([False, True, True]))
    assert part.intensity.tolist() == [1.0, 0.5]
    assert part.q.tolist() == [0.3, 0.4]
    assert len(peaks.take(np.zeros(3, dtype=bool))) == 0
