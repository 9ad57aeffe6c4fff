"""The table of elements x counts: what is encoded is decoded, and matrices that are no composition are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matsift.errors import UserInputError
from matsift.generative.encoding import PAPER_ELEMENTS, REASONS, Decoded, Encoding
from matsift.generative.formulas import Compositions

amounts_of_the_table = st.dictionaries(st.sampled_from(PAPER_ELEMENTS), st.integers(1, 20), min_size=1, max_size=8)


def test_the_paper_has_87_elements_and_20_counts() -> None:
    """H to Pu but for the noble gases Ne, Ar, Rn and Po, At, Fr, Ra; a one stands at (element, count - 1)."""
    table = Encoding()
    assert table.shape == (87, 20)
    assert (PAPER_ELEMENTS[0], PAPER_ELEMENTS[-1]) == ("H", "Pu")
    matrix = table.matrices(Compositions.from_formulas(["SrYF5"]))[0]
    places = [(table.symbols[e], n + 1) for e, n in zip(*np.nonzero(matrix), strict=True)]
    assert places == [("F", 5), ("Sr", 1), ("Y", 1)]
    assert matrix.sum() == 3


@settings(max_examples=60, deadline=None)
@given(st.lists(amounts_of_the_table, min_size=1, max_size=8))
def test_every_formula_of_the_table_comes_back(tables: list[dict[str, int]]) -> None:
    """Encode and decode are inverse for all counts up to 20, without the network."""
    some = Compositions.from_formulas(["".join(f"{s}{n}" for s, n in amounts.items()) for amounts in tables])
    table = Encoding()
    decoded = table.decode(table.matrices(some))
    assert decoded.valid.all()
    np.testing.assert_array_equal(decoded.compositions.counts, some.counts)
    assert decoded.formulas() == some.formulas()
    order = np.arange(len(some))[::-1].copy()
    np.testing.assert_array_equal(table.spread(table.cells(some).take(order)), table.matrices(some)[order])


def test_matrices_that_are_no_composition_are_refused_with_the_reason() -> None:
    """Two counts of one element, no element, and what is no number; half is rounded to 0 as numpy rounds."""
    table = Encoding()
    matrices = table.matrices(Compositions.from_formulas(["NaCl"] * 6))
    sodium = table.symbols.index("Na")
    matrices[1, sodium, 3] = 0.51
    matrices[2] = 0.5
    matrices[3, 0, 0] = np.nan
    matrices[4, sodium, 3] = 0.5
    matrices[5, sodium] = 1
    decoded = table.decode(matrices)
    assert [decoded.sentence(row) for row in range(6)] == [
        "",
        "one element has two counts: Na",
        "no element has a count",
        "an entry is not a number",
        "",
        "one element has two counts: Na",
    ]
    assert decoded.formulas() == ["NaCl", "", "", "", "NaCl", ""]
    assert decoded.valid.tolist() == [True, False, False, False, True, False]
    assert table.decode(matrices[:2], above=0.6).formulas() == ["NaCl", "NaCl"]
    both = Decoded.concatenated([decoded, decoded])
    assert both.formulas() == decoded.formulas() * 2
    assert Decoded.concatenated([]).formulas() == []


def test_compositions_without_a_matrix_are_told() -> None:
    """An element that is not in the table and a count above its largest are two reasons."""
    table = Encoding(("O", "Na", "Cl"), n_count=4)
    some = Compositions.from_formulas(["NaCl", "KCl", "Na5Cl", "K9Cl"])
    assert [REASONS[code] for code in table.refusals(some)] == [
        "",
        "an element is not in the table",
        "a count is above the largest of the table",
        "an element is not in the table",
    ]
    with pytest.raises(UserInputError, match="composition 1, 'KCl', has no matrix: an element"):
        table.matrices(some)


def test_a_table_is_made_of_what_occurs_and_is_kept_as_json() -> None:
    """Elements of compositions by atomic number; the JSON makes an equal table."""
    table = Encoding.of(Compositions.from_formulas(["ZnO", "NaCl"]), n_count=8)
    assert table.symbols == ("O", "Na", "Cl", "Zn")
    assert Encoding.from_json(table.to_json()) == table


@pytest.mark.parametrize("symbols", [(), ("Na", "H"), ("H", "H"), ("Xx",)], ids=["none", "order", "twice", "unknown"])
def test_a_table_of_wrong_elements_is_refused(symbols: tuple[str, ...]) -> None:
    """Elements stand by atomic number, each once."""
    with pytest.raises(UserInputError, match="by atomic number"):
        Encoding(symbols)
    with pytest.raises(UserInputError, match="at least 1"):
        Encoding(n_count=0)
