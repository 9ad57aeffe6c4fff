"""The equation of state against its closed form, ASE's own fit, and wells that are none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase.eos import EquationOfState as AseEquationOfState
from ase.eos import birchmurnaghan
from hypothesis import given
from hypothesis import strategies as st

from matsift.elasticity.equation_of_state import (
    FURTHEST_STEP,
    GPA_PER_EV_A3,
    EquationOfState,
    energy_at,
    fit_equation_of_state,
    next_step,
    window,
)
from matsift.errors import OracleError

SALT = EquationOfState(volume=44.9, energy=-6.74, bulk_modulus=24.1, derivative=5.1, residual=0.0)
VOLUMES = SALT.volume * np.linspace(0.94, 1.07, 7) ** 3


def test_the_curve_is_that_of_ase() -> None:
    theirs = birchmurnaghan(VOLUMES, SALT.energy, SALT.bulk_modulus / GPA_PER_EV_A3, SALT.derivative, SALT.volume)
    np.testing.assert_allclose(energy_at(SALT, VOLUMES), theirs, rtol=0, atol=1e-13)


@given(
    volume=st.floats(5, 500),
    energy=st.floats(-1000, 1000),
    bulk_modulus=st.floats(1, 500),
    derivative=st.floats(2, 8),
    n_point=st.integers(5, 12),
)
def test_points_on_the_curve_give_its_parameters_back(
    volume: float, energy: float, bulk_modulus: float, derivative: float, n_point: int
) -> None:
    wanted = EquationOfState(volume, energy, bulk_modulus, derivative, 0.0)
    volumes = volume * np.linspace(0.95, 1.06, n_point) ** 3
    found = fit_equation_of_state(volumes, energy_at(wanted, volumes))
    assert found.volume == pytest.approx(volume, rel=1e-5)
    assert found.energy == pytest.approx(energy, abs=1e-7 * max(1, abs(energy)))
    assert found.bulk_modulus == pytest.approx(bulk_modulus, rel=1e-4)
    assert found.derivative == pytest.approx(derivative, abs=0.01)


def test_noisy_points_give_what_the_fit_of_ase_gives() -> None:
    energies = energy_at(SALT, VOLUMES) + np.random.default_rng(3).normal(scale=2e-4, size=len(VOLUMES))
    found = fit_equation_of_state(VOLUMES, energies)
    volume, energy, stiffness = AseEquationOfState(VOLUMES, energies, "birchmurnaghan").fit()
    assert found.volume == pytest.approx(volume, rel=1e-6)
    assert found.energy == pytest.approx(energy, abs=1e-7)
    assert found.bulk_modulus == pytest.approx(stiffness * GPA_PER_EV_A3, rel=1e-4)
    assert 5e-5 < found.residual < 4e-4


def test_the_order_of_the_points_and_the_zero_of_energy_do_not_matter() -> None:
    energies = energy_at(SALT, VOLUMES)
    shuffled = np.random.default_rng(0).permutation(len(VOLUMES))
    found = fit_equation_of_state(VOLUMES[shuffled], energies[shuffled] + 250.0)
    assert found.bulk_modulus == pytest.approx(SALT.bulk_modulus, rel=1e-7)
    assert found.energy == pytest.approx(SALT.energy + 250.0)


def test_the_bulk_modulus_is_the_curvature_and_its_derivative_that_with_pressure() -> None:
    def pressure(volume: float) -> float:
        h = 1e-4
        up, down = energy_at(SALT, np.array([volume + h, volume - h]))
        return -float(up - down) / (2 * h) * GPA_PER_EV_A3

    def bulk_modulus(volume: float) -> float:
        h = 1e-2
        return -volume * (pressure(volume + h) - pressure(volume - h)) / (2 * h)

    assert bulk_modulus(SALT.volume) == pytest.approx(SALT.bulk_modulus, rel=1e-4)
    low, high = SALT.volume * 0.999, SALT.volume * 1.001
    slope = (bulk_modulus(low) - bulk_modulus(high)) / (pressure(low) - pressure(high))
    assert slope == pytest.approx(SALT.derivative, rel=1e-2)


@pytest.mark.parametrize(
    ("volumes", "energies", "sentence"),
    [
        pytest.param(VOLUMES[:4], energy_at(SALT, VOLUMES[:4]), "five different volumes", id="four points"),
        pytest.param(np.full(6, 44.0), np.zeros(6), "five different volumes", id="one volume"),
        pytest.param(VOLUMES, np.r_[np.nan, energy_at(SALT, VOLUMES[1:])], "finite energies", id="nan"),
        pytest.param(VOLUMES + 12, energy_at(SALT, VOLUMES + 12), "no minimum between", id="minimum outside"),
        pytest.param(VOLUMES, -energy_at(SALT, VOLUMES), "no minimum between", id="a hill"),
        pytest.param(VOLUMES, np.array([1.0, 0, 1, 0, 1, 0, 1]), "no minimum|scatter", id="a saw"),
        pytest.param(
            VOLUMES, energy_at(SALT, VOLUMES) + 0.01 * np.array([1, -1, 1, -1, 1, -1, 1]), "scatter by", id="rough"
        ),
    ],
)
def test_what_is_no_well_is_refused_with_the_reason(volumes: np.ndarray, energies: np.ndarray, sentence: str) -> None:
    with pytest.raises(OracleError, match=sentence):
        fit_equation_of_state(volumes, energies)


def walk(energy: Callable[[int], float]) -> dict[int, float]:
    """Steps that are computed for a fit of five volumes, in their order."""
    energies: dict[int, float] = {}
    while (step := next_step(energies, 5)) is not None:
        assert step not in energies
        energies[step] = energy(step)
    return energies


@pytest.mark.parametrize("centre", [0.0, 0.4, -3.3, 7.2, -10.0])
def test_steps_walk_to_the_minimum_and_surround_it(centre: float) -> None:
    energies = walk(lambda step: (step - centre) ** 2)
    assert next(iter(energies)) == 0
    assert window(energies, 5) == range(round(centre) - 2, round(centre) + 3)
    assert len(energies) <= 5 + abs(round(centre)) + 1


@pytest.mark.parametrize(("slope", "where"), [(-1.0, "larger"), (1.0, "smaller")])
def test_a_cell_that_flies_apart_or_collapses_is_given_up(slope: float, where: str) -> None:
    with pytest.raises(OracleError, match=f"still falls after {FURTHEST_STEP} steps to {where} volumes"):
        walk(lambda step: slope * step)
