"""What a study says about oxides that are to be thought up: prototypes and the ions that may sit on their sites."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from matsift.bond_valence.parameters import read_ion
from matsift.errors import UserInputError
from matsift.study.base import refuse_repeats
from matsift.study.source_base import SourceBase, SourceName


def _ions(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        try:
            read_ion(name)
        except UserInputError as error:
            raise ValueError(str(error)) from None
    refuse_repeats("ions", names)
    return names


def _range(limits: tuple[float, float]) -> tuple[float, float]:
    if not 0 < limits[0] <= limits[1]:
        raise ValueError(f"{list(limits)} is not a range; write [least, largest], both above 0")
    return limits


Range = Annotated[tuple[float, float], AfterValidator(_range)]


class PrototypesSource(SourceBase):
    """Charge-balanced oxides of the prototypes, each with a lattice to start from: candidates, never references."""

    kind: Literal["prototypes"]
    name: SourceName = "oxide-decorations"
    licence: str = "CC0-1.0"
    prototypes: Annotated[
        tuple[Literal["perovskite", "spinel"], ...], Field(min_length=1, description="perovskite ABO3, spinel AB2O4")
    ] = ("perovskite", "spinel")
    ions: Annotated[
        tuple[str, ...], AfterValidator(_ions), Field(min_length=2, description="cations to choose from, as Sr2+")
    ]
    tolerance_factor: Range = Field(
        (0.78, 1.02), description="perovskites: least and largest tolerance factor, radii for six neighbours"
    )
    spinel_radius_angstrom: Range = Field(
        (0.5, 0.95), description="spinels: least and largest radius of both cations, angstrom, for six neighbours"
    )
