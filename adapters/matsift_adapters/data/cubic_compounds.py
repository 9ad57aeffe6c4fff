"""The list of cubic compounds whose densities are computed, with the moduli of the Materials Project (CC BY 4.0)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

from matsift.candidates.cubic import cubic_crystal
from matsift.crystal import Crystal


@dataclass(frozen=True)
class CubicCompound:
    """A compound of the list: where its calculation starts, and its Hill averages by the Materials Project, GPa."""

    material_id: str
    prototype: str
    elements: tuple[str, ...]
    lattice_constant: float
    k_vrh: float
    g_vrh: float

    @property
    def crystal(self) -> Crystal:
        """The primitive cell to start from."""
        return cubic_crystal(self.prototype, self.elements, self.lattice_constant)


def cubic_compounds() -> tuple[CubicCompound, ...]:
    """Return the list in the order in which to compute it."""
    text = resources.files(__package__).joinpath("cubic_compounds.csv").read_text(encoding="utf-8")
    return tuple(
        CubicCompound(
            row["id"],
            row["prototype"],
            tuple(row["elements"].split()),
            *(float(row[name]) for name in ("lattice_constant_angstrom", "k_vrh_gpa", "g_vrh_gpa")),
        )
        for row in csv.DictReader(text.splitlines())
    )
