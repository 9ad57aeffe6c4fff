"""Electrons outside closed cores: those of VASP's own potentials are among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.density.electron_count import all_electrons, nearest_valence_count, valences

# Valence electrons (ZVAL) of potentials in VASP's table of PBE sets, https://www.vasp.at/wiki/Available_PAW_potentials
ZVAL = {
    "Li": (1, 3), "Na": (1, 7, 9), "Mg": (2, 8, 10), "Al": (3,), "Si": (4,), "K": (7, 9), "Ca": (8, 10),
    "Sc": (3, 11), "Ti": (4, 10, 12), "Fe": (8, 14, 16), "Zn": (12,), "Ga": (3, 13), "Rb": (7, 9), "Y": (11,),
    "Nb": (11, 13), "Mo": (6, 12, 14), "Pd": (10, 16), "In": (3, 13), "Cs": (9,), "La": (9, 11), "Eu": (8, 9, 17),
    "Er": (8, 9), "Yb": (8, 24), "Lu": (9, 25), "Hf": (4, 10, 12), "W": (6, 14), "Pt": (10, 16), "Tl": (3, 13),
    "Bi": (5, 15), "Th": (10, 12), "U": (14,),
}  # fmt: skip


@pytest.mark.parametrize(("symbol", "zval"), ZVAL.items(), ids=ZVAL)
def test_the_potentials_of_vasp_are_among_them(symbol: str, zval: tuple[int, ...]) -> None:
    assert set(zval) <= set(valences(symbol))


@given(st.sampled_from(ELEMENT_SYMBOLS))
def test_an_atom_has_one_to_all_of_its_electrons(symbol: str) -> None:
    found = valences(symbol)
    assert (found[-1], min(found) >= 1) == (all_electrons([symbol]), True)


@pytest.mark.parametrize(
    ("symbols", "integral", "expected"),
    [
        (["Si", "Si"], 8.0001, 8),
        (["Si", "Si"], 9.0, 8),
        (["Si", "Si"], 28.2, 28),
        (["Na", "Cl"], 8.0, 8),
        (["Na", "Cl"], 14.0, 14),
        (["Na", "Cl"], 6.0, 6),
        (["Cr"], 11.99, 12),
        (["H"], 40.0, 1),
        (["Er", "N"], 14.0, 14),
    ],
    ids=str,
)
def test_the_nearest_count(symbols: list[str], integral: float, expected: int) -> None:
    assert nearest_valence_count(symbols, integral) == expected


def test_all_electrons_of_neutral_atoms() -> None:
    assert all_electrons(["Na", "Cl", "H", "Og"]) == 11 + 17 + 1 + 118
