"""Descriptors of formulas: those of a crystal of the same composition, and what has none."""

from __future__ import annotations

import numpy as np
import pytest
from tests.platform_.composition_cases import fractions_of

from matsift.crystal import Crystal
from matsift.descriptors.element_fractions import ELEMENT_FRACTIONS
from matsift.descriptors.of_compositions import (
    columns_of,
    composition_sets,
    compute_compositions,
    described_amounts,
)
from matsift.descriptors.registry import compute, descriptor_set
from matsift.errors import UserInputError

FORMULAS = {
    "NaCl": ["Na", "Cl"],
    "Sr2TiO4": ["Sr", "O", "O", "Ti", "O", "Sr", "O"],
    "Si": ["Si"],
    "Fe3O4": [*["Fe"] * 3, *["O"] * 4],
}


def crystal_of(symbols: list[str]) -> Crystal:
    places = np.arange(len(symbols))[:, None] / len(symbols) * np.ones(3)
    return Crystal.ordered(4.0 * np.eye(3), symbols, places)


@pytest.mark.parametrize("name", composition_sets())
def test_a_formula_has_the_descriptors_of_a_crystal_of_it(name: str) -> None:
    chunk = compute_compositions([name], list(FORMULAS))
    assert chunk.failures == {}
    crystals = compute(name, [crystal_of(symbols) for symbols in FORMULAS.values()])
    np.testing.assert_array_equal(chunk.values, crystals.values)
    assert columns_of([name]) == descriptor_set(name).columns


def test_fractions_are_those_of_pymatgen() -> None:
    formulas = ["NaCl", "Na3Cl3", "Mg(OH)2", "RbSr2ClF4", "Lr"]
    found = compute_compositions(["element_fractions"], formulas).values
    np.testing.assert_allclose(found, fractions_of(formulas), rtol=0, atol=1e-15)
    assert ELEMENT_FRACTIONS.columns[::34] == ("fraction_H", "fraction_Br", "fraction_Tm", "fraction_Lr")


@pytest.mark.parametrize("name", composition_sets())
def test_multiples_of_a_formula_have_equal_descriptors(name: str) -> None:
    values = compute_compositions([name], ["SrTiO3", "Sr7Ti7O21"]).values
    np.testing.assert_allclose(values[0], values[1], rtol=1e-13)


def test_sets_stand_one_after_the_other_in_chunks_of_any_number() -> None:
    amounts = np.zeros((9000, 103), dtype=np.int16)
    amounts[np.arange(9000), np.arange(9000) % 80] = 1
    amounts[:, 90] = 2
    values = described_amounts(["element_fractions", "magpie"], amounts)
    assert values.shape == (9000, 103 + 145)
    np.testing.assert_array_equal(values[8080], values[80 % 80])
    np.testing.assert_array_equal(values[-40:], described_amounts(["element_fractions", "magpie"], amounts[-40:]))


def test_a_formula_that_is_none_does_not_stop_the_others() -> None:
    chunk = compute_compositions(["magpie", "element_fractions"], ["NaCl", "Xx2", "LiF"])
    assert list(chunk.failures) == [1]
    assert "Xx is none of the elements" in chunk.failures[1][1]
    assert np.isnan(chunk.values[1]).all()
    assert np.isfinite(chunk.values[[0, 2]]).all()
    assert compute_compositions(["magpie"], []).values.shape == (0, 145)


def test_a_crystal_with_an_element_beyond_lawrencium_is_a_failure() -> None:
    chunk = compute("element_fractions", [crystal_of(["Og", "F"]), crystal_of(["Li", "F"])])
    assert chunk.failures == {0: ("DescriptorError", "an element is heavier than Lr")}
    assert np.isnan(chunk.values[0]).all()
    assert chunk.values[1, [2, 8]].tolist() == [0.5, 0.5]


def test_a_set_of_crystals_and_rows_that_are_no_compositions_give_a_sentence() -> None:
    with pytest.raises(UserInputError, match="'voronoi' needs a crystal; of a formula alone there are magpie, element"):
        described_amounts(["magpie", "voronoi"], np.ones((1, 103)))
    for bad in (0.0, -1.0, np.nan):
        amounts = np.ones((3, 103))
        amounts[2] = bad
        with pytest.raises(UserInputError, match="row 2 is no composition"):
            described_amounts(["element_fractions"], amounts)
