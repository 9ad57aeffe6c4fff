"""Energy, instability and ions of perovskites and spinels beside those of any oxide (science.md 1.3, 1.8)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.factories.prototypes import BOTH, PEROVSKITES, SPINELS, arrays, both

from matsift.bond_valence.charges import assign_valences
from matsift.bond_valence.dataset import Reference
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
from matsift.bond_valence.stability import bond_valence_sums, global_instability_index
from matsift.errors import UserInputError

Array = NDArray[np.float64]


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


def test_an_index_of_unknown_ions_is_refused() -> None:
    table, a, u = arrays(SPINELS)
    with pytest.raises(UserInputError, match="no instability index of 'anions'; use one of cations, all"):
        instability(table, a, u, "anions")
