"""`campaign.strategies`: how the next batch is chosen, one table a strategy; a name alone is that kind as it comes."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter

from matsift.errors import UserInputError
from matsift.study.base import Settings, named_by_kind
from matsift.suggestions import meant

StrategyKind = Literal[
    "exploration",
    "random",
    "greedy",
    "upper_confidence_bound",
    "expected_improvement",
    "probability_above",
    "thompson",
    "cost_aware",
    "diverse",
]
Gain = Literal["spread", "expected_improvement"]


class _Strategy(Settings):
    kind: str
    name: str = Field(
        default_factory=lambda data: str(data.get("kind", "")),
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
        description="name of its campaigns; default: the kind. Strategies of one kind need names of their own",
    )


class Exploration(_Strategy):
    """Label where the members disagree most."""

    kind: Literal["exploration"] = "exploration"


class RandomChoice(_Strategy):
    """Label at random: the control that every strategy must beat."""

    kind: Literal["random"] = "random"


class Greedy(_Strategy):
    """Label what is predicted best in the sense of ranking.goal."""

    kind: Literal["greedy"] = "greedy"


class UpperConfidenceBound(_Strategy):
    """Label what is best at the hopeful end: mean plus kappa spreads, or minus them where goal = minimize."""

    kind: Literal["upper_confidence_bound"] = "upper_confidence_bound"
    kappa: Annotated[float, Field(ge=0, allow_inf_nan=False, description="weight of the spread; 0 is greedy")] = 2.0


class ExpectedImprovement(_Strategy):
    """Label what is expected to surpass the best label so far by most, for a normal prediction."""

    kind: Literal["expected_improvement"] = "expected_improvement"
    xi: Annotated[
        float, Field(ge=0, allow_inf_nan=False, description="counts only what surpasses it by this, in the unit")
    ] = 0.0


class ProbabilityAbove(_Strategy):
    """Label what most probably lies above a threshold, or below it where goal = minimize, for a normal prediction."""

    kind: Literal["probability_above"] = "probability_above"
    threshold: Annotated[
        float | None,
        Field(allow_inf_nan=False, description="in the property's unit; default: the best label so far"),
    ] = None


class Thompson(_Strategy):
    """Label what a member drawn at random predicts best, another draw for each of the batch."""

    kind: Literal["thompson"] = "thompson"


class CostAware(_Strategy):
    """Label what gains most for its cost, which grows with the atoms of the cell."""

    kind: Literal["cost_aware"] = "cost_aware"
    gain: Annotated[Gain, Field(description="what is gained: the spread, or the expected improvement")] = "spread"
    exponent: Annotated[float, Field(ge=0, le=10, description="cost = atoms ** exponent; 3 is plain DFT's")] = 3.0


class Diverse(_Strategy):
    """Label where the members disagree and that lies far, in the descriptors, from the rest of the batch."""

    kind: Literal["diverse"] = "diverse"


_AnyStrategy = Annotated[
    Exploration
    | RandomChoice
    | Greedy
    | UpperConfidenceBound
    | ExpectedImprovement
    | ProbabilityAbove
    | Thompson
    | CostAware
    | Diverse,
    Field(discriminator="kind"),
]
StrategySettings = Annotated[
    _AnyStrategy, BeforeValidator(named_by_kind, json_schema_input_type=StrategyKind | _AnyStrategy)
]
_ADAPTER: TypeAdapter[StrategySettings] = TypeAdapter(StrategySettings)


def known_strategies() -> tuple[str, ...]:
    """Return the kinds of strategies."""
    return get_args(StrategyKind)


def strategy_settings(strategy: StrategySettings | str) -> StrategySettings:
    """Return the settings of a strategy: themselves, or those that a kind has by default.

    Raises
    ------
    UserInputError
        If there is no such kind.
    """
    if not isinstance(strategy, str):
        return strategy
    if strategy not in known_strategies():
        raise UserInputError(
            f"there is no acquisition strategy {strategy!r}{meant(strategy, known_strategies())}; use one of "
            f"{', '.join(known_strategies())}"
        )
    return _ADAPTER.validate_python(strategy)
