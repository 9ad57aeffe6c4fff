"""Perovskites and spinels in the force field: energy, relaxation, screening factors, rows (science.md 1.3, 1.8)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from matsift.bond_valence.charges import assign_valences
from matsift.bond_valence.dataset import SCREENING_FACTORS, STRAINS, Reference, relaxation_rows
from matsift.bond_valence.energy import evaluate
from matsift.bond_valence.ion_pairs import (
    STOICHIOMETRY,
    IonPair,
    NoIonPairError,
    PairTable,
    assign_ions,
    balanced_pairs,
)
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import NoIonParametersError, ion
from matsift.bond_valence.prototype_energy import Derivatives, derivatives, instability
from matsift.bond_valence.prototype_match import PrototypeMatch, build
from matsift.bond_valence.relaxation import NO_MINIMUM, NO_SCREENING_FACTOR, lattice_at, relax, starting_lattice
from matsift.bond_valence.screening_factor import (
    NOT_CONVERGED,
    NOT_LOWEST,
    TOO_TIGHT,
    automatic_screening_factor,
    exact_screening_factor,
)
from matsift.bond_valence.stability import bond_valence_sums, global_instability_index
from matsift.errors import UserInputError

Array = NDArray[np.float64]

PEROVSKITES = [
    Reference(IonPair("perovskite", ion(a, v), ion(b, 6 - v)), lattice)
    for a, v, b, lattice in (
        ("Ba", 2, "Ce", 4.39),
        ("La", 3, "Ga", 3.87),
        ("Sr", 2, "Ti", 3.905),
        ("La", 3, "Al", 3.79),
    )
]
SPINELS = [
    Reference(IonPair("spinel", ion(a, 2), ion(b, 3)), lattice, u)
    for a, b, lattice, u in (("Mg", "Al", 8.083, 0.2624), ("Zn", "Fe", 8.44, 0.2604), ("Zn", "Cr", 8.327, 0.2616))
]
TWO, THREE, FOUR = (
    ("Mg", "Ca", "Sr", "Ba", "Zn", "Cd", "Fe"),
    ("Al", "Ga", "Cr", "Fe", "In", "V"),
    ("Ti", "Zr", "Ce", "Sn"),
)
BOTH = {"perovskites": PEROVSKITES, "spinels": SPINELS}
both = pytest.mark.parametrize("references", BOTH.values(), ids=BOTH.keys())


def arrays(references: list[Reference], variant: Variant | None = None) -> tuple[PairTable, Array, Array]:
    u = [np.nan if r.oxygen_parameter is None else r.oxygen_parameter for r in references]
    table = PairTable.of([r.pair for r in references], variant)
    return table, np.array([r.lattice_constant for r in references]), np.array(u)


def repeated(references: list[Reference], factors: Array) -> tuple[PairTable, Array, Array, Array]:
    """Return the references at each of the factors."""
    table, a, u = arrays(references)
    rows = np.repeat(np.arange(len(references)), len(factors))
    return table.take(rows), np.tile(factors, len(references)), a[rows], u[rows]


@both
@pytest.mark.parametrize("sf", [0.45, 0.65, 0.8])
@pytest.mark.parametrize(
    "variant", [Variant(), Variant(anion_repulsion=False, coulomb_weight=1.0, radii="ionic")], ids=["default", "ionic"]
)
def test_shells_give_the_pressure_and_slope_of_the_general_energy(
    references: list[Reference], sf: float, variant: Variant
) -> None:
    table, a, u = arrays(references, variant)
    found = derivatives(table, np.full(len(a), sf), a, u)
    for i, r in enumerate(references):
        crystal = build(r.pair.prototype, r.pair.a.symbol, r.pair.b.symbol, r.lattice_constant, r.oxygen_parameter)
        general = evaluate([crystal], [assign_valences(crystal)], sf, variant)
        n_formula = crystal.species.count(r.pair.a.symbol) / STOICHIOMETRY[r.pair.prototype][0]
        virial = np.trace(general.stresses[0]) * crystal.volume / n_formula
        assert found.gradient[i, 0] == pytest.approx(virial, rel=1e-7)


def changed(references: list[Reference], which: str, h: float) -> Derivatives:
    table, a, u = arrays(references)
    sf = np.full(len(a), 0.65)
    return derivatives(
        table,
        sf + (h if which == "sf" else 0),
        a * np.exp(h if which == "ln a" else 0),
        u + (h if which == "u" else 0),
    )


@pytest.mark.parametrize(
    ("references", "which"),
    [(PEROVSKITES, "ln a"), (PEROVSKITES, "sf"), (SPINELS, "ln a"), (SPINELS, "u"), (SPINELS, "sf")],
    ids=["perovskite a", "perovskite sf", "spinel a", "spinel u", "spinel sf"],
)
def test_derivatives_agree_with_finite_differences(references: list[Reference], which: str) -> None:
    def difference(value: Callable[[Derivatives], Array]) -> Array:
        steps = {h: value(changed(references, which, h)) for h in (-2e-5, -1e-5, 1e-5, 2e-5)}
        return np.asarray((8 * (steps[1e-5] - steps[-1e-5]) - (steps[2e-5] - steps[-2e-5])) / 12e-5)

    exact = changed(references, which, 0.0)
    if which == "sf":
        np.testing.assert_allclose(difference(lambda d: d.gradient), exact.gradient_sf, rtol=1e-6, atol=1e-6)
        return
    k = 0 if which == "ln a" else 1
    np.testing.assert_allclose(difference(lambda d: d.energy), exact.gradient[:, k], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(difference(lambda d: d.gradient), exact.hessian[:, :, k], rtol=1e-6, atol=1e-6)


@both
@pytest.mark.parametrize("scope", ["cations", "all"])
def test_the_instability_index_is_that_of_the_general_sums(references: list[Reference], scope: str) -> None:
    table, a, u = arrays(references)
    found = instability(table, a, u, scope)
    for i, r in enumerate(references):
        crystal = build(r.pair.prototype, r.pair.a.symbol, r.pair.b.symbol, r.lattice_constant, r.oxygen_parameter)
        valences = assign_valences(crystal)
        wanted = global_instability_index(bond_valence_sums(crystal, valences), valences, scope)  # type: ignore[arg-type]
        assert found[i] == pytest.approx(wanted, abs=1e-10)


def test_the_published_instability_indices() -> None:
    pairs = [IonPair("perovskite", ion("Sr", 2), ion("Ti", 4)), IonPair("perovskite", ion("La", 3), ion("Al", 3))]
    table = PairTable.of([pairs[0], pairs[1], pairs[0]])
    a, none = np.array([3.905, 3.79, 3.905 * 1.1]), np.full(3, np.nan)
    np.testing.assert_allclose(instability(table, a, none), [0.0727, 0.1023, 1.1461], atol=5e-5)
    assert instability(table, a, none, "all")[0] == pytest.approx(0.0461, abs=5e-5)


def test_spinels_are_without_pressure_at_the_calibrated_screening_factors() -> None:
    table, a, u = arrays(SPINELS)
    found = automatic_screening_factor(table, a, u)
    np.testing.assert_allclose(found.screening_factor, [0.630, 0.654, 0.653], atol=0.0015)


@pytest.mark.parametrize(("position", "anchor"), [(0, 0.60), (1, 0.65)], ids=["BaCeO3", "LaGaO3"])
def test_perovskites_are_without_pressure_near_the_papers_read_offs(position: int, anchor: float) -> None:
    table, a, u = arrays(PEROVSKITES)
    assert automatic_screening_factor(table, a, u).screening_factor[position] == pytest.approx(anchor, abs=0.03)


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


def test_charges_of_a_table_are_neutral_and_those_of_the_paper() -> None:
    table = PairTable.of([IonPair("perovskite", ion("Sr", 2), ion("Ti", 4))])
    np.testing.assert_allclose(table.charge[0], [1.08288, 2.42140, -1.16810], atol=6e-6)
    for references in BOTH.values():
        charge = arrays(references)[0].charge
        assert np.abs(charge @ STOICHIOMETRY[references[0].pair.prototype]).max() < 1e-12


def test_ions_balance_and_the_calmer_pair_is_taken() -> None:
    pairs = balanced_pairs("perovskite", "La", "Mn")
    assert [(p.a.oxidation, p.b.oxidation) for p in pairs] == [(3, 3)]
    many = balanced_pairs("spinel", "Sn", "Fe")
    assert [(p.a.oxidation, p.b.oxidation) for p in many] == [(2, 3), (4, 2)]
    table = PairTable.of(many)
    chosen = set()
    for a in (8.4, 8.8):
        found = assign_ions(PrototypeMatch("spinel", "Sn", "Fe", a, 0.262))
        assert found == many[int(np.argmin(instability(table, np.full(2, a), np.full(2, 0.262))))]
        chosen.add(found.a.oxidation)
    assert chosen == {2, 4}


def test_ions_without_balance_or_parameters_are_named() -> None:
    with pytest.raises(NoIonPairError, match="charge-balanced perovskite of Na and Ti: of Na there is Na1\\+; of Ti"):
        assign_ions(PrototypeMatch("perovskite", "Na", "Ti", 4.0, None))
    with pytest.raises(NoIonPairError, match="of Ne there is no ion"):
        assign_ions(PrototypeMatch("spinel", "Ne", "Ti", 8.0, 0.26))


def test_a_table_is_of_one_prototype() -> None:
    with pytest.raises(UserInputError, match="one prototype, not of perovskite, spinel"):
        PairTable.of([PEROVSKITES[0].pair, SPINELS[0].pair])
    with pytest.raises(UserInputError, match="not of none"):
        PairTable.of([])


def test_ionic_radii_are_asked_of_shannon() -> None:
    table = PairTable.of([PEROVSKITES[2].pair], Variant(radii="ionic"))
    np.testing.assert_allclose(table.radius[0], [1.18, 0.605, 1.40])
    assert issubclass(NoIonParametersError, UserInputError)
