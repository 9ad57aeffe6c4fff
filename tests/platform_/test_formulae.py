"""Formulae are letter for letter those of pymatgen."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.formulae import Formulae, formulae

SYMBOLS = st.sampled_from(ELEMENT_SYMBOLS) | st.sampled_from(
    ["Li", "Na", "H", "C", "N", "O", "F", "P", "S", "He", "Og"]
)
AMOUNTS = st.integers(1, 48) | st.sampled_from([2, 4, 8, 12, 24])


def by_pymatgen(amounts: dict[str, float]) -> Formulae:
    composition = Composition(amounts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return Formulae(
            composition.formula,
            composition.reduced_formula,
            composition.anonymized_formula,
            float(composition.weight),
        )


@given(st.dictionaries(SYMBOLS, AMOUNTS, min_size=1, max_size=8))
def test_whole_amounts(amounts: dict[str, int]) -> None:
    assert formulae(amounts) == by_pymatgen(dict(amounts))


@given(st.dictionaries(SYMBOLS, AMOUNTS | st.floats(1e-4, 40), min_size=1, max_size=6))
def test_amounts_of_shared_sites(amounts: dict[str, float]) -> None:
    assert formulae(amounts) == by_pymatgen(amounts)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_element_alone_and_with_oxygen(number: int) -> None:
    for symbol in ELEMENT_SYMBOLS:
        for amounts in ({symbol: float(number)}, {symbol: 2.0 * number, "O": 2.0}, {"Na": 2.0, symbol: 4.0, "O": 16.0}):
            assert formulae(amounts) == by_pymatgen(amounts)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ({"O": 6}, ("O6", "O2", "A")),
        ({"Na": 4, "O": 4}, ("Na4 O4", "Na2O2", "AB")),
        ({"Na": 2, "N": 2}, ("Na2 N2", "NaN", "AB")),
        ({"Ca": 6, "P": 4, "O": 16}, ("Ca6 P4 O16", "Ca3(PO4)2", "A2B3C8")),
        ({"Ar": 1, "He": 2, "Na": 1}, ("Na1 Ar1 He2", "NaArHe2", "ABC2")),
        (dict.fromkeys(ELEMENT_SYMBOLS[:30], 1), None),
    ],
    ids=["dioxygen", "peroxide", "sodium nitride", "polyanion", "noble gases", "more than letters"],
)
def test_special_cases(amounts: dict[str, float], expected: tuple[str, str, str] | None) -> None:
    found = formulae(amounts)
    assert found == by_pymatgen(amounts)
    assert expected in (None, (found.formula, found.reduced, found.anonymous))
