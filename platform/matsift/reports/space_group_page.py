"""The page of a space-group study, and its tables beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from matsift.reports.figures.plot import Plot
from matsift.reports.figures.space_groups import (
    certainty_plot,
    confusion_plot,
    counts_plot,
    members_plot,
    volume_plot,
)
from matsift.reports.page import render_template
from matsift.reports.pattern_page import pattern_sections
from matsift.reports.patterns import PatternAnswer
from matsift.reports.sections import Section
from matsift.reports.small_tables import Table, provenance_tables, quality_tables
from matsift.reports.space_group_tables import group_table, mistake_table, relation_table, score_table
from matsift.reports.space_groups import SpaceGroupReport


def render_space_groups(report: SpaceGroupReport) -> str:
    """Return the whole report as one HTML page; the same report gives the same text."""
    return render_template(
        "space_groups.html.j2",
        report=report,
        sections=space_group_sections(report),
        provenance_tables=provenance_tables(report.provenance),
        paper_of_figures="",
    )


def space_group_sections(report: SpaceGroupReport) -> tuple[Section, ...]:
    """Return the sections of the page: what is taken for what first, then how sure, then patterns and data."""
    held_out = report.held_out
    none = "No ensemble has been judged yet."
    return (
        Section(
            "confusion",
            "What is taken for what",
            none,
            _there(map(confusion_plot, held_out)),
        ),
        Section(
            "relations",
            "How far off wrong answers are",
            none,
            tables=_tables([relation_table(held_out), *map(mistake_table, held_out)]),
            notes=_relation_notes(report),
        ),
        Section(
            "members",
            "Members and ensemble",
            none,
            _there(
                members_plot([score for score in report.scores if score.subset == subset])
                for subset in dict.fromkeys(score.subset for score in report.scores)
            ),
            _tables([score_table(report.scores)]),
        ),
        Section(
            "volume",
            "The volume of the cell",
            "No network of this study predicts a volume.",
            _there(map(volume_plot, held_out)),
        ),
        Section(
            "certainty",
            "How sure an answer is",
            none,
            _there(certainty_plot(held, report.coverage) for held in held_out),
        ),
        *(section for place, answer in enumerate(report.answers, start=1) for section in _answer(answer, place)),
        Section("groups", "Group by group", none, tables=_tables(map(group_table, held_out))),
        Section(
            "data",
            "What was learned from",
            "No data set was drawn yet.",
            _there([counts_plot(report.counts)]),
            quality_tables(report),
        ),
    )


def _answer(answer: PatternAnswer, place: int) -> tuple[Section, ...]:
    pattern, groups, phases = pattern_sections(answer, f"-{place}")
    truth = "" if not answer.made_from else f"The project made this pattern itself, from {answer.made_from}."
    notes = (*([truth] if truth else []), *pattern.notes)
    title = f"A measured pattern identified: {answer.name}"
    return replace(pattern, title=title, notes=notes), groups, phases


def _relation_notes(report: SpaceGroupReport) -> tuple[str, ...]:
    if not report.held_out:
        return ()
    note = (
        "A powder pattern of a slightly distorted crystal differs from that of the undistorted one by weak lines only. "
        "Taking it for a supergroup is the mistake to expect, as for Li2MnO3 in the paper; a group that is not related "
        "is a mistake of another kind."
    )
    return (note,)


def _there(plots: Iterable[Plot | None]) -> tuple[Plot, ...]:
    return tuple(plot for plot in plots if plot is not None)


def _tables(tables: Iterable[Table | None]) -> tuple[Table, ...]:
    return tuple(table for table in tables if table is not None)
