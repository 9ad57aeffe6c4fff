"""What a study asks of the mobility of an ion: which ion, in how many candidates, on what grid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from matsift.screening.elements import check_symbols
from matsift.study.base import Settings

#: The properties that a computation gives, by dimension.
BARRIERS = ("percolation_barrier_1d", "percolation_barrier_2d", "percolation_barrier_3d")

_USUAL_CHARGE = {
    **dict.fromkeys(("H", "Li", "Na", "K", "Rb", "Cs", "Ag", "Cu", "Tl"), 1),
    **dict.fromkeys(("Be", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd"), 2),
    **dict.fromkeys(("Al", "Sc", "Y", "La"), 3),
    **dict.fromkeys(("F", "Cl", "Br", "I"), -1),
    **dict.fromkeys(("O", "S", "Se", "Te"), -2),
}


class MobilitySettings(Settings):
    """`[mobility]`: bond-valence site energies of an ion in the first candidates, and where it can go."""

    ion: Annotated[
        str,
        Field(pattern=r"^[A-Z][a-z]?([1-9]?[+-])?$", description="the mobile ion: Na, or with a charge Na+, Mg2+"),
    ] = "Na"
    top: Annotated[int, Field(gt=0, description="candidates, the first by the model before any acquisition")] = 60
    resolution: Annotated[float, Field(ge=0.05, le=1.0, description="spacing of the grid, angstrom")] = 0.2
    encut: Annotated[
        float, Field(gt=0, le=20, description="energy above the lowest point where the search for a path ends, eV")
    ] = 5.0
    screening_factor: Annotated[float, Field(gt=0, le=2, description="of the Coulomb repulsion; bvlain's is 0.74")] = (
        0.74
    )
    radii: Annotated[
        Literal["softbv", "ase"], Field(description="covalent radii in the screening: those of softBV or of ASE")
    ] = "softbv"
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one structure, s")] = 120.0

    @field_validator("ion")
    @classmethod
    def _with_a_charge(cls, ion: str) -> str:
        element = _element(ion)
        check_symbols((element,))
        if element == ion and element not in _USUAL_CHARGE:
            raise ValueError(f"{ion} has no usual charge; write it, as in {ion}2+")
        return ion

    @property
    def element(self) -> str:
        """Symbol of the mobile ion."""
        return _element(self.ion)

    @property
    def charge(self) -> int:
        """Its oxidation state: that of the study, or the usual one of the element."""
        stated = self.ion.removeprefix(self.element)
        if not stated:
            return _USUAL_CHARGE[self.element]
        return int(stated[:-1] or 1) * (1 if stated[-1] == "+" else -1)

    @property
    def full_ion(self) -> str:
        """The ion with its charge written out, as Na1+."""
        return f"{self.element}{abs(self.charge)}{'+' if self.charge > 0 else '-'}"


def _element(ion: str) -> str:
    return ion.rstrip("+-0123456789")
