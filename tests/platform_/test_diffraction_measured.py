"""Lines found in simulated patterns, whose true lines are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benchmarks.diffraction.line_match import LineMatch, line_match
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from matsift.crystal import Crystal
from matsift.diffraction.background import EvenPattern
from matsift.diffraction.doublet import without_seconds
from matsift.diffraction.grid import CU_K_ALPHA_1, WAVELENGTHS
from matsift.diffraction.measured import MeasuredPattern, ProcessedPattern, process
from matsift.diffraction.radiation import radiation_of
from matsift.diffraction.simulate import Instrument, SimulatedPattern, simulate_pattern
from matsift.errors import UserInputError

SHARP = Instrument(wavelength="CuKa", peak_counts=10_000)


def _crystal(group: str, lattice: Lattice, species: list[str], coords: list[list[float]]) -> Crystal:
    return Crystal.from_pymatgen(Structure.from_spacegroup(group, lattice, species, coords))


ROCK_SALT = _crystal("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
RUTILE = _crystal("P4_2/mnm", Lattice.tetragonal(4.594, 2.958), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]])
CALCITE = _crystal(
    "R-3c", Lattice.hexagonal(4.99, 17.06), ["Ca", "C", "O"], [[0, 0, 0], [0, 0, 0.25], [0.257, 0, 0.25]]
)
OLIVINE = _crystal(
    "Pnma",
    Lattice.orthorhombic(10.2, 5.98, 4.76),
    ["Mg", "Mg", "Si", "O", "O", "O"],
    [
        [0, 0, 0],
        [0.277, 0.25, 0.992],
        [0.094, 0.25, 0.427],
        [0.092, 0.25, 0.766],
        [0.447, 0.25, 0.222],
        [0.163, 0.033, 0.277],
    ],
)


def _found(crystal: Crystal, instrument: Instrument) -> tuple[SimulatedPattern, ProcessedPattern, LineMatch]:
    truth = simulate_pattern(crystal, instrument, np.random.default_rng(7))
    found = process(MeasuredPattern(truth.two_theta_deg, truth.intensity, name="simulated"), instrument.wavelength)
    return truth, found, line_match(truth, found)


@pytest.mark.parametrize(
    ("crystal", "recall"),
    [
        pytest.param(ROCK_SALT, 1.0, id="rock salt"),
        pytest.param(RUTILE, 1.0, id="rutile"),
        pytest.param(CALCITE, 1.0, id="calcite"),
        pytest.param(OLIVINE, 0.9, id="olivine, 80 lines"),
    ],
)
def test_nearly_all_lines_are_found_and_hardly_any_other(crystal: Crystal, recall: float) -> None:
    truth, found, match = _found(crystal, SHARP)
    assert found.k_alpha2
    assert match.recall >= recall
    assert match.precision >= 0.9
    assert abs(match.shift_deg) < 0.002
    assert match.scatter_deg < 0.02
    assert match.intensity_scatter < 0.15
    assert found.peaks.intensity.max() == 1.0
    assert found.peaks.q_low == pytest.approx(2 * np.sin(np.radians(5)) / truth.wavelength_angstrom)


@pytest.mark.parametrize("ratio", [0.0, 0.5], ids=["without K-alpha2", "with K-alpha2"])
def test_k_alpha2_is_recognised_by_the_pattern_and_not_by_the_name(ratio: float) -> None:
    _, found, match = _found(CALCITE, replace(SHARP, k_alpha_2=ratio))
    assert found.k_alpha2 == (ratio > 0)
    assert match.precision == 1.0
    assert abs(match.shift_deg) < 0.002


def test_a_name_of_one_line_rules_k_alpha2_out() -> None:
    _, found, match = _found(RUTILE, replace(SHARP, wavelength="CuKa1", k_alpha_2=0.0))
    assert not found.k_alpha2
    assert found.peaks.wavelength_angstrom == CU_K_ALPHA_1
    assert match.recall == 1.0


@pytest.mark.parametrize("given", ["CuKa", 1.5418, "1.5406", CU_K_ALPHA_1], ids=str)
def test_all_ways_to_say_copper_give_the_same_lines(given: str | float) -> None:
    truth = simulate_pattern(ROCK_SALT, SHARP, np.random.default_rng(7))
    pattern = MeasuredPattern(truth.two_theta_deg, truth.intensity)
    assert np.array_equal(process(pattern, given).peaks.q, process(pattern, "CuKa").peaks.q)


def test_a_wavelength_that_contradicts_the_file_is_told() -> None:
    truth = simulate_pattern(ROCK_SALT, SHARP, np.random.default_rng(7))
    pattern = MeasuredPattern(truth.two_theta_deg, truth.intensity, wavelength_angstrom=1.5406, notes=("mended",))
    assert process(pattern).notes[0] == process(pattern, "CuKa").notes[0] == "mended"
    assert not any("states" in note for note in process(pattern, "CuKa").notes)
    assert "states 1.54060 angstrom, 1.78896 was given" in process(pattern, "CoKa").notes[1]


def test_broad_lines_on_a_hump_are_found() -> None:
    truth, found, match = _found(
        ROCK_SALT, replace(SHARP, crystallite_size_angstrom=120.0, hump=0.3, background=0.2, peak_counts=2000)
    )
    assert match.recall == 1.0
    assert match.precision >= 0.8
    assert np.median(found.peaks.fwhm_deg) == pytest.approx(np.median(truth.line_fwhm_deg), rel=0.3)


def test_intensities_do_not_depend_on_the_wavelength() -> None:
    _, copper, _ = _found(RUTILE, replace(SHARP, noisy=False, k_alpha_2=0.5))
    molybdenum = replace(SHARP, wavelength="MoKa", two_theta_first=5.0, two_theta_last=45.0, step=0.01, noisy=False)
    _, other, _ = _found(RUTILE, replace(molybdenum, caglioti=(0.003, -0.001, 0.002)))
    strong = copper.peaks.take(copper.peaks.intensity > 0.05)
    for q, intensity in zip(strong.q, strong.intensity, strict=True):
        nearest = int(np.argmin(np.abs(other.peaks.q - q)))
        assert other.peaks.q[nearest] == pytest.approx(q, abs=3e-4)
        assert other.peaks.intensity[nearest] == pytest.approx(intensity, rel=0.1)
    assert other.peaks.wavelength_angstrom == WAVELENGTHS["MoKa1"]


def test_the_background_is_the_simulated_one() -> None:
    truth, found, _ = _found(ROCK_SALT, replace(SHARP, background=0.1))
    error = np.abs(found.background - truth.background)
    assert np.median(error) < 0.03 * truth.background.mean()
    assert found.net.shape == truth.intensity.shape


def test_lines_as_a_profile_stand_in_the_bins_of_the_ideal_one() -> None:
    _, found, _ = _found(ROCK_SALT, SHARP)
    profile = found.peaks.to_sparse()
    assert len(profile) == 1
    bins, intensities = profile.row(0)
    assert intensities.max() == 1.0
    assert (np.diff(bins) > 0).all()
    assert len(bins) == len(found.peaks)


def test_uneven_angles_are_taken() -> None:
    truth = simulate_pattern(ROCK_SALT, SHARP, np.random.default_rng(7))
    kept = np.ones(len(truth.intensity), dtype=bool)
    kept[3000:3400:2] = False
    found = process(MeasuredPattern(truth.two_theta_deg[kept], truth.intensity[kept]), "CuKa")
    whole = process(MeasuredPattern(truth.two_theta_deg, truth.intensity), "CuKa")
    assert len(found.peaks) == len(whole.peaks)
    assert found.background.shape == (kept.sum(),)


@pytest.mark.parametrize(
    ("pattern", "wavelength", "told"),
    [
        pytest.param(MeasuredPattern(np.arange(10, 90, 0.02), np.ones(4000)), None, "states no wavelength", id="none"),
        pytest.param(MeasuredPattern(np.arange(10, 90, 0.02), np.ones(4000)), "Kryptonite", "Kryptonite", id="unknown"),
        pytest.param(MeasuredPattern(np.arange(10, 90, 0.02), np.ones(4000)), 15.4, "no wavelength", id="nanometres"),
        pytest.param(MeasuredPattern(np.arange(10, 12, 0.1), np.arange(20.0)), "CuKa", "too few", id="short"),
        pytest.param(MeasuredPattern(np.arange(10, 90, 0.02), np.ones(4000)), "CuKa", "no line", id="flat"),
        pytest.param(
            MeasuredPattern(np.arange(10, 90, 0.02), np.random.default_rng(3).poisson(100, 4000).astype(float)),
            "CuKa",
            "no line",
            id="noise",
        ),
    ],
)
def test_what_holds_no_lines_gets_one_sentence(
    pattern: MeasuredPattern, wavelength: str | float | None, told: str
) -> None:
    with pytest.raises(UserInputError, match=told) as caught:
        process(pattern, wavelength)
    assert "\n" not in str(caught.value)


def test_heights_of_any_size_are_compared_without_overflow() -> None:
    angles = np.linspace(10.0, 100.0, 9001)
    intensity = np.full(9001, 0.0)
    intensity[[4000, 4014]] = 1e12, 5e11  # 50.0 degrees, and its K-alpha2
    with np.errstate(all="raise"):
        alone = without_seconds(
            EvenPattern(angles, 0.01, intensity), np.array([40.0, 50.0, 50.14]), 0.05, radiation_of("CuKa")
        )
    assert alone.tolist() == [True, True, False]


@settings(max_examples=60)
@given(
    n_point=st.integers(50, 400),
    kind=st.sampled_from(["spikes", "steps", "noise", "sparse", "clipped"]),
    scale=st.sampled_from([1e-9, 1e-3, 1.0, 1e9]),
    last=st.floats(20.0, 160.0),
    seed=st.integers(0, 2**31),
)
def test_any_pattern_gives_finite_lines_or_one_sentence(
    n_point: int, kind: str, scale: float, last: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    made = {
        "spikes": np.where(rng.random(n_point) < 0.05, 1000.0, 1.0),
        "steps": np.repeat(rng.random(n_point // 10 + 1), 10)[:n_point],
        "noise": rng.poisson(5.0, n_point).astype(float),
        "sparse": np.where(np.arange(n_point) == n_point // 2, 1.0, 0.0),
        "clipped": np.minimum(rng.exponential(1.0, n_point), 1.0),
    }[kind]
    try:
        found = process(MeasuredPattern(np.linspace(5.0, last, n_point), scale * made), "CuKa")
    except UserInputError as error:
        assert "\n" not in str(error)  # noqa: PT017  either outcome is right
        return
    assert len(found.peaks) > 0
    assert found.peaks.intensity.max() == 1.0
    assert (np.diff(found.peaks.q) > 0).all()
    for values in (found.peaks.q, found.peaks.intensity, found.peaks.fwhm_deg, found.background, found.net):
        assert np.isfinite(values).all()
