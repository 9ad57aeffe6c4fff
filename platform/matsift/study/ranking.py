"""What a study asks of its ranking: by one property, and beside it by several objectives at once."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from matsift.ranking.cost import COST
from matsift.ranking.objectives import Objective
from matsift.screening.elements import check_symbols
from matsift.study.base import Settings, refuse_repeats
from matsift.study.mobility import BARRIERS


class PriceSettings(Settings):
    """`[ranking.prices]`: what elements cost, for the objective `cost`, and who says so."""

    source: Annotated[str, Field(min_length=1, description="where the prices are from, with the year")]
    usd_per_kg: Annotated[
        dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]],
        Field(min_length=1, description="element -> price, USD/kg; a candidate with another element has no cost"),
    ]

    @field_validator("usd_per_kg")
    @classmethod
    def _symbols(cls, prices: dict[str, float]) -> dict[str, float]:
        check_symbols(tuple(prices))
        return prices


class RankingSettings(Settings):
    """`[ranking]`: what makes a candidate good."""

    property: str = "g_vrh"
    goal: Literal["maximize", "minimize"] = "maximize"
    by: Annotated[
        Literal["mean", "lower", "upper"], Field(description="the predicted mean or an end of the interval")
    ] = "lower"
    prefer_computed: Annotated[
        bool, Field(description="where the property of a candidate was computed, that value counts, not the prediction")
    ] = False
    top: Annotated[int, Field(gt=0, description="rows in the terminal")] = 20
    objectives: Annotated[
        tuple[Objective, ...], Field(description="rank by these at once too: Pareto layers, chances, expected utility")
    ] = ()
    prices: Annotated[PriceSettings | None, Field(description="prices of elements, for the objective `cost`")] = None

    @model_validator(mode="after")
    def _consistent(self) -> RankingSettings:
        names = [objective.property for objective in self.objectives]
        refuse_repeats("ranking.objectives", names)
        if COST in names and self.prices is None:
            raise ValueError(f"the objective {COST!r} needs prices; add a table [ranking.prices]")
        return self

    def refuse_unknown_barriers(self) -> None:
        """Raise ValueError if an objective is a barrier; for a study that computes none."""
        barrier = next((objective.property for objective in self.objectives if objective.property in BARRIERS), None)
        if barrier is not None:
            raise ValueError(
                f"the objective {barrier!r} asks for barriers that nothing computes; add a table [mobility]"
            )
