"""The axis of profiles, wavelengths by name, and profiles as sparse rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.analysis.diffraction.xrd import WAVELENGTHS as PYMATGENS

from matsift.diffraction.grid import (
    N_BIN,
    Q_HIGH,
    Q_LOW,
    WAVELENGTHS,
    bin_of,
    q_of,
    q_of_two_theta,
    two_theta_of,
    wavelength_angstrom,
)
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import UserInputError

PROFILES = SparseProfiles.from_lists([[3, 50, 10_000], [], [7], [0, 1]], [[0.25, 1.0, 0.5], [], [1.0], [1.0, 0.125]])


def test_the_axis_is_ten_to_a_hundred_and_ten_degrees_of_copper() -> None:
    np.testing.assert_allclose(q_of_two_theta([10.0, 110.0], 1.5419), [Q_LOW, Q_HIGH], atol=1e-4)


@given(st.floats(0.05, 0.99), st.floats(0.2, 2.0))
def test_angles_and_reciprocal_spacings_are_inverse(share: float, wavelength: float) -> None:
    q = share * 2 / wavelength
    assert q_of_two_theta(two_theta_of(q, wavelength), wavelength) == pytest.approx(q, rel=1e-9)


def test_what_a_wavelength_cannot_reach_has_no_angle() -> None:
    angles = two_theta_of([0.5, 1.0, 1.4], 1.5419)
    assert np.isfinite(angles).tolist() == [True, True, False]


def test_bins_follow_one_another_without_gaps() -> None:
    q = np.linspace(Q_LOW, Q_HIGH, 100_001)[:-1]
    assert set(np.diff(bin_of(q)).tolist()) == {0, 1}
    assert bin_of(q_of([0, 5, N_BIN - 1])).tolist() == [0, 5, N_BIN - 1]


@pytest.mark.parametrize("name", ["CuKa", "CuKa1", "CuKa2", "MoKa", "MoKa1", "CoKa", "CrKa", "FeKa", "AgKa"])
def test_wavelengths_are_pymatgens(name: str) -> None:
    assert WAVELENGTHS[name] == pytest.approx(PYMATGENS[name], rel=2e-4)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CuKa", "CuKa"),
        ("cu k-alpha", "CuKa"),
        ("Cu Kα1", "CuKa1"),
        ("CuKα₂", "CuKa2"),
        ("Cu_K_alpha_1", "CuKa1"),
        ("Cu", "CuKa"),
        ("mo", "MoKa"),
        ("CoKbeta", "CoKb"),
        ("CoKb1", "CoKb"),
        ("CuKa12", "CuKa"),
    ],
)
def test_names_are_read_as_people_write_them(text: str, name: str) -> None:
    assert wavelength_angstrom(text) == WAVELENGTHS[name]


def test_numbers_are_angstrom() -> None:
    assert wavelength_angstrom("1.5406") == wavelength_angstrom(1.5406) == 1.5406


@pytest.mark.parametrize("text", ["XxKa", "", "copper", "CuLa"])
def test_an_unknown_name_names_those_there_are(text: str) -> None:
    with pytest.raises(UserInputError, match="CuKa, CuKa1, CuKa2"):
        wavelength_angstrom(text)


@pytest.mark.parametrize("text", ["0", "-1.54", "154.06", "nan", "inf", "8047"])
def test_a_number_that_is_no_wavelength_is_refused(text: str) -> None:
    with pytest.raises(UserInputError, match=r"between 0\.05 and 10 angstrom"):
        wavelength_angstrom(text)


def test_rows_come_back_as_they_were_given() -> None:
    assert len(PROFILES) == 4
    assert [part.tolist() for part in PROFILES.row(0)] == [[3, 50, 10_000], [0.25, 1.0, 0.5]]
    assert PROFILES.offsets.tolist() == [0, 3, 3, 4, 6]
    assert [a.dtype.name for a in vars(PROFILES).values()] == ["int64", "int16", "float32"]


def test_dense_and_sparse_are_inverse() -> None:
    dense = PROFILES.dense()
    assert dense.shape == (4, N_BIN)
    assert dense.dtype == np.float32
    assert dense.sum(axis=1).tolist() == [1.75, 0.0, 1.0, 1.125]
    assert (dense[0, 10_000], dense[3, 1]) == (0.5, 0.125)
    assert same(SparseProfiles.from_dense(dense), PROFILES)


@pytest.mark.parametrize("rows", [[2, 0, 0, 1], [3], [], [-1, 1], np.array([True, False, True, True])], ids=str)
def test_any_rows_can_be_taken(rows: list[int]) -> None:
    np.testing.assert_array_equal(PROFILES.dense(rows), PROFILES.dense()[np.asarray(rows, dtype=type_of(rows))])
    np.testing.assert_array_equal(PROFILES.take(rows).dense(), PROFILES.dense(rows))


def test_collections_are_joined_in_order() -> None:
    joined = SparseProfiles.concatenate([PROFILES.take([1, 3]), PROFILES.take([]), PROFILES])
    assert same(joined, PROFILES.take([1, 3, 0, 1, 2, 3]))
    assert len(SparseProfiles.concatenate([])) == 0


def test_a_row_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IndexError):
        PROFILES.take([4])


def type_of(rows: object) -> type:
    return bool if isinstance(rows, np.ndarray) else int


def same(first: SparseProfiles, second: SparseProfiles) -> bool:
    pairs = [(getattr(first, name), getattr(second, name)) for name in ("offsets", "bins", "intensities")]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
