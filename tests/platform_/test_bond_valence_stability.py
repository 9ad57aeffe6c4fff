"""Charges, oxidation states, bond valence sums and the instability index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.oxide_cells import crooked_perovskite, perovskite, rock_salt, spinel

from matsift.bond_valence.charges import NoValencesError, assign_valences, fractional_charges
from matsift.bond_valence.parameters import NoIonParametersError, known_ions, published_ions
from matsift.bond_valence.stability import Scope, bond_valence_sums, global_instability_index
from matsift.crystal import Crystal
from matsift.descriptors.bond_valence import BOND_VALENCE, compute_bond_valence

IONS = st.sampled_from(known_ions())


@pytest.mark.parametrize(
    ("valences", "n", "counts", "charges"),
    [
        ([2, 4, -2], [5, 4, 2], [1, 1, 3], [1.08288, 2.42140, -1.16810]),
        ([2, 3, -2], [3, 3, 2], [1, 2, 4], [1.27789, 1.91683, -1.27789]),
    ],
    ids=["SrTiO3", "MgAl2O4"],
)
def test_charges_are_the_published_ones(
    valences: list[float], n: list[float], counts: list[float], charges: list[float]
) -> None:
    found = fractional_charges(np.array(valences), np.array(n), np.array(counts))
    np.testing.assert_allclose(found, charges, rtol=0, atol=6e-6)


@given(first=IONS, second=IONS, amounts=st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_an_oxide_is_neutral(first: tuple[str, int], second: tuple[str, int], amounts: tuple[int, int]) -> None:
    valences = np.array([first[1], second[1], -2.0])
    counts = np.array([2.0 * amounts[0], 2.0 * amounts[1], amounts[0] * first[1] + amounts[1] * second[1]])
    n = np.array([published_ions()[first].n, published_ions()[second].n, 2.0])
    charges = fractional_charges(valences, n, counts)
    assert abs(charges @ counts) < 1e-12 * counts.sum()
    assert ((charges > 0) == (valences > 0)).all()


def test_charges_of_many_formulae_are_those_of_each() -> None:
    many = fractional_charges(
        np.array([[2, 4, -2], [3, 3, -2]]), np.array([[5, 4, 2], [6, 3, 2]]), np.array([[1, 1, 3], [1, 1, 3]])
    )
    alone = fractional_charges(np.array([3, 3, -2]), np.array([6, 3, 2]), np.array([1, 1, 3]))
    np.testing.assert_array_equal(many[1], alone)


@pytest.mark.parametrize(
    ("crystal", "sums", "cations", "everything"),
    [
        (rock_salt("Mg", 4.212), {"Mg": 1.9415, "O": 1.9415}, 0.0585, 0.0585),
        (rock_salt("Ni", 4.177), {"Ni": 1.9148, "O": 1.9148}, 0.0852, 0.0852),
        (rock_salt("Ca", 4.8105), {"Ca": 1.7334, "O": 1.7334}, 0.2666, 0.2666),
        (perovskite("Sr", "Ti", 3.905), {"Sr": 2.0793, "Ti": 3.9346, "O": 2.0046}, 0.0727, 0.0461),
        (perovskite("Ba", "Ti", 4.00), {"Ba": 2.6449, "Ti": 3.5675}, 0.5491, None),
        (perovskite("La", "Al", 3.79), {}, 0.1023, None),
        (perovskite("Sr", "Ti", 3.905 * 1.1), {}, 1.1461, None),
    ],
    ids=["MgO", "NiO", "CaO", "SrTiO3", "BaTiO3", "LaAlO3", "SrTiO3 a tenth too large"],
)
def test_valence_sums_and_index_are_the_published_ones(
    crystal: Crystal, sums: dict[str, float], cations: float, everything: float | None
) -> None:
    valences = assign_valences(crystal)
    found = bond_valence_sums(crystal, valences)
    for symbol, value in sums.items():
        np.testing.assert_allclose(found[np.array(crystal.species) == symbol], value, rtol=0, atol=6e-5)
    indices: dict[Scope, float | None] = {"cations": cations, "all": everything}
    for scope, index in indices.items():
        if index is not None:
            assert global_instability_index(found, valences, scope) == pytest.approx(index, abs=6e-5)


@pytest.mark.parametrize("crystal", [crooked_perovskite(), spinel("Zn", "Fe", 8.44, 0.26)], ids=["crooked", "spinel"])
def test_cations_have_in_sum_what_the_oxygen_has(crystal: Crystal) -> None:
    valences = assign_valences(crystal)
    sums = bond_valence_sums(crystal, valences)
    assert sums[valences > 0].sum() == pytest.approx(sums[valences < 0].sum(), abs=1e-10)


@pytest.mark.parametrize(
    ("crystal", "states"),
    [
        (perovskite("La", "Mn", 3.90), {"La": {3}, "Mn": {3}}),
        (perovskite("Ca", "Mn", 3.73), {"Ca": {2}, "Mn": {4}}),
        (perovskite("Eu", "Ti", 3.905), {"Eu": {2}, "Ti": {4}}),
        (perovskite("Sr", "Ti", 4.9), {"Sr": {2}, "Ti": {4}}),
        (spinel("Zn", "Fe", 8.44, 0.2607), {"Zn": {2}, "Fe": {3}}),
        (spinel("Co", "Co", 8.084, 0.2633), {"Co": {2, 3}}),
    ],
    ids=[
        "one balance",
        "another state",
        "lowest index of two balances",
        "far too large",
        "two to three",
        "sites told apart",
    ],
)
def test_oxidation_states_balance_the_oxygen(crystal: Crystal, states: dict[str, set[int]]) -> None:
    valences = assign_valences(crystal)
    assert valences.sum() == 0
    for symbol, expected in states.items():
        assert set(valences[np.array(crystal.species) == symbol].tolist()) == expected


def test_the_octahedral_cobalt_of_its_spinel_is_trivalent() -> None:
    crystal = spinel("Co", "Co", 8.084, 0.2633)
    octahedral = (np.abs(crystal.frac_coords * 8 - np.rint(crystal.frac_coords * 8 / 2) * 2) < 1e-6).all(axis=1)
    valences = assign_valences(crystal)
    assert set(valences[octahedral & (valences > 0)].tolist()) == {3}
    assert sorted(valences[valences > 0].tolist()) == [2] * 8 + [3] * 16


@pytest.mark.parametrize(
    ("crystal", "error", "sentence"),
    [
        (rock_salt("Na", 4.8), NoValencesError, "no oxidation states of Na with parameters balance"),
        (spinel("Li", "Mn", 8.247, 0.263), NoValencesError, "or they are mixed on equal sites"),
        (rock_salt("Pu", 5.4), NoIonParametersError, "the element Pu has no bond-valence parameters beside O2-"),
        (perovskite("K", "Cu", 4.0), NoValencesError, "no oxidation states of Cu and K"),
        (
            Crystal.ordered(np.eye(3) * 4, ["Ba", "O", "O"], np.array([(0, 0, 0), (0.5, 0.5, 0.32), (0.5, 0.5, 0.68)])),
            NoValencesError,
            "two oxygen atoms are 1.44 angstrom apart; they are not O2-",
        ),
        (perovskite("Cl", "Al", 5.5), NoValencesError, r"^Cl3\+ would have a bond valence sum of 0\.15, so"),
        (Crystal.ordered(np.eye(3) * 3.0, ["Fe"], np.zeros((1, 3))), NoValencesError, "the crystal is no oxide"),
        (Crystal.ordered(np.eye(3) * 3.0, ["O"], np.zeros((1, 3))), NoValencesError, "the crystal is no oxide"),
        (
            Crystal(np.eye(3) * 4.2, ("Mg", "Fe", "O"), np.array([(0, 0, 0), (0, 0, 0), (0.5, 0.5, 0.5)]),
                    np.array([0.5, 0.5, 1.0]), np.array([0, 0, 1])),
            NoValencesError,
            "the crystal is disordered",
        ),
    ],
    ids=["no balance", "mixed", "unknown", "two", "peroxide", "chloride", "metal", "oxygen", "disordered"],
)  # fmt: skip
def test_a_crystal_without_oxidation_states_says_why(crystal: Crystal, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        assign_valences(crystal)


def test_the_descriptors_of_a_chunk_are_of_those_that_are_oxides() -> None:
    metal = Crystal.ordered(np.eye(3) * 3.0, ["Fe"], np.zeros((1, 3)))
    chunk = compute_bond_valence([perovskite("Sr", "Ti", 3.905), metal, rock_salt("Mg", 4.212)])
    assert chunk.failures == {
        1: ("NoValencesError", "the crystal is no oxide; the force field knows cations beside O2- only")
    }
    assert np.isnan(chunk.values[1]).all()
    found = dict(zip(BOND_VALENCE.columns, chunk.values[0], strict=True))
    expected = [0.0727, 0.0461, 0.0069, -0.0654, 0.0793, 0.0046]
    np.testing.assert_allclose(list(found.values()), expected, rtol=0, atol=1e-4)
    np.testing.assert_allclose(chunk.values[2], [0.0585, 0.0585, -0.0585, -0.0585, -0.0585, -0.0585], atol=6e-5)


def test_a_chunk_without_any_oxide_has_no_values() -> None:
    chunk = compute_bond_valence([Crystal.ordered(np.eye(3) * 3.0, ["Fe"], np.zeros((1, 3)))])
    assert chunk.values.shape == (1, 6)
    assert list(chunk.failures) == [0]
