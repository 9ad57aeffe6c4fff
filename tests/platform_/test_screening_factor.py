"""The screening factor without pressure, and the one that keeps a lattice (science.md 1.3, 1.8)."""

from __future__ import annotations

import numpy as np
import pytest
from tests.factories.prototypes import PEROVSKITES, SPINELS, arrays, both

from matsift.bond_valence.dataset import Reference
from matsift.bond_valence.ion_pairs import IonPair, PairTable
from matsift.bond_valence.parameters import ion
from matsift.bond_valence.relaxation import NO_SCREENING_FACTOR, relax
from matsift.bond_valence.screening_factor import (
    NOT_CONVERGED,
    NOT_LOWEST,
    TOO_TIGHT,
    automatic_screening_factor,
    exact_screening_factor,
)


def test_spinels_are_without_pressure_at_the_calibrated_screening_factors() -> None:
    table, a, u = arrays(SPINELS)
    found = automatic_screening_factor(table, a, u)
    np.testing.assert_allclose(found.screening_factor, [0.630, 0.654, 0.653], atol=0.0015)


@pytest.mark.parametrize(("position", "anchor"), [(0, 0.60), (1, 0.65)], ids=["BaCeO3", "LaGaO3"])
def test_perovskites_are_without_pressure_near_the_papers_read_offs(position: int, anchor: float) -> None:
    table, a, u = arrays(PEROVSKITES)
    assert automatic_screening_factor(table, a, u).screening_factor[position] == pytest.approx(anchor, abs=0.03)


@pytest.mark.parametrize("strain", [-0.1, 0.1])
def test_the_automatic_factor_keeps_a_perovskites_strain(strain: float) -> None:
    pairs = [IonPair("perovskite", ion(a, 2), ion(b, 4)) for a, b in (("Ca", "Zr"), ("Cd", "Ti"), ("Pb", "V"))]
    table, a = PairTable.of(pairs), np.array([4.156, 3.861, 3.920])
    found = automatic_screening_factor(table, a * (1 + strain))
    assert found.reason == (None, None, None)
    rest = relax(table, found.screening_factor, a * (1 + strain))
    np.testing.assert_allclose(rest.lattice_constant / a - 1, strain, rtol=1e-9)


@pytest.mark.parametrize("strain", [-0.1, 0.1])
def test_the_automatic_factor_nearly_keeps_a_spinels_strain(strain: float) -> None:
    table, a, u = arrays(SPINELS)
    found = automatic_screening_factor(table, a * (1 + strain), u)
    rest = relax(table, found.screening_factor, a * (1 + strain), u)
    kept = np.isfinite(found.screening_factor)
    assert kept.tolist() == [True, strain > 0, strain > 0]
    np.testing.assert_allclose(rest.lattice_constant[kept] / a[kept] - 1, strain, atol=0.005)  # its oxygen moves
    assert [r == NO_SCREENING_FACTOR for r in rest.reason] == (~kept).tolist()


def test_bonds_that_push_by_themselves_have_no_automatic_factor() -> None:
    table, a, _ = arrays(PEROVSKITES)
    found = automatic_screening_factor(table, a * 0.9)
    assert found.reason == (TOO_TIGHT,) * 4
    assert np.isnan(found.screening_factor).all()


@both
def test_the_exact_factor_gives_the_reference_lattice_back(references: list[Reference]) -> None:
    table, a, u = arrays(references)
    found = exact_screening_factor(table, a, u)
    assert found.reason == (None,) * len(a)
    rest = relax(table, found.screening_factor, a * 1.1, u)
    np.testing.assert_allclose(rest.lattice_constant, a, rtol=1e-9)
    np.testing.assert_allclose(rest.oxygen_parameter, found.oxygen_parameter, rtol=1e-9)


@both
def test_lattices_out_of_reach_have_no_screening_factor_but_a_reason(references: list[Reference]) -> None:
    table, a, u = arrays(references)
    none = len(a)
    assert exact_screening_factor(table, a * 0.8, u).reason == (TOO_TIGHT,) * none
    far = exact_screening_factor(table, a * 3.0, u)
    assert set(far.reason) <= {NOT_LOWEST, NOT_CONVERGED}
    assert np.isnan(far.screening_factor).all()
    assert np.isnan(far.oxygen_parameter).all()
