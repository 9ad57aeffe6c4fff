"""What is wanted of a candidate, objective by objective, and what is known of each objective."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import ndtri

from matsift.errors import UserInputError
from matsift.ranking.cost import COST, COST_UNIT
from matsift.units import property_definition

#: Where the value of an objective comes from.
Origin = Literal["predicted", "computed", "stated", "composition", "no_path", "unknown"]

FloatArray = NDArray[np.float64]


class Objective(BaseModel):
    """One objective of a ranking; all numbers are in the unit of its property."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    property: Annotated[str, Field(description="name of a property, or `cost` (USD/kg, from prices of the elements)")]
    goal: Annotated[Literal["maximize", "minimize"], Field(description="which end is good")]
    threshold: Annotated[
        float | None,
        Field(allow_inf_nan=False, description="a candidate must reach this value; it meets it exactly at it"),
    ] = None
    weight: Annotated[
        float, Field(gt=0, allow_inf_nan=False, description="share in the utility, against the others")
    ] = 1
    scale: Annotated[
        tuple[float, float] | None,
        Field(
            description="[value of no worth, value of full worth] in the utility; "
            "unset = the 5 % and 95 % quantiles of the candidates"
        ),
    ] = None

    @builtins.property
    def sign(self) -> float:
        """Return 1 where large values are good, -1 where small ones are."""
        return 1.0 if self.goal == "maximize" else -1.0

    @builtins.property
    def unit(self) -> str:
        """Return the unit of the property."""
        return COST_UNIT if self.property == COST else property_definition(self.property).unit

    @model_validator(mode="after")
    def _known(self) -> Objective:
        try:
            self.unit  # noqa: B018  the look-up is the check
        except UserInputError as error:
            raise ValueError(f"{error}; or {COST!r}") from None
        if self.scale is not None and not 0 < self.sign * (self.scale[1] - self.scale[0]) < np.inf:
            raise ValueError(
                f"scale {list(self.scale)} of {self.property!r} runs against goal = {self.goal!r}; "
                "give the value of no worth first, then that of full worth"
            )
        return self


@dataclass(frozen=True, eq=False)
class Estimates:
    """What is known of one objective for n candidates.

    Parameters
    ----------
    mean
        (n,) expected values in the objective's unit; NaN = unknown, infinite = above any number (no path).
    deviation
        (n,) standard deviations of what the value may be, in the same unit; 0 where it is known, NaN with the mean.
    origin
        (n,) where each value comes from (`Origin`).
    members
        (n, n_member) values of the members of the ensemble, (n, 0) where there are none.
    """

    mean: FloatArray
    deviation: FloatArray
    origin: NDArray[np.str_]
    members: FloatArray

    def __len__(self) -> int:
        return len(self.mean)

    @classmethod
    def known(cls, values: FloatArray, origin: Origin) -> Estimates:
        """Return values that are taken as they are; NaN is unknown, an infinite value says that there is no path."""
        said = np.where(np.isnan(values), "unknown", np.where(np.isinf(values), "no_path", origin))
        return cls(values, np.where(np.isnan(values), np.nan, 0.0), said, np.zeros((len(values), 0)))

    @classmethod
    def predicted(
        cls,
        mean: FloatArray,
        lower: FloatArray,
        upper: FloatArray,
        coverage: FloatArray,
        members: FloatArray | None = None,
    ) -> Estimates:
        """Return predictions with calibrated intervals as normal distributions.

        The standard deviation is that whose interval of this coverage is as wide as the wider half of the calibrated
        one: where the other half ends at a bound of the property (a modulus of zero), it says nothing of the spread.
        """
        half = np.fmax(upper - mean, mean - lower)
        deviation = half / ndtri((1 + coverage) / 2)
        origin = np.where(np.isnan(mean), "unknown", "predicted")
        return cls(mean, deviation, origin, np.zeros((len(mean), 0)) if members is None else members)

    def replaced(self, values: FloatArray, origin: Origin) -> Estimates:
        """Return these with the (n,) values that are not NaN in place of what was estimated."""
        there = ~np.isnan(values)
        return Estimates(
            np.where(there, values, self.mean),
            np.where(there, 0.0, self.deviation),
            np.where(there, origin, self.origin),
            np.where(there[:, None], np.nan, self.members),
        )


def unknown_objectives(objectives: Sequence[Objective], estimates: Sequence[Estimates]) -> list[tuple[str, ...]]:
    """Return (n,) names of the objectives that are not known of each candidate."""
    missing = np.stack([np.isnan(estimate.mean) for estimate in estimates], axis=1)
    names = [objective.property for objective in objectives]
    return [tuple(name for name, gone in zip(names, row, strict=True) if gone) for row in missing]
