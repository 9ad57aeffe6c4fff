"""Unit conversion against textbook values, and its round trips."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from matsift.unit_conversion import convert, known_units
from matsift.units import PROPERTIES

EV, HARTREE = constants.electron_volt, constants.value("Hartree energy in eV")


@pytest.mark.parametrize(
    ("value", "unit", "target", "expected"),
    [
        (443.0, "GPa", "GPa", 443.0),
        (1.5, "Mbar", "GPa", 150.0),
        (1500.0, "kbar", "GPa", 150.0),
        (2.0, "log10 GPa", "GPa", 100.0),
        (1.0, "eV/angstrom^3", "GPa", EV * 1e30 / 1e9),
        (-1.0, "Mbar", "GPa", -100.0),
        (25.0, "meV/atom", "eV/atom", 0.025),
        (96.48533212331002, "kJ/mol", "eV/atom", 1.0),
        (1.0, "kcal/mol", "eV/atom", 4184 / constants.Avogadro / EV),
        (1.0, "Ha/atom", "eV/atom", HARTREE),
        (2.0, "Ry", "eV", HARTREE),
        (400.0, "log10 GPa", "GPa", math.inf),
    ],
)
def test_known_values(value: float, unit: str, target: str, expected: float) -> None:
    assert convert(value, unit, target) == pytest.approx(expected, rel=1e-8)


@given(
    value=st.floats(1e-3, 1e5), target=st.sampled_from(sorted({p.unit for p in PROPERTIES.values()})), data=st.data()
)
def test_logarithm_of_a_unit_is_the_unit(value: float, target: str, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from([unit for unit in known_units(target) if not unit.startswith("log10")]))
    assert convert(math.log10(value), f"log10 {unit}", target) == pytest.approx(convert(value, unit, target), rel=1e-9)


def test_unknown_unit() -> None:
    with pytest.raises(KeyError):
        convert(1.0, "furlong", "GPa")
