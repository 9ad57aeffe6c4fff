"""Perovskites and spinels come to rest, many at once, and strained samples become rows (science.md 1.8)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.prototypes import PEROVSKITES, SPINELS, arrays, both, repeated

from matsift.bond_valence.dataset import SCREENING_FACTORS, STRAINS, Reference, relaxation_rows
from matsift.bond_valence.ion_pairs import (
    IonPair,
    PairTable,
    balanced_pairs,
)
from matsift.bond_valence.parameters import ion
from matsift.bond_valence.prototype_energy import derivatives, instability
from matsift.bond_valence.relaxation import NO_MINIMUM, lattice_at, relax, starting_lattice
from matsift.bond_valence.screening_factor import (
    exact_screening_factor,
)

TWO, THREE, FOUR = (
    ("Mg", "Ca", "Sr", "Ba", "Zn", "Cd", "Fe"),
    ("Al", "Ga", "Cr", "Fe", "In", "V"),
    ("Ti", "Zr", "Ce", "Sn"),
)


@both
def test_the_lattice_grows_with_the_screening_factor_from_any_start(references: list[Reference]) -> None:
    factors = np.array(SCREENING_FACTORS)
    table, sf, a, u = repeated(references, factors)
    small, large = (relax(table, sf, a * stretch, u) for stretch in (0.9, 1.1))
    np.testing.assert_allclose(small.lattice_constant, large.lattice_constant, rtol=1e-9)
    np.testing.assert_allclose(small.oxygen_parameter, large.oxygen_parameter, rtol=1e-8)
    assert (np.diff(small.lattice_constant.reshape(-1, len(factors)), axis=1) > 0).all()


def test_a_bond_that_crosses_its_cutoff_leaves_two_rest_positions_close_to_one_another() -> None:
    """The cut-off of a bond is sharp, so its pull ends at once; two minima may lie on its two sides."""
    table = PairTable.of([IonPair("perovskite", ion("Sr", 2), ion("Hf", 4))] * 2)
    rest = relax(table, np.full(2, 0.7375), 4.141206 * np.array([0.9, 1.1]))
    apart = np.diff(rest.lattice_constant)[0]
    assert 1e-4 < apart / 4.141206 < 0.003
    at = derivatives(table, np.full(2, 0.7375), rest.lattice_constant, rest.oxygen_parameter)
    assert np.abs(at.gradient).max() < 1e-8


@settings(max_examples=50)
@given(
    st.sampled_from([p for a in TWO for b in FOUR for p in balanced_pairs("perovskite", a, b)])
    | st.sampled_from([p for a in TWO for b in THREE for p in balanced_pairs("spinel", a, b)]),
    st.floats(0.5, 0.78),
    st.floats(0.85, 1.15),
)
def test_whatever_the_ions_rest_is_a_minimum_and_hardly_depends_on_the_start(
    pair: IonPair, sf: float, stretch: float
) -> None:
    table = PairTable.of([pair] * 2)
    factors = np.full(2, sf)
    rest = relax(table, factors, starting_lattice(table) * np.array([1.0, stretch]))
    if rest.reason != (None, None):
        assert set(rest.reason) <= {None, NO_MINIMUM}
        return
    at = derivatives(table, factors, rest.lattice_constant, rest.oxygen_parameter)
    assert np.abs(at.gradient).max() < 1e-7
    assert np.linalg.eigvalsh(at.hessian).min() > 0
    assert rest.lattice_constant[1] == pytest.approx(rest.lattice_constant[0], rel=0.01)


@both
def test_a_crystal_at_rest_has_no_pull_and_is_lowest(references: list[Reference]) -> None:
    table, sf, a, u = repeated(references, np.array([0.55, 0.65, 0.75]))
    rest = relax(table, sf, a, u)
    at = derivatives(table, sf, rest.lattice_constant, rest.oxygen_parameter)
    assert np.abs(at.gradient).max() < 1e-8
    assert (np.linalg.eigvalsh(at.hessian) > 0).all()


@both
def test_slopes_in_the_screening_factor_are_those_of_relaxations_beside(references: list[Reference]) -> None:
    table, sf, a, u = repeated(references, np.array([0.6, 0.7]))
    h = 1e-4
    more, less, here = (relax(table, sf + d, a, u) for d in (h, -h, 0.0))
    np.testing.assert_allclose((more.lattice_constant - less.lattice_constant) / 2 / h, here.lattice_slope, rtol=1e-4)
    np.testing.assert_allclose(
        (more.oxygen_parameter - less.oxygen_parameter) / 2 / h, here.oxygen_slope, rtol=1e-3, atol=1e-4
    )


def test_atoms_out_of_reach_of_one_another_are_not_at_rest() -> None:
    table, a, _ = arrays(PEROVSKITES[:1])
    assert relax(table, np.array([0.3]), a * 6).reason == (NO_MINIMUM,)


def test_nothing_is_relaxed_to_nothing() -> None:
    table, a, u = arrays(SPINELS)
    none = np.zeros(0, dtype=np.int64)
    assert relax(table.take(none), np.zeros(0), a[none], u[none]).reason == ()
    assert exact_screening_factor(table.take(none), a[none], u[none]).reason == ()
    assert relaxation_rows([]).reason == ()


@both
def test_a_repulsion_that_exceeds_the_bonds_has_no_lattice_but_a_reason(references: list[Reference]) -> None:
    table, a, u = arrays(references)
    rest = relax(table, np.full(len(a), 1.6), a, u)
    assert rest.reason == (NO_MINIMUM,) * len(a)
    assert np.isnan(rest.lattice_constant).all()
    assert np.isnan(rest.lattice_slope).all()


def test_one_crystal_without_a_result_does_not_change_the_others() -> None:
    table, a, u = arrays(SPINELS)
    alone = relax(table, np.full(3, 0.65), a, u)
    beside = relax(table, np.array([0.65, 1.6, 0.65]), a, u)
    np.testing.assert_allclose(beside.lattice_constant[[0, 2]], alone.lattice_constant[[0, 2]], rtol=1e-12)


@both
def test_no_reference_is_needed_to_start(references: list[Reference]) -> None:
    for r in references:
        from_bonds, index = lattice_at(r.pair, np.array([0.6, 0.65]))
        table, sf, a, u = repeated([r], np.array([0.6, 0.65]))
        from_reference = relax(table, sf, a, u)
        np.testing.assert_allclose(from_bonds.lattice_constant, from_reference.lattice_constant, rtol=1e-9)
        np.testing.assert_allclose(
            index, instability(table, from_reference.lattice_constant, from_reference.oxygen_parameter), rtol=1e-6
        )


@both
def test_lattices_to_start_from_are_within_a_tenth(references: list[Reference]) -> None:
    table, a, _ = arrays(references)
    np.testing.assert_allclose(starting_lattice(table), a, rtol=0.1)


def test_rows_are_nested_by_reference_strain_and_factor() -> None:
    references = [SPINELS[0], PEROVSKITES[2], SPINELS[1]]  # mixed on purpose
    rows = relaxation_rows(references)
    n = len(STRAINS) * len(SCREENING_FACTORS)
    assert rows.reference.tolist() == [0] * n + [1] * n + [2] * n
    assert rows.strain[:n].tolist() == [-0.1] * 17 + [0.1] * 17
    assert rows.screening_factor[:17].tolist() == list(SCREENING_FACTORS)
    assert rows.usable.all()
    for i, r in enumerate(references):
        table, sf, a, u = repeated([r], np.array(SCREENING_FACTORS))
        alone = relax(table, sf, a * 0.9, u)
        mine = slice(i * n, i * n + 17)
        np.testing.assert_allclose(rows.lattice_error[mine], alone.lattice_constant / a - 1, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(
            rows.instability_index[mine], instability(table, alone.lattice_constant, alone.oxygen_parameter), rtol=1e-6
        )


def test_oxygen_of_a_spinel_drifts_little_and_that_of_a_perovskite_not_at_all() -> None:
    rows = relaxation_rows([PEROVSKITES[0], SPINELS[0]])
    assert (rows.site_shift[rows.reference == 0] == 0).all()
    drift = rows.site_shift[rows.reference == 1]
    assert 0 < drift.max() < 0.01
    last = np.flatnonzero(rows.reference == 1)[-1]
    assert drift[-1] == pytest.approx(4 / 7 * np.sqrt(3) * abs(rows.oxygen_parameter[last] - 0.2624))


def test_rows_without_a_lattice_say_why() -> None:
    rows = relaxation_rows(PEROVSKITES[:1], strains=[0.0], screening_factors=[0.6, 1.6])
    assert rows.usable.tolist() == [True, False]
    assert rows.reason == (None, NO_MINIMUM)
    assert np.isnan([rows.lattice_error[1], rows.site_shift[1], rows.instability_index[1]]).all()


def test_screening_factors_are_those_of_the_paper() -> None:
    np.testing.assert_allclose(SCREENING_FACTORS, np.linspace(0.55, 0.75, 17), atol=1e-12)
