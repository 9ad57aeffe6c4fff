"""Trial patterns: strain that keeps the symmetry, lines in their range, weights that they give."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.crystal import Crystal
from matsift.diffraction.grid import CU_K_ALPHA_1, two_theta_of
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.search import ProfileIndex
from matsift.diffraction.symmetry import symmetry_of
from matsift.diffraction.trial_patterns import fit_evidence, strained, trial_peaks


def rock_salt(edge: float) -> Crystal:
    cation = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    sites = np.concatenate([cation, cation + np.array([0.5, 0, 0])])
    return Crystal.ordered(edge * np.eye(3), ["Na"] * 4 + ["Cl"] * 4, sites)


def rutile(a: float, c: float) -> Crystal:
    u = 0.305
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [u, u, 0], [-u, -u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    return Crystal.ordered(np.diag([a, a, c]), ["Ti"] * 2 + ["O"] * 4, np.array(sites) % 1)


@pytest.mark.parametrize(
    ("crystal", "group"), [(rock_salt(5.64), 225), (rutile(4.59, 2.96), 136)], ids=["NaCl", "TiO2"]
)
def test_strain_keeps_the_space_group(crystal: Crystal, group: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        moved = strained(crystal, rng)
        assert symmetry_of(moved).space_group_number == group
        assert not np.allclose(moved.lattice, crystal.lattice)


def test_the_strain_has_the_spread_that_was_asked_for() -> None:
    rng = np.random.default_rng(2)
    drawn = [strained(rutile(4.59, 2.96), rng, size=0.01, proportions=0.0).lattice for _ in range(400)]
    scale = np.array([np.cbrt(np.linalg.det(lattice) / (4.59**2 * 2.96)) for lattice in drawn]) - 1
    assert scale.mean() == pytest.approx(0, abs=0.002)
    assert scale.std() == pytest.approx(0.01, rel=0.15)
    assert drawn[0][0, 0] / drawn[0][2, 2] == pytest.approx(4.59 / 2.96, rel=1e-12)


def test_a_disordered_crystal_changes_its_size_only() -> None:
    salt = rock_salt(5.64)
    half = Crystal(salt.lattice, salt.species, salt.frac_coords, np.full(8, 0.5), salt.site_index)
    lattice = strained(half, np.random.default_rng(3)).lattice
    assert lattice == pytest.approx(np.eye(3) * lattice[0, 0])


def test_lines_stand_in_the_measured_range_and_at_their_angles() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        peaks = trial_peaks(rutile(4.59, 2.96), rng)
        assert peaks is not None
        assert (np.diff(peaks.q) > 0).all()
        assert (peaks.q >= peaks.q_low).all()
        assert (peaks.q <= peaks.q_high).all()
        assert peaks.intensity.max() == 1.0
        assert peaks.two_theta_deg == pytest.approx(two_theta_of(peaks.q, CU_K_ALPHA_1))


def test_a_crystal_without_form_factors_has_no_trial_pattern() -> None:
    assert trial_peaks(Crystal.ordered(4 * np.eye(3), ["Md"], np.zeros((1, 3))), np.random.default_rng(0)) is None


def test_weights_follow_from_crystals_and_their_seed() -> None:
    crystals = [rock_salt(edge) for edge in np.linspace(4.5, 7, 15)]
    crystals += [rutile(a, 0.64 * a) for a in np.linspace(4.2, 5.5, 15)]
    groups = np.repeat([225, 136], 15)
    profiles, _ = ideal_profiles(crystals)
    index = ProfileIndex.build(profiles, np.arange(30), groups)
    fitted = [fit_evidence(crystals, groups, np.arange(30), index, None, np.random.default_rng(5)) for _ in range(2)]
    assert fitted[0] == fitted[1]
    assert fitted[0].network == 0.0
    assert fitted[0].search > 1.0
    assert fitted[0].n_pattern == 30
