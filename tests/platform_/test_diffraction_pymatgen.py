"""Ideal profiles beside pymatgen's XRDCalculator and gemmi's structure factors, and form factors by themselves."""

from __future__ import annotations

import json
from pathlib import Path

import gemmi
import numpy as np
import pymatgen.analysis.diffraction
import pytest
from numpy.typing import NDArray
from pymatgen.analysis.diffraction.core import AbstractDiffractionPatternCalculator
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core import Lattice, Structure
from tests.platform_.profile_cases import apart, crystal, structures

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.diffraction import reflections
from matsift.diffraction.form_factors import LAST_NUMBER, coefficients, form_factors
from matsift.diffraction.grid import N_BIN, Q_HIGH, Q_LOW, bin_of, two_theta_of
from matsift.diffraction.ideal import WEAKEST, amplitude_tables, profiles_by_tables
from matsift.diffraction.radiation import lorentz_polarisation

CASES = structures()
CU, MO = 1.5419, 0.7107
B_ISO = 2.0
_FOLDER = Path(next(iter(pymatgen.analysis.diffraction.__path__)))
_PARAMETERS = json.loads((_FOLDER / "atomic_scattering_params.json").read_text())


@pytest.fixture(autouse=True)
def _pymatgen_keeps_weak_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AbstractDiffractionPatternCalculator, "SCALED_INTENSITY_TOL", 1e-9)


def pymatgens_amplitudes(s_squared: NDArray[np.float64], b_iso: float = B_ISO) -> NDArray[np.float64]:
    """Return f = Z - 41.78214 s^2 sum a exp(-b s^2), times exp(-B s^2); 0 where pymatgen has no numbers."""
    rows = np.zeros((LAST_NUMBER, len(s_squared)))
    for i, symbol in enumerate(ELEMENT_SYMBOLS[:LAST_NUMBER]):
        if symbol in _PARAMETERS:
            a, b = np.array(_PARAMETERS[symbol]).T[:, :, None]
            rows[i] = i + 1 - 41.78214 * s_squared * (a * np.exp(-b * s_squared)).sum(axis=0)
    return rows * np.exp(-b_iso * s_squared)


def pymatgens_profile(structure: Structure, wavelength: float) -> NDArray[np.float32]:
    """Return pymatgen's lines, without its Lorentz-polarisation factor, in our bins."""
    symbols = dict.fromkeys(crystal(structure).species, B_ISO)
    first, last = two_theta_of([Q_LOW, Q_HIGH], wavelength)
    lines = XRDCalculator(wavelength, debye_waller_factors=symbols).get_pattern(
        structure, scaled=False, two_theta_range=(first, last)
    )
    q = 1 / np.array(lines.d_hkls)
    theta = np.arcsin(q * wavelength / 2)
    factor = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
    inside = bin_of(q) >= 0
    total = np.bincount(bin_of(q[inside]), (np.array(lines.y) / factor)[inside], minlength=N_BIN)
    return np.where(total > WEAKEST * total.max(), total / total.max(), 0.0).astype(np.float32)


@pytest.mark.parametrize("wavelength", [CU, MO])
@pytest.mark.parametrize("name", CASES)
def test_with_pymatgens_form_factors_the_intensities_are_pymatgens(name: str, wavelength: float) -> None:
    profiles, failures = profiles_by_tables([crystal(CASES[name])], amplitude_tables(pymatgens_amplitudes))
    theirs = pymatgens_profile(CASES[name], wavelength)
    assert not failures
    assert (theirs > 0).sum() > 5
    assert apart(profiles.dense()[0], theirs) < 1e-6


@pytest.mark.parametrize("name", CASES)
def test_every_line_is_pymatgens_to_eight_digits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflections, "form_factors", lambda z, s2, b_iso: pymatgens_amplitudes(s2, b_iso)[z - 1])
    theirs = XRDCalculator(CU, debye_waller_factors={}).get_pattern(CASES[name], scaled=False, two_theta_range=(5, 90))
    q = 1 / np.array(theirs.d_hkls)
    ours = reflections.reflections(crystal(CASES[name]), q_low=q[0] - 1e-6, q_high=q[-1] + 1e-6, b_iso=0.0)
    line = np.abs(ours.q[:, None] - q).argmin(axis=1)
    total = np.bincount(line, ours.intensity, minlength=len(q)) * lorentz_polarisation(two_theta_of(q, CU))
    ratio = total / np.array(theirs.y)
    strong = np.array(theirs.y) > 1e-6 * max(theirs.y)
    np.testing.assert_allclose(ratio[strong], 1.0, rtol=1e-8)
    assert strong.sum() >= 8


