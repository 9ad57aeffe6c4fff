"""What a report of a study of charge densities shows, as plain records: a flow fills them from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from matsift.learners.comparison import Difference, Standing
from matsift.learners.element_shift import ElementCoverage
from matsift.learners.left_out_elements import LeftOutElements
from matsift.learners.repeated_folds import OutOfFold
from matsift.reports.data import FailureCount, FloatArray, Provenance, QualityRow, SummaryNumber


@dataclass(frozen=True, eq=False)
class PropertyComparison:
    """The learners of a study on one property, beside each other.

    Parameters
    ----------
    property_name, unit
        What is learned.
    formulae
        (n,) reduced formulae of the crystals, which are also the groups that folds keep together.
    said
        Learner -> what it says of each crystal in the fold that tests it.
    standings
        Metrics of those, a line a learner.
    fold_deviations
        Learner -> metric -> sample standard deviation over the folds.
    interval_coverages
        Learner -> share of the crystals whose label its intervals hold.
    differences
        The best learner against each other one.
    left_out
        Learner -> what it says of the crystals of elements that it has not learned from; empty without elements.
    coverages
        Learner -> what its intervals hold of those.
    """

    property_name: str
    unit: str
    formulae: tuple[str, ...]
    said: Mapping[str, OutOfFold]
    standings: tuple[Standing, ...]
    fold_deviations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    interval_coverages: Mapping[str, float] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    left_out: Mapping[str, LeftOutElements] = field(default_factory=dict)
    coverages: Mapping[str, tuple[ElementCoverage, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.formulae)

    @property
    def best(self) -> str:
        """The learner of the smallest error."""
        return min(self.standings, key=lambda line: line.averaged["rmse"]).learner

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements that are left out."""
        return next((own.elements for own in self.left_out.values()), ())


@dataclass(frozen=True, eq=False)
class DensitySlice:
    """The face z = 0 of a conventional cell.

    `values` (a, b) in e/angstrom3 (an electron localisation function: 1), `edges_angstrom` the lengths of both axes;
    `n_electron` is the integral over the whole cell, None where it means nothing.
    """

    formula: str
    space_group: str
    values: FloatArray
    edges_angstrom: tuple[float, float]
    n_electron: float | None


@dataclass(frozen=True, eq=False)
class Embedded:
    """Two coordinates of each of n crystals in each representation, beside the labels of one property.

    `mixing` says, for an element left out, how well its crystals are mixed with the others in each representation.
    """

    pictures: Mapping[str, FloatArray]
    property_name: str
    unit: str
    values: FloatArray
    formulae: tuple[str, ...]
    mixing: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class DensityReport:
    """All that the page of a study of charge densities shows, in the order of its sections.

    `kinds` are learner -> kind, as the database has it; `coverage` is the nominal one of all intervals.
    """

    study: str
    title: str
    generated_at: datetime
    provenance: Provenance
    description: str = ""
    paper: str = ""
    coverage: float = 0.9
    kinds: Mapping[str, str] = field(default_factory=dict)
    summary: tuple[SummaryNumber, ...] = ()
    properties: tuple[PropertyComparison, ...] = ()
    slices: tuple[DensitySlice, ...] = ()
    embedded: Embedded | None = None
    quality: tuple[QualityRow, ...] = ()
    failures: tuple[FailureCount, ...] = ()
