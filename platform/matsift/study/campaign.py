"""`[campaign]`: what is to be labelled next, by which strategy, by which oracle, and when it is enough."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from matsift.screening.elements import check_symbols
from matsift.study.base import Settings
from matsift.study.oracles import ChgnetOracle, OracleSettings
from matsift.study.strategies import Exploration, RandomChoice, StrategySettings


class StopSettings(Settings):
    """`[campaign.stop]`: rules that end a campaign before its last round; whichever comes first."""

    budget: Annotated[int | None, Field(gt=0, description="labels of one campaign at most")] = None
    mean_spread_below: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {}, description="mean spread over the candidates that is small enough, in the property's unit"
    )
    no_better_for: Annotated[
        int | None, Field(gt=0, description="rounds without a better label, in the sense of ranking.goal")
    ] = None


class HeldBackSettings(Settings):
    """`[campaign.held_back]`: labelled structures that play candidates, for `oracle = "replay"`.

    Their labels stand in no snapshot before a campaign has picked them.
    """

    size: Annotated[int, Field(gt=0, description="structures")]
    elements: Annotated[
        tuple[str, ...], Field(description="structures with one of these come first, the others fill up")
    ] = ()
    seed: Annotated[int, Field(ge=0, description="seed of the choice among equals")] = 0

    _symbols = field_validator("elements")(check_symbols)


class CampaignSettings(Settings):
    """`[campaign]`: the active-learning loop; one campaign a property and strategy.

    `rounds`, `stop`, the time limit and the leases may change from run to run: the campaign goes on. Anything else
    makes another campaign.
    """

    strategies: Annotated[
        tuple[StrategySettings, ...], Field(description="a name of a strategy, or a table of its own")
    ] = (Exploration(), RandomChoice())
    batch: Annotated[int, Field(gt=0, description="acquisitions a round")] = 5
    rounds: Annotated[int, Field(ge=0, description="rounds of acquisition at most")] = 2
    stop: StopSettings = StopSettings()
    oracle: OracleSettings = ChgnetOracle()
    held_back: HeldBackSettings | None = None
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one label, s")] = 300.0
    lease_s: Annotated[
        float, Field(gt=0, description="a worker that computes and gives no sign of life so long loses its claims, s")
    ] = 300.0
    lease_hours: Annotated[
        float, Field(gt=0, description="how long `matsift claim` reserves what it hands out, hours")
    ] = 168.0
    low_spread: dict[str, float] = Field(
        {}, description="spread below which a prediction counts as certain, in the property's unit"
    )

    @model_validator(mode="after")
    def _replay_has_a_pool(self) -> CampaignSettings:
        if (self.oracle.kind == "replay") != (self.held_back is not None):
            raise ValueError(
                'oracle = "replay" goes with a table [campaign.held_back], which says whose labels it holds back'
            )
        return self
