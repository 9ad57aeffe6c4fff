"""What a ranking report shows, as plain records: a flow fills them from the database, this room only draws them.

Arrays are one-dimensional float64; every value stands in the unit of its property. A part that does not exist yet
(no campaign, no baseline) is an empty tuple, and the report says so in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self

from numpy import float64
from numpy.typing import NDArray

from matsift.reports.bond_valence import LatticeErrors
from matsift.reports.calibration import ArmCalibration
from matsift.reports.comparisons import AblationRow, ImportanceRow, SamplingRow
from matsift.reports.desk import Desk
from matsift.reports.mobility import CandidateMobility, MobilityAxis
from matsift.reports.objectives import ObjectiveRanking
from matsift.units import property_definition

FloatArray = NDArray[float64]
Outcome = Literal["passed", "failed", "unknown"]
State = Literal["candidate", "acquired", "labelled"]


@dataclass(frozen=True)
class ReportProperty:
    """A property that the report speaks of."""

    name: str
    unit: str
    definition: str

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the property with the unit and the definition of `matsift.units`."""
        known = property_definition(name)
        return cls(known.name, known.unit, known.definition)


@dataclass(frozen=True)
class PropertyPrediction:
    """The prediction of one property of one structure: mean, ensemble spread, calibrated interval.

    `coverage` is the share of true values that the interval was calibrated to hold, 0.9 for 90 %.
    """

    property_name: str
    unit: str
    mean: float
    spread: float
    lower: float
    upper: float
    coverage: float | None = None


@dataclass(frozen=True)
class CriterionSeen:
    """One screening criterion on one structure, with the value that decided it."""

    name: str
    outcome: Outcome
    value_seen: float | None = None
    unit: str = ""
    detail: str = ""


@dataclass(frozen=True)
class SourceLink:
    """The entry of a source that a structure came with."""

    source: str
    external_id: str
    url: str | None = None
    licence: str = ""


@dataclass(frozen=True)
class CandidateLabel:
    """A value that an oracle or a source gave for a candidate."""

    property_name: str
    unit: str
    value: float
    method: str


@dataclass(frozen=True)
class Candidate:
    """A structure of the pool with all that is known of it; `structure_hash` is the full content hash."""

    structure_hash: str
    formula: str
    space_group: str
    predictions: tuple[PropertyPrediction, ...]
    criteria: tuple[CriterionSeen, ...] = ()
    sources: tuple[SourceLink, ...] = ()
    labels: tuple[CandidateLabel, ...] = ()
    state: State = "candidate"
    mobility: CandidateMobility | None = None

    def prediction(self, property_name: str) -> PropertyPrediction | None:
        """Return the prediction of a property, or None where there is none."""
        return next((p for p in self.predictions if p.property_name == property_name), None)

    def label(self, property_name: str) -> CandidateLabel | None:
        """Return the first label of a property, or None where there is none."""
        return next((x for x in self.labels if x.property_name == property_name), None)

    def criteria_of(self, outcome: Outcome) -> tuple[CriterionSeen, ...]:
        """Return the criteria with this outcome, in the order of the study."""
        return tuple(c for c in self.criteria if c.outcome == outcome)


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate with its place and the sentence that says why; `rank` is None where it was left out."""

    rank: int | None
    candidate: Candidate
    reason: str


@dataclass(frozen=True)
class RankingSettings:
    """What to rank by.

    `by="lower"` with ``goal="maximize"`` (or ``upper`` with ``minimize``) is the cautious choice: a candidate stands
    high only if even the unfavourable end of its interval is good. With `prefer_computed`, what was computed for a
    candidate counts in place of the prediction.
    """

    property_name: str
    goal: Literal["maximize", "minimize"] = "maximize"
    by: Literal["mean", "lower", "upper"] = "mean"
    prefer_computed: bool = False


@dataclass(frozen=True)
class Ranking:
    """Candidates in order, those left out with the reason, and the rule in a sentence.

    Made by `matsift.reports.ranking.rank`.
    """

    settings: RankingSettings
    rule: str
    ranked: tuple[RankedCandidate, ...]
    excluded: tuple[RankedCandidate, ...]


@dataclass(frozen=True)
class SummaryNumber:
    """One headline number, already written as text, with its unit in the label where it has one."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class Distribution:
    """All accepted labels of a property, and those of structures with an element; empty where none is told apart."""

    property_name: str
    unit: str
    values: FloatArray
    element: str
    element_values: FloatArray


@dataclass(frozen=True, eq=False)
class Parity:
    """True and predicted values of held-out structures; arrays of one length.

    `title` tells several of one property apart (``test set``, ``pool before the campaign``); `subset` names each
    point's group (``with Na``, ``without Na``), or is empty. `paper_figure` is ``5(b)`` before a campaign, ``7`` after.
    """

    property_name: str
    unit: str
    title: str
    true: FloatArray
    mean: FloatArray
    spread: FloatArray
    subset: tuple[str, ...] = ()
    paper_figure: str = "5(b)"


