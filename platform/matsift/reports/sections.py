"""The sections of the page after the ranking, in order: plots, tables, and what to say where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from matsift.reports.calibration_table import calibration_tables
from matsift.reports.data import RankingReport
from matsift.reports.figures.bond_valence import lattice_error_plot
from matsift.reports.figures.calibration import course_plot, reliability_plot
from matsift.reports.figures.campaigns import learning_plot, spread_plot
from matsift.reports.figures.candidates import interval_plot, property_map
from matsift.reports.figures.labels import distribution_plot
from matsift.reports.figures.models import ablation_plot, importance_plot, parity_plot, sampling_plot
from matsift.reports.figures.pareto import pareto_plot
from matsift.reports.figures.periodic_table import periodic_table_plot
from matsift.reports.figures.plot import Plot
from matsift.reports.notation import percent
from matsift.reports.objective_lines import objective_notes
from matsift.reports.objective_table import objective_table
from matsift.reports.small_tables import Table, evaluation_tables, quality_tables, study_table

Row = TypeVar("Row")


@dataclass(frozen=True)
class Section:
    """A part of the page.

    `empty` is the sentence that stands there while it has neither plots nor tables,
    `notes` are sentences that stand there in any case.
    """

    key: str
    title: str
    empty: str
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


def sections(report: RankingReport) -> tuple[Section, ...]:
    """Return the sections after the ranking table; across studies only those that have something to show."""
    if not report.studies:
        return _sections(report)
    of_studies = Section("studies", "The studies", "", tables=(study_table(report.studies),))
    return (of_studies, *(section for section in _sections(report) if section.plots or section.tables))


def _sections(report: RankingReport) -> tuple[Section, ...]:
    return (
        Section("picture", "The candidates at a glance", "No candidate is ranked yet.", _candidate_plots(report)),
        *_objective_section(report),
        Section(
            "labels",
            "What the models learn from",
            "No label has been accepted yet.",
            _there(
                [
                    *map(distribution_plot, report.distributions),
                    periodic_table_plot(report.desk.training, report.ranking),
                ]
            ),
        ),
        Section(
            "models",
            "How well the models predict",
            "No model has been evaluated yet.",
            _there(
                [
                    *(parity_plot(p, position=n) for n, p in enumerate(report.parities)),
                    lattice_error_plot(report.lattice_errors),
                ]
            ),
            evaluation_tables(report),
            _model_notes(report),
        ),
        Section(
            "descriptors",
            "What the predictions rest on",
            "Neither an ablation nor importances were computed in this study.",
            _there(
                [ablation_plot(report.ablation), *map(importance_plot, _groups(report.importances, "property_name"))]
            ),
        ),
        Section(
            "sampling",
            "Sampling strategies",
            "Sampling strategies were not compared in this study.",
            _there(map(sampling_plot, _groups(report.sampling, "property_name"))),
        ),
        Section(
            "spread",
            "How sure the models are of the pool",
            "No structure of the pool has a prediction yet.",
            _there(map(spread_plot, report.pool_spreads)),
        ),
        Section(
            "campaign",
            "The active-learning campaign",
            "No campaign has run yet, so there is no learning curve.",
            _there(map(learning_plot, _groups(report.learning_curves, "campaign", "property_name"))),
        ),
        Section(
            "calibration",
            "How far the uncertainties can be trusted",
            "No campaign has run yet, so there is no round to judge.",
            _there(
                [
                    *map(course_plot, _groups(report.calibrations, "campaign", "property_name")),
                    *map(reliability_plot, report.calibrations),
                ]
            ),
            calibration_tables(report.calibrations),
            _calibration_notes(report),
        ),
        Section(
            "quality",
            "Data quality and failures",
            "No rule was applied and nothing failed.",
            tables=quality_tables(report),
            notes=_quality_notes(report),
        ),
    )


def _candidate_plots(report: RankingReport) -> tuple[Plot, ...]:
    of_ranked = report.ranking.settings.property_name
    distribution = next((d for d in report.distributions if d.property_name == of_ranked), None)
    maps = [property_map(report.ranking, *report.properties[:2])] if len(report.properties) > 1 else []
    return _there([interval_plot(report.ranking, distribution), *maps])


def _objective_section(report: RankingReport) -> tuple[Section, ...]:
    if report.objectives is None:
        return ()
    return (
        Section(
            "objectives",
            "Several objectives at once",
            "No candidate has a place yet: an objective is unknown of each.",
            _there([pareto_plot(report.objectives)]),
            tuple(table for table in [objective_table(report.objectives)] if table is not None),
            objective_notes(report.objectives),
        ),
    )


def _model_notes(report: RankingReport) -> tuple[str, ...]:
    notes = []
    covers = [p.coverage for r in report.ranking.ranked for p in r.candidate.predictions if p.coverage is not None]
    if covers and report.evaluations:
        notes.append(
            f"All on rows that no model has learned from. Intervals are calibrated to hold {percent(covers[0])} of the "
            "true values; the coverage is the share that they held here."
        )
    if len({e.model for e in report.evaluations}) == 1:
        notes.append("No baseline was trained, so there is nothing to hold the model against.")
    return tuple(notes)


def _calibration_notes(report: RankingReport) -> tuple[str, ...]:
    if not report.calibrations:
        return ()
    what = (
        "An interval of the spread as it is reaches so many spreads from the mean as would hold its share of a normal "
        "distribution; a calibrated one is widened until it holds its share of the calibration rows. The rank "
        "correlation is that of spread and absolute error."
    )
    reading = (
        "Test rows are drawn like the calibration rows, so the calibrated interval holds its share of them but for "
        "chance. What a round acquired was predicted before it was labelled; a strategy that looks for the uncertain "
        "draws rows unlike the others, for which nothing is guaranteed: there the interval is put to the test."
    )
    return what, reading


def _quality_notes(report: RankingReport) -> tuple[str, ...]:
    if not report.quality:
        return ()
    note = (
        "A label falls at the first rule that it breaks, so the count of those kept goes down from rule to rule. "
        "Every criterion of a screen looks at every structure, whatever the others say of it."
    )
    return (note,)


def _there(plots: Iterable[Plot | None]) -> tuple[Plot, ...]:
    return tuple(p for p in plots if p is not None)


def _groups(rows: Iterable[Row], *fields: str) -> list[tuple[Row, ...]]:
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, field) for field in fields), []).append(row)
    return [tuple(group) for group in groups.values()]
