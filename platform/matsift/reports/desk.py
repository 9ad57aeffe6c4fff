"""What a report tells of single candidates and of its own limits, as plain records that a flow fills.

The table of a report holds every candidate; a card holds more of the first ones: the crystal, what resembles it, the
powder pattern to expect, what campaigns did with it. All of it may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from matsift.crystal import Crystal
from matsift.diffraction.expected import ExpectedPattern


@dataclass(frozen=True)
class Neighbour:
    """A structure near to a candidate; `told` is what is known of it, ``48.1 GPa``, or where it is from."""

    structure_hash: str
    formula: str
    space_group: str
    distance: float
    told: str = ""


@dataclass(frozen=True)
class LearnedFrom:
    """The training structures nearest to a candidate in the columns that a model sees.

    A distance is the root of the mean squared difference of standardised columns. `limit` is the distance to the next
    training structure that 95 % of the training structures stay below.
    """

    property_name: str
    nearest: tuple[Neighbour, ...]
    limit: float

    @property
    def is_far(self) -> bool:
        """Whether nothing that the model learned from lies near."""
        return bool(self.nearest) and self.nearest[0].distance > self.limit


@dataclass(frozen=True)
class AcquisitionStep:
    """A status that an acquisition took: when, by whom and why."""

    occurred_at: datetime
    status: str
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class AcquisitionStory:
    """What a campaign did with a candidate; `mean` and `spread` are those of the model of the round, in `unit`."""

    strategy: str
    property_name: str
    unit: str
    round_number: int
    rank: int
    n_candidate: int
    mean: float
    spread: float
    steps: tuple[AcquisitionStep, ...] = ()
    value: float | None = None


@dataclass(frozen=True, eq=False)
class CandidateDetail:
    """What the card of one candidate shows beyond the row of the table; `similar` is by the shape of the structure."""

    structure_hash: str
    crystal: Crystal | None = None
    pattern: ExpectedPattern | None = None
    similar: tuple[Neighbour, ...] = ()
    learned_from: tuple[LearnedFrom, ...] = ()
    stories: tuple[AcquisitionStory, ...] = ()


@dataclass(frozen=True)
class PropertyChain:
    """How the shown predictions of one property came about: a name and a text a step, model to descriptors."""

    property_name: str
    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CitedSource:
    """A source behind candidates or labels, as one cites it."""

    name: str
    description: str
    version: str
    licence: str


@dataclass(frozen=True)
class TrainingElements:
    """How many labels hold each element, of those that the shown model of a property learned from."""

    property_name: str
    n_label: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Desk:
    """All that the cards and the word on limits need.

    `details` are of the first ranked candidates, `oracles` the methods of the labels that the shown models
    learned from.
    """

    details: tuple[CandidateDetail, ...] = ()
    chains: tuple[PropertyChain, ...] = ()
    cited: tuple[CitedSource, ...] = ()
    training: tuple[TrainingElements, ...] = ()
    oracles: tuple[str, ...] = ()
