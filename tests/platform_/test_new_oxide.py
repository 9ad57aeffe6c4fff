"""Formulae of oxides that somebody asks about: what is understood, and what is refused in which words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition

from matsift.bond_valence.new_oxide import familiarity, ion_pair, read_formula
from matsift.errors import UserInputError


@pytest.mark.parametrize(
    ("formula", "prototype", "ions", "name"),
    [
        ("SrHfO3", "perovskite", (), "perovskite Sr2+ Hf4+"),
        ("HfSrO3", "perovskite", (), "perovskite Sr2+ Hf4+"),
        ("Sr2 Hf2 O6", "perovskite", (), "perovskite Sr2+ Hf4+"),
        ("LaAlO3", "perovskite", (), "perovskite La3+ Al3+"),
        ("MgAl2O4", "spinel", (), "spinel Mg2+ Al3+"),
        ("Al4Mg2O8", "spinel", (), "spinel Mg2+ Al3+"),
        ("Co3O4", "spinel", ("Co2+", "Co3+"), "spinel Co2+ Co3+"),
        ("FeTiO3", "perovskite", ("Ti4+", "Fe2+"), "perovskite Fe2+ Ti4+"),
    ],
    ids=["as written", "any order", "not reduced", "3-3", "spinel", "spinel, not reduced", "one element", "chosen"],
)
def test_ions_stand_on_their_sites(formula: str, prototype: str, ions: tuple[str, ...], name: str) -> None:
    assert ion_pair(formula, prototype, ions).name == name


@pytest.mark.parametrize(
    ("formula", "prototype", "ions", "told"),
    [
        ("", "perovskite", (), "'' is not a formula"),
        ("Sr(HfO3)", "perovskite", (), "is not a formula; write element symbols"),
        ("SrHf0.5O3", "perovskite", (), "is not a formula"),
        ("XxHfO3", "perovskite", (), "'Xx' in XxHfO3 is not a chemical element"),
        ("SrHf0O3", "perovskite", (), "counts an element zero times"),
        (
            "SrHfO4",
            "perovskite",
            (),
            "SrHfO4 does not fit a perovskite: it takes two cations and oxygen as 1 to 1 to 3",
        ),
        ("SrHfS3", "perovskite", (), "does not fit a perovskite"),
        ("SrTiO3", "spinel", (), "SrTiO3 does not fit a spinel: .* as 1 to 2 to 4, like MgAl2O4"),
        ("SrHfO3", "garnet", (), "there is no prototype 'garnet'"),
        ("SrPuO3", "perovskite", (), "no parameters for any ion of Pu"),
        ("SrAlO3", "perovskite", (), "no ions with bond-valence parameters make a charge-balanced perovskite"),
        ("FeTiO3", "perovskite", (), "FeTiO3 balances as .*Fe2\\+ Ti4\\+.* or .*; say which with --ions"),
        ("FeTiO3", "perovskite", ("Fe2+", "Ti3+"), "does not balance with Fe2\\+ and Ti3\\+; it does as "),
        ("SrHfO3", "perovskite", ("strontium",), "'strontium' is not a cation"),
        ("O3", "perovskite", (), "does not fit a perovskite"),
        ("A" * 90, "perovskite", (), "\\.\\.\\.' is not a formula|is not a chemical element"),
    ],
    ids=[
        *("empty", "brackets", "fraction", "no element", "zero", "too much oxygen", "no oxide", "other prototype"),
        *("no prototype", "no parameters", "no balance", "ambiguous", "wrong choice", "no ion", "oxygen", "long"),
    ],
)
def test_what_cannot_be_answered_is_told(formula: str, prototype: str, ions: tuple[str, ...], told: str) -> None:
    with pytest.raises(UserInputError, match=told):
        ion_pair(formula, prototype, ions)


@given(st.dictionaries(st.sampled_from(["Sr", "Ti", "O", "La", "S"]), st.integers(1, 30), min_size=2))
def test_formulae_are_read_as_pymatgen_reads_them(amounts: dict[str, int]) -> None:
    written = "".join(f"{symbol}{n}" for symbol, n in amounts.items())
    reduced, _ = Composition(written).get_reduced_composition_and_factor()
    own = read_formula(written)
    divisor = reduced.num_atoms / sum(own.values())  # pymatgen does not reduce what chemists do not, such as O2
    assert {symbol: n * divisor for symbol, n in own.items()} == pytest.approx(reduced.get_el_amt_dict())


def test_what_lies_beyond_all_known_rows_is_an_extrapolation() -> None:
    known = np.random.default_rng(5).normal(size=(60, 3))
    inside = familiarity(known[7] + 1e-3, known, ("x", "y", "z"))
    assert (inside.nearest, inside.outside, inside.is_extrapolation) == (7, (), False)
    assert inside.distance == pytest.approx(float(np.linalg.norm(1e-3 / known.std(axis=0))))
    far = familiarity(known.max(axis=0) + np.array([1.0, -1.0, 1.0]), known, ("x", "y", "z"))
    assert far.outside[0] == "x"
    assert "y" not in far.outside
    assert far.is_extrapolation


def test_a_hole_among_known_rows_is_an_extrapolation_too() -> None:
    rng = np.random.default_rng(5)
    known = np.concatenate([rng.normal(-5.0, 0.1, size=(40, 2)), rng.normal(5.0, 0.1, size=(40, 2))])
    between = familiarity(np.zeros(2), known, ("x", "y"))
    assert between.outside == ()
    assert between.is_extrapolation
