"""Ideal profiles: invariances, extinctions, multiplicities, and every crystal beside a plain sum over reflections."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure
from tests.platform_.profile_cases import apart, crystal, random_crystal, rock_salt, structures

from matsift.crystal import Crystal
from matsift.diffraction import ideal
from matsift.diffraction.grid import BIN_WIDTH, N_BIN, Q_HIGH, Q_LOW, bin_of, q_of
from matsift.diffraction.ideal import WEAKEST, ideal_profiles
from matsift.diffraction.primitive_kernel import primitive
from matsift.diffraction.reflections import reflections, structure_factors

CASES = structures()


def profile(of: Structure | Crystal, b_iso: float = 2.0) -> NDArray[np.float32]:
    profiles, failures = ideal_profiles([of if isinstance(of, Crystal) else crystal(of)], b_iso=b_iso)
    assert not failures
    dense: NDArray[np.float32] = profiles.dense()[0]
    return dense


@cache
def summed(name: str) -> NDArray[np.float64]:
    """Return the profile by the plain sum, from the class of numpy code that nothing else here shares."""
    return plain(crystal(CASES[name]))


def plain(of: Crystal) -> NDArray[np.float64]:
    found = reflections(of)
    total = np.bincount(bin_of(found.q), found.intensity, minlength=N_BIN)
    return np.where(total > WEAKEST * total.max(), total / total.max(), 0.0)


@pytest.mark.parametrize("name", CASES)
def test_the_compiled_sum_is_the_plain_one(name: str) -> None:
    assert apart(profile(CASES[name]), summed(name).astype(np.float32)) < 1e-7


@pytest.mark.parametrize("seed", range(8))
def test_crystals_without_any_symmetry_in_cells_of_any_shape(seed: int) -> None:
    of = random_crystal(np.random.default_rng(seed))
    assert apart(profile(of), plain(of).astype(np.float32)) < 1e-7


def test_conventional_primitive_shifted_and_doubled_cells_are_one() -> None:
    salt = rock_salt()
    shifted = salt.copy()
    shifted.translate_sites(range(len(shifted)), [0.123, 0.456, 0.789])
    others = [salt.get_primitive_structure(), shifted, salt * (2, 1, 1), salt * (1, 2, 3), salt * (3, 3, 3)]
    wanted = profile(salt)
    assert [apart(profile(other), wanted) for other in others] == [0.0] * len(others)


@pytest.mark.parametrize("name", CASES)
def test_a_skewed_doubled_cell_in_another_orientation_has_the_same_profile(name: str) -> None:
    skewed = crystal(CASES[name] * [[2, 1, 0], [0, 1, 0], [3, 1, 1]])
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    assert apart(profile(replace(skewed, lattice=skewed.lattice @ turn)), profile(CASES[name])) < 1e-7


@pytest.mark.parametrize(
    ("name", "copies"),
    [("rock salt", 4), ("disordered spinel", 4), ("corundum", 3), ("monoclinic", 2), ("rutile", 1), ("triclinic", 1)],
)
def test_the_primitive_cell_has_the_share_of_the_atoms(name: str, copies: int) -> None:
    of = crystal(CASES[name])
    kinds = np.unique([f"{s}{g:.4f}" for s, g in zip(of.species, of.occupancies, strict=True)], return_inverse=True)[1]
    order = np.argsort(kinds, kind="stable")
    lattice, coords, chosen = primitive(of.lattice, of.frac_coords[order], kinds[order])
    assert len(chosen) == len(coords) == len(of.species) // copies
    assert abs(np.linalg.det(lattice)) == pytest.approx(of.volume / copies)


def test_a_translation_that_is_not_exact_is_none() -> None:
    nearly = rock_salt()
    nearly.translate_sites([1], [1e-4, 0, 0])
    of = crystal(nearly)
    kinds = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    assert len(primitive(of.lattice, of.frac_coords, kinds)[2]) == 8


@pytest.mark.parametrize(
    ("structure", "absent", "present"),
    [
        (
            Structure.from_spacegroup("Im-3m", Lattice.cubic(2.87), ["Fe"], [[0, 0, 0]]),
            [(1, 0, 0), (1, 1, 1), (2, 1, 0)],
            {(1, 1, 0): 12, (2, 0, 0): 6, (2, 1, 1): 24},
        ),
        (
            Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.61), ["Cu"], [[0, 0, 0]]),
            [(1, 0, 0), (1, 1, 0), (2, 1, 0), (2, 1, 1)],
            {(1, 1, 1): 8, (2, 0, 0): 6, (2, 2, 0): 12, (3, 1, 1): 24},
        ),
        (
            Structure.from_spacegroup("Fd-3m", Lattice.cubic(5.43), ["Si"], [[0, 0, 0]]),
            [(1, 0, 0), (2, 0, 0), (2, 2, 2), (4, 2, 0)],
            {(1, 1, 1): 8, (2, 2, 0): 12, (3, 1, 1): 24, (4, 0, 0): 6},
        ),
    ],
    ids=["body-centred", "face-centred", "diamond"],
)
def test_extinctions_and_multiplicities(
    structure: Structure, absent: list[tuple[int, int, int]], present: dict[tuple[int, int, int], int]
) -> None:
    edge, dense, of = structure.lattice.a, profile(structure), crystal(structure)
    assert [dense[bin_of(np.sqrt(np.dot(hkl, hkl)) / edge)] for hkl in absent] == [0.0] * len(absent)
    q = np.array([np.sqrt(np.dot(hkl, hkl)) / edge for hkl in present])
    one = np.abs(structure_factors(of, np.array(list(present)), q)) ** 2
    strength = one * np.array(list(present.values()))
    heights = dense[bin_of(q)]
    np.testing.assert_allclose(heights / heights.max(), strength / strength.max(), rtol=1e-6)


def test_friedel_pairs_are_alike() -> None:
    found = reflections(crystal(CASES["triclinic"]))
    of = {tuple(hkl): value for hkl, value in zip(found.hkl.tolist(), found.intensity.tolist(), strict=True)}
    assert len(of) > 500
    assert all(value == pytest.approx(of[-h, -k, -m], rel=1e-9) for (h, k, m), value in of.items())


def test_structure_factors_are_linear_in_the_occupancy() -> None:
    def factors(share: float) -> NDArray[np.complex128]:
        places, occupancies = np.array([[0, 0, 0], [0, 0, 0], [0.3, 0.1, 0.4]]), np.array([share, 1 - share, 1.0])
        mixed = Crystal(4.1 * np.eye(3), ("Fe", "Co", "O"), places, occupancies, np.array([0, 0, 1]))
        hkl = np.array([[1, 0, 0], [1, 1, 2], [3, 0, 1]])
        return structure_factors(mixed, hkl, np.linalg.norm(hkl, axis=1) / 4.1)

    np.testing.assert_allclose(factors(0.25), 0.25 * factors(1.0) + 0.75 * factors(0.0), rtol=1e-9)


def test_scaling_the_crystal_moves_lines_the_other_way() -> None:
    small, large = reflections(crystal(rock_salt(5.0))), reflections(crystal(rock_salt(5.5)))
    np.testing.assert_allclose(large.q[: len(small.q)] * 5.5, small.q * 5.0, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_the_largest_is_one_and_weak_bins_are_left_out(name: str) -> None:
    dense = profile(CASES[name])
    assert dense.max() == 1.0
    assert dense[dense > 0].min() > WEAKEST


def test_without_displacements_the_intensities_are_those_of_resting_atoms() -> None:
    of = Crystal.ordered(3.0 * np.eye(3), ["Po"], np.zeros((1, 3)))
    q = np.unique(np.linalg.norm(reflections(of).hkl, axis=1)) / 3.0
    ratio = profile(of, b_iso=2.0)[bin_of(q)] / profile(of, b_iso=0.0)[bin_of(q)]
    expected = np.exp(-2.0 * 2.0 * q**2 / 4)
    np.testing.assert_allclose(ratio / ratio[0], expected / expected[0], rtol=1e-6)
    almost, none = profile(of, b_iso=1e-9), profile(of, b_iso=0.0)
    np.testing.assert_allclose(almost, none, atol=1e-7)


def test_the_range_is_that_of_the_paper() -> None:
    edges = np.array([Q_LOW, Q_LOW + 1e-9, Q_HIGH - 1e-9, Q_HIGH, 0.0, 2.0, np.nan])
    assert bin_of(edges).tolist() == [0, 0, N_BIN - 1, -1, -1, -1, -1]
    assert pytest.approx(9.493e-5, abs=1e-8) == BIN_WIDTH
    np.testing.assert_array_equal(bin_of(q_of(np.arange(N_BIN))), np.arange(N_BIN))


def test_rows_stand_as_the_crystals_do_and_failures_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    good = crystal(rock_salt())
    empty = Crystal(np.eye(3), (), np.zeros((0, 3)), np.zeros(0), np.zeros(0, dtype=np.int64))
    heavy = Crystal.ordered(4 * np.eye(3), ["Es"], np.zeros((1, 3)))
    unreal = Crystal.ordered(np.full((3, 3), np.nan), ["Na"], np.zeros((1, 3)))
    flat = Crystal.ordered(np.diag([4.0, 4.0, 0.0]), ["Na"], np.zeros((1, 3)))
    tiny = Crystal.ordered(0.5 * np.eye(3), ["Na"], np.zeros((1, 3)))
    huge = Crystal.ordered(1e5 * np.eye(3), ["Na"], np.zeros((1, 3)))
    void = Crystal(4 * np.eye(3), ("Na",), np.zeros((1, 3)), np.array([0.0]), np.array([0]))
    monkeypatch.setattr(ideal, "_PIECE", 2)
    profiles, failures = ideal_profiles([empty, good, heavy, unreal, flat, good, tiny, huge, void, good])
    assert sorted(failures) == [0, 2, 3, 4, 6, 7, 8]
    assert [bool(n) for n in np.diff(profiles.offsets)] == [i not in failures for i in range(10)]
    np.testing.assert_array_equal(profiles.dense([1, 5, 9]), np.repeat(profiles.dense([1]), 3, axis=0))
    assert {kind for kind, _ in failures.values()} == {"DescriptorError"}
    wanted = ["no sites", "Es (the table ends", "not a finite", "is flat", "no line between", "too many", "above 0"]
    assert [part in failures[i][1] for i, part in zip(sorted(failures), wanted, strict=True)] == [True] * 7


def test_no_crystals_have_no_profiles() -> None:
    profiles, failures = ideal_profiles([])
    assert len(profiles) == 0
    assert failures == {}


def test_the_last_element_of_the_table_is_in() -> None:
    assert profile(Crystal.ordered(4 * np.eye(3), ["Cf"], np.zeros((1, 3)))).max() == 1.0
