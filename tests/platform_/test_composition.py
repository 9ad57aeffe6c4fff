"""The 145 composition descriptors, against matminer itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matminer.featurizers.composition import ElementProperty, IonProperty, Stoichiometry, ValenceOrbital
from numpy.typing import NDArray
from pymatgen.core import Composition, Element

from matsift.crystal import Crystal
from matsift.descriptors.composition import MAGPIE, can_balance, compositions_of, compute_magpie, magpie_descriptors

REFERENCE = (
    Stoichiometry(),
    ElementProperty.from_preset("magpie"),
    ValenceOrbital(props=["avg"]),
    IonProperty(fast=True),
)
FORMULAE = (
    "Na", "He", "NaCl", "Na3PS4", "Fe3O4", "Fe2O3", "NaKRbCsFClBrI", "Li10GeP2S12", "XeF2", "HeNe", "Na11.5PS4.25Cl",
    "PuO2", "Al2Mg", "BaTiO3", "CaCu3Ti4O12", "U3Si2", "H2O", "Na1Cl1Br1", "OgTs", "ScN", "MnFeCoNiCr",
)  # fmt: skip


def crystal_of(formula: str) -> Crystal:
    """Return a crystal of this composition: one site an element, occupied by the amount over 100."""
    amounts = Composition(formula).get_el_amt_dict()
    n = len(amounts)
    return Crystal(np.eye(3), tuple(amounts), np.zeros((n, 3)), np.array(list(amounts.values())), np.arange(n))


def ours(formulae: Sequence[str]) -> NDArray[np.float64]:
    return magpie_descriptors(compositions_of([crystal_of(f) for f in formulae]))


def matminers(formula: str) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([float(v) for f in REFERENCE for v in f.featurize(Composition(formula))])


def test_names_and_counts_are_matminers() -> None:
    labels = [f.feature_labels() for f in REFERENCE]
    assert [len(part) for part in labels] == [6, 132, 4, 3]
    assert MAGPIE.columns == tuple(name for part in labels for name in part)


@pytest.mark.parametrize("formula", FORMULAE)
def test_values_are_matminers(formula: str) -> None:
    np.testing.assert_allclose(ours([formula])[0], matminers(formula), rtol=1e-12, atol=1e-12)


def test_a_chunk_gives_what_each_composition_gives_alone() -> None:
    together = ours(FORMULAE)
    assert np.array_equal(together, np.concatenate([ours([formula]) for formula in FORMULAE]))


SYMBOLS = [Element.from_Z(z).symbol for z in range(1, 119)]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 12), min_size=1, max_size=5))
def test_random_compositions_agree_with_matminer(amounts: dict[str, int]) -> None:
    formula = "".join(f"{symbol}{amount}" for symbol, amount in amounts.items())
    np.testing.assert_allclose(ours([formula])[0], matminers(formula), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("states", "amounts", "expected"),
    [
        ([(1,), (-1,)], [1, 1], True),
        ([(2, 3), (-2,)], [3, 4], False),
        ([(2, 3), (-2,)], [2, 3], True),
        ([(), (-1,)], [1, 1], False),
        ([(1,), (5,), (-2,)], [0.3, 0.1, 0.4], True),
    ],
    ids=["NaCl", "mixed valence", "Fe2O3", "noble gas", "fractions that do not add up exactly"],
)
def test_charge_balance(states: list[tuple[int, ...]], amounts: list[float], expected: bool) -> None:
    assert can_balance(states, amounts) is expected


def test_an_unknown_element_fails_alone() -> None:
    good = crystal_of("NaCl")
    strange = Crystal.ordered(np.eye(3), ["Na", "Xx"], np.zeros((2, 3)))
    chunk = compute_magpie([good, strange, good])
    assert chunk.failures == {1: ("DescriptorError", "there is no element Xx")}
    assert np.isnan(chunk.values[1]).all()
    assert np.array_equal(chunk.values[0], chunk.values[2])
    assert chunk.values.shape == (3, 145)


def test_an_empty_chunk_is_empty() -> None:
    assert compute_magpie([]).values.shape == (0, 145)


def test_deuterium_counts_as_hydrogen() -> None:
    hydrides = [Crystal.ordered(np.eye(3), [symbol, "Li"], np.zeros((2, 3))) for symbol in "DH"]
    heavy, light = compute_magpie(hydrides).values
    assert np.array_equal(heavy, light)


def test_disordered_sites_count_by_occupancy() -> None:
    alloy = Crystal(np.eye(3), ("Na", "K"), np.zeros((2, 3)), np.array([0.25, 0.75]), np.zeros(2, dtype=np.int64))
    np.testing.assert_allclose(compute_magpie([alloy]).values[0], matminers("Na0.25K0.75"), rtol=1e-12, atol=1e-12)