def gemmis(of: Crystal) -> gemmi.SmallStructure:
    """Return the crystal, all its atoms written out, as gemmi has it."""
    small = gemmi.SmallStructure()
    lattice = Lattice(of.lattice)
    small.cell = gemmi.UnitCell(*lattice.abc, *lattice.angles)
    small.spacegroup_hm = "P 1"
    for symbol, place, occupancy in zip(of.species, of.frac_coords, of.occupancies, strict=True):
        site = gemmi.SmallStructure.Site()
        site.element, site.fract, site.occ = gemmi.Element(symbol), gemmi.Fractional(*place), float(occupancy)
        site.u_iso = B_ISO / (8 * np.pi**2)
        small.add_site(site)
    small.setup_cell_images()
    return small


@pytest.mark.parametrize("name", CASES)
def test_structure_factors_are_gemmis(name: str) -> None:
    of = crystal(CASES[name])
    small, found = gemmis(of), reflections.reflections(of, q_high=0.6)
    calculator = gemmi.StructureFactorCalculatorX(small.cell)
    theirs = [calculator.calculate_sf_from_small_structure(small, hkl) for hkl in found.hkl.tolist()]
    ours = reflections.structure_factors(of, found.hkl, found.q)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("name", CASES)
def test_without_the_lorentz_polarisation_factor_the_wavelength_does_not_matter(name: str) -> None:
    copper, molybdenum = (pymatgens_profile(CASES[name], wavelength) for wavelength in (CU, MO))
    both = (copper > 0) & (molybdenum > 0)
    assert both.sum() > 5
    np.testing.assert_allclose(copper[both], molybdenum[both], rtol=1e-6)


def test_at_rest_and_at_small_angles_an_atom_scatters_like_all_its_electrons() -> None:
    numbers = np.arange(1, LAST_NUMBER + 1)
    np.testing.assert_allclose(form_factors(numbers, 0.0)[:, 0], numbers, atol=0.1)


def test_form_factors_are_those_of_the_tables() -> None:
    iron = [11.7695, 7.3573, 3.5222, 2.3045, 4.7611, 0.3072, 15.3535, 76.8805, 1.0369]
    np.testing.assert_allclose(coefficients()[25], iron, rtol=1e-6)
    a, b, c = np.array(iron[:4]), np.array(iron[4:8]), iron[8]
    assert form_factors(26, 0.2**2)[0, 0] == pytest.approx((a * np.exp(-b * 0.04)).sum() + c, rel=1e-6)
    assert form_factors(26, 0.04, b_iso=2.0)[0, 0] == pytest.approx(form_factors(26, 0.04)[0, 0] * np.exp(-0.08))


def test_both_tables_of_form_factors_agree_where_both_hold() -> None:
    s_squared = np.linspace(0, Q_HIGH**2 / 4, 50)
    theirs, ours = pymatgens_amplitudes(s_squared), form_factors(np.arange(1, 99), s_squared, b_iso=B_ISO)
    common = [z - 1 for z in (6, 8, 11, 14, 17, 20, 22, 26, 30, 47, 56, 79, 82)]
    apart_by = np.abs(theirs[common] - ours[common]).max(axis=1)
    assert (apart_by < 0.02 * np.array(common) + 0.1).all()


def test_the_interpolation_is_exact_to_ten_digits() -> None:
    tables = amplitude_tables(lambda s2: form_factors(np.arange(1, 99), s2, b_iso=B_ISO))
    knots = np.linspace(0, Q_HIGH**2 / 4, tables.shape[1])
    middle = (knots[1:] + knots[:-1]) / 2
    between = (tables[:, 1:, 0] + tables[:, :-1, 0]) / 2 + (tables[:, :-1, 1] - tables[:, 1:, 1]) / 8
    np.testing.assert_allclose(between, form_factors(np.arange(1, 99), middle, b_iso=B_ISO), rtol=0, atol=1e-9)
