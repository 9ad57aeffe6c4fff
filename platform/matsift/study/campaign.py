"""`[campaign]`: what is to be labelled next, by which strategy, by which oracle, and when it is enough."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from matsift.study.base import Settings
from matsift.study.oracles import ChgnetOracle, OracleSettings
from matsift.study.strategies import Exploration, RandomChoice, StrategySettings


class CampaignSettings(Settings):
    """`[campaign]`: the active-learning loop; one campaign a property and strategy."""

    strategies: Annotated[
        tuple[StrategySettings, ...], Field(description="a name of a strategy, or a table of its own")
    ] = (Exploration(), RandomChoice())
    batch: Annotated[int, Field(gt=0, description="acquisitions a round")] = 5
    rounds: Annotated[int, Field(ge=0, description="rounds of acquisition")] = 2
    oracle: OracleSettings = ChgnetOracle()
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one label, s")] = 300.0
    low_spread: dict[str, float] = Field(
        {}, description="spread below which a prediction counts as certain, in the property's unit"
    )
