"""Measured bulk moduli beside which docs/density.md sets those of the density data set."""

from __future__ import annotations

from benchmarks.dft_binaries.compounds import CAESIUM_CHLORIDE, ROCK_SALT, ZINC_BLENDE, split_formula
from benchmarks.dft_binaries.literature import SOLIDS

HAO = "collected by Hao et al. 2012"

#: Prototype and element -> GPa and whose measurement; elastic constants C11 and C12 give (C11 + 2 C12) / 3.
MEASURED: dict[tuple[str, str], tuple[float, str]] = {
    ("diamond", "Si"): (97.8, "McSkimin, Andreatch 1964"),
    ("diamond", "Ge"): (75.0, "McSkimin, Andreatch 1963"),
    ("fcc", "Al"): (79.4, "Kamm, Alers 1964, 4 K"),
    ("fcc", "Cu"): (142.0, "Overton, Gaffney 1955, 4 K"),
}


def measured(prototype: str, elements: tuple[str, ...]) -> tuple[float, str] | None:
    """Return the measured bulk modulus (GPa) of a compound and where it is from, None where none is known here."""
    if len(elements) == 1:
        return MEASURED.get((prototype, elements[0]))
    of_prototype = {"rock-salt": ROCK_SALT, "zinc-blende": ZINC_BLENDE, "caesium-chloride": CAESIUM_CHLORIDE}
    for formula in of_prototype.get(prototype, ()):
        if formula in SOLIDS and set(split_formula(formula)) == set(elements):
            return SOLIDS[formula][1], HAO
    return None
