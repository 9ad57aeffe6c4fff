"""What a study says about a column of a table that holds values of a property."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from matsift.study.source_base import SourceTable
from matsift.suggestions import meant
from matsift.unit_conversion import known_units
from matsift.units import PROPERTIES


class LabelColumn(SourceTable):
    """One column of a table that holds values of a property."""

    column: str
    property: str
    method: str = Field(description="how the values were computed or measured, for example pbe-dft")
    unit: str | None = Field(None, description="unit in the table; default: the property's own unit")

    @field_validator("property")
    @classmethod
    def _known_property(cls, name: str) -> str:
        if name not in PROPERTIES:
            raise ValueError(
                f"there is no property {name!r}{meant(name, PROPERTIES)}; use one of {', '.join(PROPERTIES)}"
            )
        return name

    @model_validator(mode="after")
    def _convertible(self) -> LabelColumn:
        target = PROPERTIES[self.property].unit
        if self.unit is not None and self.unit not in known_units(target):
            known = ", ".join(known_units(target))
            raise ValueError(
                f"{self.property} stands in {target}, into which {self.unit!r} cannot be converted; use {known}"
            )
        return self
