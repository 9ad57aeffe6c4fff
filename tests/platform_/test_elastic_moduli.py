"""Averages and stability of elastic tensors against closed formulas, published values and rotation invariance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from matsift.elasticity.moduli import (
    born_stable,
    from_upper_triangle,
    moduli,
    smallest_eigenvalue,
    symmetrised,
    to_upper_triangle,
)
from matsift.elasticity.strain import rotated_tensor


def cubic(c11: float, c12: float, c44: float) -> NDArray[np.float64]:
    tensor = np.diag([c11] * 3 + [c44] * 3)
    tensor[:3, :3] += c12 * (1 - np.eye(3))
    return tensor


def positive_definite(seed: int) -> NDArray[np.float64]:
    factor = np.random.default_rng(seed).normal(size=(6, 6))
    return 20 * factor @ factor.T + 5 * np.eye(6)


# C11, C12, C44 in GPa: Kittel, Introduction to Solid State Physics, 8th ed., table 3.11; K = (C11 + 2 C12) / 3,
# G_V = (C11 - C12 + 3 C44) / 5, G_R = 5 (C11 - C12) C44 / (4 C44 + 3 (C11 - C12)), worked out by hand.
CUBIC_CASES = [
    pytest.param((168.4, 121.4, 75.4), 137.0667, 54.64, 40.0339, id="Cu"),
    pytest.param((1076.0, 125.0, 576.0), 442.0, 535.8, 531.0995, id="diamond"),
    pytest.param((48.7, 12.4, 12.6), 24.5, 14.82, 14.3559, id="NaCl"),
]


@pytest.mark.parametrize(("constants", "k", "g_voigt", "g_reuss"), CUBIC_CASES)
def test_cubic_crystals_have_the_moduli_of_the_closed_formulas(
    constants: tuple[float, float, float], k: float, g_voigt: float, g_reuss: float
) -> None:
    found = moduli(cubic(*constants)[None])
    assert found.k_voigt[0] == pytest.approx(k, abs=1e-3)
    assert found.k_reuss[0] == pytest.approx(k, abs=1e-3)
    assert found.g_voigt[0] == pytest.approx(g_voigt, abs=1e-3)
    assert found.g_reuss[0] == pytest.approx(g_reuss, abs=1e-3)
    assert found.g_vrh[0] == pytest.approx((g_voigt + g_reuss) / 2, abs=1e-3)


def test_an_isotropic_tensor_has_one_bulk_and_one_shear_modulus() -> None:
    k, g = 80.0, 30.0
    lame = k - 2 * g / 3
    found = moduli(cubic(lame + 2 * g, lame, g)[None])
    for value in (found.k_voigt, found.k_reuss, found.k_vrh):
        assert value[0] == pytest.approx(k)
    for value in (found.g_voigt, found.g_reuss, found.g_vrh):
        assert value[0] == pytest.approx(g)


@given(st.integers(0, 10_000))
def test_reuss_lies_below_hill_below_voigt(seed: int) -> None:
    found = moduli(positive_definite(seed)[None])
    assert 0 < found.k_reuss[0] <= found.k_vrh[0] <= found.k_voigt[0]
    assert 0 < found.g_reuss[0] <= found.g_vrh[0] <= found.g_voigt[0]


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_moduli_and_stability_do_not_depend_on_the_axes(tensor_seed: int, rotation_seed: int) -> None:
    tensor = positive_definite(tensor_seed)
    rotation = Rotation.random(random_state=rotation_seed).as_matrix()
    turned = rotated_tensor(tensor, rotation)
    here, there = moduli(tensor[None]), moduli(turned[None])
    for name in ("k_voigt", "k_reuss", "g_voigt", "g_reuss"):
        assert getattr(there, name)[0] == pytest.approx(getattr(here, name)[0], rel=1e-8)
    assert smallest_eigenvalue(turned[None])[0] == pytest.approx(smallest_eigenvalue(tensor[None])[0], rel=1e-6)


def test_a_chunk_gives_what_its_tensors_give_alone() -> None:
    chunk = np.array([positive_definite(seed) for seed in range(5)])
    together = moduli(chunk)
    alone = [moduli(tensor[None]) for tensor in chunk]
    assert together.g_vrh.tolist() == [m.g_vrh[0] for m in alone]
    assert together.k_vrh.tolist() == [m.k_vrh[0] for m in alone]


@pytest.mark.parametrize(
    ("tensor", "stable"),
    [
        pytest.param(cubic(48.7, 12.4, 12.6), True, id="NaCl"),
        pytest.param(cubic(40.0, 50.0, 12.0), False, id="tetragonal shear costs nothing: C11 < C12"),
        pytest.param(cubic(48.7, 12.4, -0.1), False, id="C44 below zero"),
        pytest.param(cubic(20.0, -11.0, 10.0), False, id="bulk modulus below zero"),
        pytest.param(cubic(0.0, 0.0, 0.0), False, id="no stiffness at all"),
    ],
)
def test_born_stability_is_positive_definiteness(tensor: NDArray[np.float64], *, stable: bool) -> None:
    assert born_stable(tensor[None]).tolist() == [stable]


def test_a_tensor_with_a_hole_is_unstable_and_has_no_averages() -> None:
    tensor = cubic(48.7, 12.4, 12.6)
    tensor[0, 0] = np.nan
    assert born_stable(tensor[None]).tolist() == [False]
    assert np.isnan(moduli(tensor[None]).k_reuss[0])


def test_a_singular_tensor_has_voigt_but_no_reuss_averages() -> None:
    found = moduli(cubic(50.0, 50.0, 10.0)[None])
    assert found.k_voigt[0] == pytest.approx(50.0)
    assert np.isnan(found.k_reuss[0])
    assert np.isnan(found.g_vrh[0])


def test_only_the_symmetric_part_counts() -> None:
    tensor = positive_definite(3)
    skewed = tensor + np.triu(np.ones((6, 6)), 1) - np.tril(np.ones((6, 6)), -1)
    assert np.allclose(symmetrised(skewed), tensor)
    assert moduli(skewed[None]).g_vrh[0] == pytest.approx(moduli(tensor[None]).g_vrh[0])


def test_the_upper_triangle_goes_there_and_back() -> None:
    tensor = positive_definite(11)
    constants = to_upper_triangle(tensor)
    assert len(constants) == 21
    assert constants[:6] == pytest.approx(tensor[0])
    assert constants[6] == pytest.approx(tensor[1, 1])
    assert np.allclose(from_upper_triangle(constants), tensor)
