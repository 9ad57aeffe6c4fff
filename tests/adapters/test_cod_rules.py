"""Which compositions count as organic, and which entries of COD a study leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from matsift.study.cod import CodMirror
from matsift_adapters.sources.cod_rules import amounts, formula_in, is_excluded, is_organic


@pytest.mark.parametrize(
    ("formula", "organic"),
    [
        ("C9 H8 O4", True),
        ("C H4", True),
        ("C10 H10 Fe", True),
        ("C24 H12 O13 Zn4", True),
        ("C H4 N2 O", True),
        ("C2 H4 N4 O6", True),
        ("C2 H2 Ca O5", True),
        ("C D4", True),
        ("C H2 Cu2 O5", False),
        ("C H Na O3", False),
        ("C Ca O3", False),
        ("C Si", False),
        ("C", False),
        ("C6 Fe K4 N6", False),
        ("C O2", False),
        ("Cl H4 N", False),
        ("Cl Na", False),
    ],
    ids=[
        "aspirin",
        "methane",
        "ferrocene",
        "metal-organic-framework",
        "urea",
        "nonmetals-with-oxygen",
        "oxalate-hydrate",
        "deuterated",
        "malachite",
        "baking-soda",
        "calcite",
        "carbide",
        "diamond",
        "cyanide",
        "dry-ice",
        "salmiac",
        "rock-salt",
    ],
)
def test_organic_is_carbon_with_hydrogen_but_for_carbonates(formula: str, organic: bool) -> None:
    composition = amounts(formula)
    assert composition is not None
    assert is_organic(composition) is organic


@pytest.mark.parametrize(
    ("text", "composition"),
    [
        ("- C9 H8 O4 -", {"C": 9, "H": 8, "O": 4}),
        ("Al0.5 Na D2 H", {"Al": 0.5, "Na": 1, "H": 3}),
        ("Cl, Na", {"Cl": 1, "Na": 1}),
        ("Xx2 O", None),
        ("NaCl2x", None),
        ("", None),
    ],
    ids=["as-in-a-search", "fractions-and-isotopes", "commas", "no-element", "no-formula", "nothing"],
)
def test_a_formula_is_counted(text: str, composition: dict[str, float] | None) -> None:
    assert amounts(text) == composition


@pytest.mark.parametrize(
    ("line", "formula"),
    [
        (b"_chemical_formula_sum            'Cl Na'\n", "Cl Na"),
        (b'_chemical_formula_sum "Cl Na"\n', "Cl Na"),
        (b"_chemical_formula_sum Na\n", "Na"),
        (b"_chemical_formula_sum\n 'C9 H8 O4'\n", "C9 H8 O4"),
        (b"_chemical_formula_sum\r\n;\r\nC9 H8\r\nO4\r\n;\r\n", "C9 H8\nO4"),
        (b"_chemical_formula_sum ?\n", None),
        (b"_chemical_formula_moiety 'Cl Na'\n", None),
        (b"# _chemical_formula_sum 'Cl Na'\n", None),
    ],
    ids=["quoted", "double", "bare", "next-line", "text-field", "unknown", "other-tag", "comment"],
)
def test_the_formula_is_found_without_parsing(line: bytes, formula: str | None) -> None:
    found = formula_in(b"data_1\n_cell_length_a 1\n" + line + b"_cell_length_b 2\n")
    assert (found and " ".join(found.split())) == (formula and " ".join(formula.split()))


@pytest.mark.parametrize(
    ("choice", "excluded"),
    [
        ({}, False),
        ({"exclude_organic": True}, False),
        ({"elements": ("Na",)}, False),
        ({"elements": ("Na", "O")}, True),
        ({"exclude_elements": ("Cl", "Br")}, True),
        ({"exclude_elements": ("Br",)}, False),
    ],
    ids=["all", "organic", "has", "lacks", "unwanted", "other-unwanted"],
)
def test_elements_choose(choice: dict[str, Any], excluded: bool) -> None:
    settings = CodMirror(kind="cod", name="cod", path="cif", **choice)
    assert is_excluded(settings, {"Na": 1.0, "Cl": 1.0}) is excluded
