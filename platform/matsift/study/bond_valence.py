"""`[bond_valence]`: reference oxides, strained and relaxed by the bond valence force field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import ion_table_hash
from matsift.study.base import Settings, refuse_repeats

_DECIMALS = 6


class ScreeningFactorRange(Settings):
    """`[bond_valence.screening_factors]`: evenly spaced, both ends included."""

    first: Annotated[float, Field(gt=0.1, lt=2)] = 0.55
    last: Annotated[float, Field(gt=0.1, lt=2)] = 0.75
    step: Annotated[float, Field(gt=1e-4, lt=1)] = 0.0125

    @model_validator(mode="after")
    def _is_a_range(self) -> ScreeningFactorRange:
        if self.last < self.first:
            raise ValueError("last lies below first; name the smallest screening factor first")
        return self

    @property
    def values(self) -> tuple[float, ...]:
        """The screening factors, ascending."""
        n = int((self.last - self.first) / self.step + 1e-9) + 1
        return tuple(round(self.first + i * self.step, _DECIMALS) for i in range(n))


class BondValenceSettings(Settings):
    """`[bond_valence]`: which samples are relaxed, and what the force field leaves open (docs/softbv.md)."""

    prototypes: Annotated[
        tuple[Literal["perovskite", "spinel"], ...], Field(min_length=1, description="structures that are references")
    ] = ("perovskite", "spinel")
    strains: Annotated[
        tuple[Annotated[float, Field(gt=-0.5, lt=0.5)], ...],
        Field(min_length=1, description="by which the lattice vectors of a reference are stretched, as fractions"),
    ] = (-0.1, 0.1)
    screening_factors: ScreeningFactorRange = ScreeningFactorRange()
    gii_scope: Annotated[
        Literal["cations", "all"], Field(description="ions that the global instability index averages over")
    ] = "cations"
    coulomb_weight: Annotated[float, Field(gt=0, description="weight of the repulsion against the bonds")] = 2.0
    morse_weight: Annotated[float, Field(gt=0, description="factor before the whole energy")] = 0.5
    anion_repulsion: Annotated[bool, Field(description="whether oxygen repels oxygen")] = True
    radii: Annotated[
        Literal["covalent", "ionic"], Field(description="radii of the cations in the screening length")
    ] = "covalent"
    oxygen_radius: Annotated[
        float | None,
        Field(gt=0, description="radius of oxygen in it, angstrom; default: 1.33 or 1.40 as the radii are"),
    ] = None
    coulomb_cutoff: Annotated[float, Field(gt=0, description="longest distance of a repulsion, angstrom")] = 14.0
    chunk: Annotated[int, Field(gt=0, description="structures in one task")] = 64
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one task, s")] = 120.0

    @field_validator("prototypes", "strains")
    @classmethod
    def _once(cls, given: tuple[object, ...]) -> tuple[object, ...]:
        refuse_repeats("the list", (str(value) for value in given))
        return given

    def variant(self) -> Variant:
        """Return the force field of these settings."""
        return Variant(
            coulomb_weight=self.coulomb_weight,
            morse_weight=self.morse_weight,
            anion_repulsion=self.anion_repulsion,
            radii=self.radii,
            oxygen_radius=self.oxygen_radius,
            coulomb_cutoff=self.coulomb_cutoff,
        )

    @property
    def method(self) -> str:
        """Method of the screening factors that come of it."""
        return f"bond-valence-{self.variant().name}"

    @property
    def origin(self) -> str:
        """Origin of all labels that come of it; with another table of ions it is another."""
        return f"oracle:{self.method}@{ion_table_hash()[:8]}"
