"""What a report of a study of generative design shows, as plain records: a flow fills them from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.reports.data import (
    CandidateLabel,
    CriterionSeen,
    FailureCount,
    FloatArray,
    PropertyPrediction,
    Provenance,
    QualityRow,
    ReportProperty,
    SourceLink,
    SummaryNumber,
)

Origin = Literal["gan", "latent_search", "rules", "random"]


@dataclass(frozen=True)
class NearestKnown:
    """The known formula nearest to a new one, by the earth mover's distance on the modified Pettifor scale."""

    formula: str
    distance: float

    @property
    def is_rediscovery(self) -> bool:
        """Whether the new formula is the known one itself."""
        return self.distance == 0.0


@dataclass(frozen=True)
class TemplateSeen:
    """The stored structure whose places the new elements took, and its earth mover's distance."""

    formula: str
    space_group: str
    distance: float
    source: SourceLink | None = None


@dataclass(frozen=True)
class HandOff:
    """The way of a candidate to an oracle: who is asked, its state in words, what came of it or why nothing did."""

    oracle: str
    state: str
    label: CandidateLabel | None = None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class GeneratedCandidate:
    """A new composition with all that is known of it; without a structure it ended at an earlier step.

    Parameters
    ----------
    formula, origin
        Reduced formula, and what made it.
    status, reason
        Where it stands (the database's word) and, for one that was refused, why.
    predictions
        The target first, from the composition; then what models say of the structure.
    verdicts
        Charge neutrality, electronegativity balance, and the checks of the structure, mechanical stability included.
    nearest, template
        Novelty, and where the structure comes from; None where not looked for or not found.
    structure_hash, space_group, crystal
        The relaxed structure.
    labels
        What oracles computed: energy, formation energy, hull distance, moduli, band gap.
    missing_phases
        Formulas that the hull would need and the database lacks, without which the distance to it is too small.
    hand_off
        None where it was not handed off.
    rank
        Place in the ranking from 1, None where it is not ranked.
    """

    formula: str
    origin: Origin
    status: str
    reason: str = ""
    predictions: tuple[PropertyPrediction, ...] = ()
    verdicts: tuple[CriterionSeen, ...] = ()
    nearest: NearestKnown | None = None
    template: TemplateSeen | None = None
    structure_hash: str = ""
    space_group: str = ""
    crystal: Crystal | None = None
    labels: tuple[CandidateLabel, ...] = ()
    missing_phases: tuple[str, ...] = ()
    hand_off: HandOff | None = None
    rank: int | None = None

    def prediction(self, property_name: str) -> PropertyPrediction | None:
        """Return the prediction of a property, or None where there is none."""
        return next((p for p in self.predictions if p.property_name == property_name), None)

    def label(self, property_name: str) -> CandidateLabel | None:
        """Return the first label of a property, or None where there is none."""
        return next((x for x in self.labels if x.property_name == property_name), None)


@dataclass(frozen=True, eq=False)
class SearchCourse:
    """One search in the latent space, suggestion by suggestion in the order in which they were asked.

    Parameters
    ----------
    name
        The campaign with what tells it from the others: ``UCB, kappa 100``.
    values
        (n,) label of each suggestion by the property model, NaN where it did not decode.
    decodes
        (n,) whether it decoded.
    rounds
        (n,) number of its round, from 1.
    formulas
        (n,) decoded formula, None where there is none.
    initial
        (m,) labels that the search began with.
    """

    name: str
    values: FloatArray
    decodes: NDArray[np.bool_]
    rounds: NDArray[np.int64]
    formulas: tuple[str | None, ...]
    initial: FloatArray

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class CompositionMap:
    """Compositions in two coordinates (t-SNE): what was known, and what the search and the generators visited.

    `coordinates` (n, 2); `groups` (n,) the legend's word of each (``first labels``, ``search``, ``candidates``);
    `formulas` (n,).
    """

    coordinates: FloatArray
    groups: tuple[str, ...]
    formulas: tuple[str, ...]


@dataclass(frozen=True)
class ShareLine:
    """Of `n_made` compositions of one maker: fractions that are valid, unique, and (of the known ones) new.

    Each fraction is of all that were made; `valid_unique_new` holds those that are all three at once. None: not asked.
    """

    maker: str
    n_made: int
    valid: float | None = None
    unique: float | None = None
    new: float | None = None
    valid_unique_new: float | None = None


@dataclass(frozen=True)
class GeneratorLine:
    """A trained generator: `kind` as in the database, the formulas it learned from, its scores by name."""

    name: str
    kind: str
    content_hash: str
    n_formula: int
    seed: int
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FunnelStep:
    """How many compositions are left after a step (``valid``, ``with a template``, ``relaxed``), in order."""

    name: str
    n_left: int
    note: str = ""


@dataclass(frozen=True, eq=False)
class GenerativeReport:
    """All that the page of a study of generative design shows, in the order of its sections.

    `target` is what is searched for and `goal` its sense; `threshold`, in its unit, parts hits from the rest, None
    without one. `candidates` come in the order of the ranking, those without a rank after them. `caveat` is a sentence
    on what the target's labels are, where they are not measured or computed ones.
    """

    study: str
    title: str
    generated_at: datetime
    provenance: Provenance
    target: ReportProperty
    goal: Literal["maximize", "minimize"] = "maximize"
    threshold: float | None = None
    description: str = ""
    paper: str = ""
    caveat: str = ""
    summary: tuple[SummaryNumber, ...] = ()
    candidates: tuple[GeneratedCandidate, ...] = ()
    funnel: tuple[FunnelStep, ...] = ()
    searches: tuple[SearchCourse, ...] = ()
    map: CompositionMap | None = None
    shares: tuple[ShareLine, ...] = ()
    generators: tuple[GeneratorLine, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    failures: tuple[FailureCount, ...] = ()

    @property
    def ranked(self) -> tuple[GeneratedCandidate, ...]:
        """Candidates that have a rank."""
        return tuple(c for c in self.candidates if c.rank is not None)

    def is_hit(self, value: float) -> bool:
        """Whether a value of the target is as wanted; never without a threshold, nor where it is not a number."""
        if self.threshold is None:
            return False
        return value >= self.threshold if self.goal == "maximize" else value <= self.threshold
