"""What a report shows of a ranking by several objectives, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from matsift.ranking.objectives import Origin

Order = Literal["pareto", "utility"]


@dataclass(frozen=True)
class RankedObjective:
    """One objective; `threshold`, `worst` and `best` in `unit`: worth runs from 0 at `worst` to 1 at `best`."""

    name: str
    unit: str
    goal: Literal["maximize", "minimize"]
    threshold: float | None
    weight: float
    worst: float
    best: float


@dataclass(frozen=True)
class ObjectiveValue:
    """What is known of one objective of one candidate.

    `mean` and `deviation` (standard deviation) are in the objective's unit, None where the origin is ``unknown`` or
    ``no_path``; `chance` is the probability of meeting the threshold, None where there is none or nothing is known.
    """

    mean: float | None
    deviation: float | None
    chance: float | None
    origin: Origin


@dataclass(frozen=True)
class PlacedCandidate:
    """A candidate with its places; `values` in the order of the objectives.

    `layer` 1 is the Pareto front; `layer`, `utility` and both places are None where an objective is unknown (named in
    `unknown`). `chance` is the probability of meeting all thresholds, None where there is none or one is not known.
    """

    structure_hash: str
    formula: str
    values: tuple[ObjectiveValue, ...]
    layer: int | None = None
    pareto_place: int | None = None
    chance: float | None = None
    utility: float | None = None
    utility_place: int | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class ObjectiveRanking:
    """Candidates that failed no criterion, ranked by several objectives; `placed` is in Pareto order, unknown last.

    `correlations` maps pairs of objectives to the correlation of their ensemble members, where members were kept.
    """

    content_hash: str
    objectives: tuple[RankedObjective, ...]
    placed: tuple[PlacedCandidate, ...]
    correlations: dict[tuple[str, str], float] = field(default_factory=dict)

    def in_order(self, by: Order = "pareto") -> tuple[PlacedCandidate, ...]:
        """Return the candidates that have a place, the best first."""
        if by == "pareto":
            return tuple(row for row in self.placed if row.layer is not None)
        ranked = ((row.utility_place, row) for row in self.placed if row.utility_place is not None)
        return tuple(row for _, row in sorted(ranked, key=lambda pair: pair[0]))

    @property
    def front(self) -> tuple[PlacedCandidate, ...]:
        """The candidates of the first layer."""
        return tuple(row for row in self.placed if row.layer == 1)

    @property
    def n_unknown(self) -> int:
        """How many candidates have no place, because an objective of theirs is unknown."""
        return sum(row.layer is None for row in self.placed)
