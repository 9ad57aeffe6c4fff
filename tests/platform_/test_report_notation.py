from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matsift.reports.notation import (
    formula_markup,
    number,
    percent,
    quantity,
    space_group_markup,
    space_group_text,
    symbol,
    text_markup,
)


@pytest.mark.parametrize(
    ("formula", "markup"),
    [
        pytest.param("NaCl", "NaCl", id="no counts"),
        pytest.param("Na3OCl", "Na<sub>3</sub>OCl", id="one count"),
        pytest.param("NaHf2(PO4)3", "NaHf<sub>2</sub>(PO<sub>4</sub>)<sub>3</sub>", id="group"),
        pytest.param("Na0.5Cl", "Na<sub>0.5</sub>Cl", id="fraction"),
        pytest.param("<b>2", "&lt;b&gt;2", id="markup"),
        pytest.param("", "", id="empty"),
    ],
)
def test_counts_stand_below_the_line(formula: str, markup: str) -> None:
    assert formula_markup(formula) == markup


@given(st.text())
def test_no_formula_brings_markup_of_its_own(formula: str) -> None:
    assert "<" not in formula_markup(formula).replace("<sub>", "").replace("</sub>", "")


@pytest.mark.parametrize(
    ("symbol_text", "markup"),
    [
        ("Fm-3m", 'Fm<span class="bar">3</span>m'),
        ("P6_3/mmc", "P6<sub>3</sub>/mmc"),
        ("I4_1/amd", "I4<sub>1</sub>/amd"),
        ("<i>", "&lt;i&gt;"),
    ],
)
def test_space_groups_have_bars_and_screw_axes(symbol_text: str, markup: str) -> None:
    assert space_group_markup(symbol_text) == markup


def test_property_symbols_in_a_sentence_get_their_index() -> None:
    assert text_markup("mean of K_VRH & <x>") == "mean of K<sub>VRH</sub> &amp; &lt;x&gt;"
    assert symbol("energy_above_hull") == "energy above hull"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(12345.678, "12\u202f345.7", id="thousands"),
        pytest.param(-1.26, "−1.3", id="minus sign"),
        pytest.param(-0.04, "0.0", id="no minus zero"),
        pytest.param(None, "–", id="unknown"),
        pytest.param(math.nan, "–", id="NaN"),
    ],
)
def test_numbers_are_written_for_reading(value: float | None, text: str) -> None:
    assert number(value) == text


def test_decimals_follow_the_unit() -> None:
    assert [quantity(1.23456, unit) for unit in ("GPa", "eV", "eV/atom", "K")] == ["1.2", "1.23", "1.235", "1.235"]
    assert percent(0.905, 1) == "90.5 %"


@pytest.mark.parametrize(
    ("written", "text"), [("I4_1/amd (141)", "I4₁/amd (141)"), ("Fm-3m", "Fm-3m"), ("P6_3/mmc", "P6₃/mmc")]
)
def test_a_screw_axis_stands_below_the_line_in_plain_text(written: str, text: str) -> None:
    assert space_group_text(written) == text
