"""Tables of counts: formulas of any brackets, as pymatgen reads and writes them; sets of rows as Python makes them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from matsift.errors import UserInputError
from matsift.generative.formulas import SYMBOLS, Compositions, read_formulas

some_amounts = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 20), min_size=1, max_size=8)


def test_amounts_are_kept_as_written() -> None:
    """A formula is a row of counts by atomic number; its own multiple is another row until both are reduced."""
    some = Compositions.from_formulas(["NaCl", "Na4Cl4", "SrYF5"])
    assert some.amounts() == [{"Na": 1, "Cl": 1}, {"Na": 4, "Cl": 4}, {"F": 5, "Sr": 1, "Y": 1}]
    assert some.n_atom.tolist() == [2, 8, 7]
    assert some.n_element.tolist() == [2, 2, 3]
    assert some.largest_count.tolist() == [1, 4, 5]
    assert len(some.unique()) == 3
    assert some.reduced().unique().amounts() == [{"Na": 1, "Cl": 1}, {"F": 5, "Sr": 1, "Y": 1}]


@pytest.mark.parametrize(
    "formula", ["Ca3(PO4)2", "K4[Fe(CN)6]", "Na{Al(OH)4}", "H2O(NH3)12", "C2H5OH", "(NH4)2SO4", "U3O8", "Lr2O3"]
)
def test_brackets_multiply_out(formula: str) -> None:
    """Brackets of every kind and depth are read as pymatgen reads them."""
    expected = Composition(formula.translate(str.maketrans("{}", "()"))).get_el_amt_dict()
    assert Compositions.from_formulas([formula]).amounts()[0] == {symbol: int(n) for symbol, n in expected.items()}


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("Xx2O", "Xx is none of the elements"),
        ("Rf2O", "Rf is none of the elements"),
        ("Na0.5Cl", "whole numbers of atoms"),
        ("Na(Cl", "whole numbers of atoms"),
        ("", "whole numbers of atoms"),
        ("2NaCl", "whole numbers of atoms"),
        ("Na0", "no atoms"),
        ("C99999", "more than 32767"),
        ("(C99)9999", "more than 32767"),
        ("(C)99999", "whole numbers of atoms"),
    ],
)
def test_each_bad_formula_is_told_and_the_others_are_read(formula: str, says: str) -> None:
    """One sentence a bad formula, by its position; the rows of the good ones keep their positions."""
    read = read_formulas(["NaCl", formula, "KBr"])
    assert list(read.failures) == [1]
    assert says in read.failures[1]
    assert read.rows.tolist() == [0, 2]
    assert read.compositions.formulas() == ["NaCl", "KBr"]
    with pytest.raises(UserInputError, match="1 of 3 formulas"):
        Compositions.from_formulas(["NaCl", formula, "KBr"])


@settings(max_examples=60, deadline=None)
@given(st.lists(some_amounts, min_size=1, max_size=6))
def test_formulas_are_those_of_pymatgen(tables: list[dict[str, int]]) -> None:
    """Reading what pymatgen writes gives the counts back; writing gives pymatgen's reduced formula."""
    theirs = [Composition(amounts) for amounts in tables]
    some = Compositions.from_formulas([composition.formula.replace(" ", "") for composition in theirs])
    assert some.amounts() == [
        dict(sorted(amounts.items(), key=lambda item: SYMBOLS.index(item[0]))) for amounts in tables
    ]
    assert some.formulas() == [composition.reduced_formula for composition in theirs]
    np.testing.assert_allclose(some.fractions().sum(axis=1), 1.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(some_amounts, max_size=12), st.lists(some_amounts, max_size=12))
def test_sets_of_rows(ours: list[dict[str, int]], theirs: list[dict[str, int]]) -> None:
    """First rows and membership are those of Python's sets."""
    a, b = (
        Compositions.from_formulas(["".join(f"{s}{n}" for s, n in amounts.items()) for amounts in [*tables, *tables]])
        for tables in (ours, theirs)
    )
    first: list[dict[str, int]] = []
    for amounts in a.amounts():
        if amounts not in first:
            first.append(amounts)
    assert a.unique().amounts() == first
    assert a.is_in(b).tolist() == [amounts in b.amounts() for amounts in a.amounts()]
    assert a.position_in(a).tolist() == [a.amounts().index(amounts) for amounts in a.amounts()]
    assert len(Compositions.concatenated([a, b])) == len(a) + len(b)


def test_an_empty_row_has_an_empty_formula() -> None:
    """A generator may make a row of no atoms."""
    nothing = Compositions(np.zeros((1, 103), dtype=np.int16))
    assert nothing.formulas() == [""]
    assert nothing.fractions().sum() == 0
    assert nothing.reduced().n_atom.tolist() == [0]


def test_a_table_of_another_width_is_refused() -> None:
    """Counts stand in 103 columns."""
    with pytest.raises(UserInputError, match=r"\(n, 103\)"):
        Compositions(np.zeros((2, 87), dtype=np.int16))


def test_entries_of_one_element_add_up() -> None:
    """A table is made of (row, column, count)."""
    made = Compositions.of_entries(2, np.array([0, 0, 1]), np.array([7, 7, 10]), np.array([1, 2, 4]))
    assert made.amounts() == [{"O": 3}, {"Na": 4}]