@dataclass(frozen=True, eq=False)
class PoolSpread:
    """Ensemble spread of every structure of the pool, and the threshold below which it counts as low."""

    property_name: str
    unit: str
    spread: FloatArray
    threshold: float


@dataclass(frozen=True)
class LearningPoint:
    """One round of a campaign arm; errors and spreads in the property's unit, None where not measured.

    `remaining_mean_spread` and `remaining_mae` are over the structures still in the pool; `test_mae` and `test_r2` over
    a test set that no round touches.
    """

    round_number: int
    n_label: int
    remaining_mean_spread: float | None = None
    test_mae: float | None = None
    test_r2: float | None = None
    remaining_mae: float | None = None


@dataclass(frozen=True)
class LearningCurve:
    """The rounds of one arm of a campaign."""

    campaign: str
    property_name: str
    unit: str
    arm: str
    points: tuple[LearningPoint, ...]


@dataclass(frozen=True)
class EvaluationRow:
    """Metrics of one model on one subset; None where a metric has no meaning for the model.

    `mae`, `rmse`, `mean_interval_width` stand in `unit`; `interval_coverage` is a fraction of 1.
    """

    model: str
    property_name: str
    unit: str
    subset: str
    n_row: int
    r2: float | None = None
    mae: float | None = None
    rmse: float | None = None
    interval_coverage: float | None = None
    mean_interval_width: float | None = None
    spread_error_spearman: float | None = None


@dataclass(frozen=True)
class QualityRow:
    """How many rows one named rule or criterion kept, rejected, and could not decide."""

    stage: str
    rule: str
    n_kept: int
    n_rejected: int
    n_unknown: int = 0


@dataclass(frozen=True)
class FailureCount:
    """How many things failed in a stage with one class of error; `example` is one of the messages."""

    stage: str
    error_class: str
    count: int
    example: str = ""


@dataclass(frozen=True)
class RunRow:
    """A run that wrote rows behind this report."""

    run_id: int
    flow: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    code_version: str


@dataclass(frozen=True)
class SnapshotRow:
    """A data snapshot that a model was trained on."""

    content_hash: str
    property_name: str
    strategy: str
    n_row: int


@dataclass(frozen=True)
class ModelRow:
    """A model version behind a number of this report."""

    content_hash: str
    learner: str
    purpose: str
    property_name: str
    seed: int
    snapshot_hash: str


@dataclass(frozen=True)
class DescriptorSetRow:
    """A descriptor set in use."""

    name: str
    version: str
    n_column: int


@dataclass(frozen=True)
class Provenance:
    """Where every number of the report comes from; `packages` maps a package's name to its version."""

    code_version: str
    dataset_version: str
    environment_hash: str = ""
    runs: tuple[RunRow, ...] = ()
    snapshots: tuple[SnapshotRow, ...] = ()
    models: tuple[ModelRow, ...] = ()
    descriptor_sets: tuple[DescriptorSetRow, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyLine:
    """A study in a report across studies; `page` is where its own report lies, seen from the folder of this one.

    `rule` says what its candidates are ordered by, or that it ranks none.
    """

    name: str
    title: str
    n_ranked: int
    n_left_out: int
    rule: str
    page: str


@dataclass(frozen=True)
class RankingReport:
    """All that a ranking report shows, in the order of its sections.

    `properties` are those with predictions, in the order of the table's columns. `paper` names the paper that the
    captions compare with, empty for none; with `numbers_figures` they name its figures. `generated_at` carries a time
    zone. `desk` is what the cards of single candidates and the word on limits need. `studies` are those behind a report
    across studies, which has no name of its own and only the sections that have something to show.
    """

    study: str
    title: str
    generated_at: datetime
    properties: tuple[ReportProperty, ...]
    ranking: Ranking
    provenance: Provenance
    description: str = ""
    paper: str = ""
    summary: tuple[SummaryNumber, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    ablation: tuple[AblationRow, ...] = ()
    importances: tuple[ImportanceRow, ...] = ()
    sampling: tuple[SamplingRow, ...] = ()
    pool_spreads: tuple[PoolSpread, ...] = ()
    parities: tuple[Parity, ...] = ()
    learning_curves: tuple[LearningCurve, ...] = ()
    calibrations: tuple[ArmCalibration, ...] = ()
    evaluations: tuple[EvaluationRow, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    failures: tuple[FailureCount, ...] = ()
    mobility: MobilityAxis | None = None
    lattice_errors: LatticeErrors | None = None
    numbers_figures: bool = True
    objectives: ObjectiveRanking | None = None
    desk: Desk = field(default_factory=Desk)
    studies: tuple[StudyLine, ...] = ()
