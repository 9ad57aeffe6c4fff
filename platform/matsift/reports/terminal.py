"""The ranking as plain lines, for a terminal of any width or a file."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from matsift.reports.data import RankedCandidate, RankingReport
from matsift.reports.mobility import in_brief
from matsift.reports.notation import headed, percent, quantity, symbol
from matsift.reports.text_table import aligned

_HASH_SHOWN = 10
_NEVER_LEFT_OUT = 0


@dataclass(frozen=True)
class _Column:
    """A column; where the terminal is too narrow, those with the largest `can_wait` are left out first."""

    header: str
    cell: Callable[[RankedCandidate], str]
    can_wait: int = _NEVER_LEFT_OUT
    is_numeric: bool = False


def ranking_lines(report: RankingReport, n: int, width: int | None = None) -> list[str]:
    """Return the first `n` ranked candidates as lines: a title, the table, and a legend.

    Parameters
    ----------
    report
        The report.
    n
        Candidates to show.
    width
        Columns of the terminal: whole columns of the table are left out until it fits, and the legend names them. None
        for a file, where rows stay whole.
    """
    ranked = report.ranking.ranked
    shown = ranked[:n]
    title = f"{report.title}: {len(shown)} of {len(ranked)} ranked candidates"
    if not shown:
        return [title, "No candidate is ranked: none has both a prediction and no failed criterion."]
    columns, left_out = _fitting(_columns(report), shown, width)
    legend = _legend(report, left_out)
    folded = legend if width is None else [line for text in legend for line in textwrap.wrap(text, width)]
    return [title, "", *_table(columns, shown), "", *folded]


def _columns(report: RankingReport) -> list[_Column]:
    of_ranking = report.ranking.settings.property_name
    properties = [
        _Column(
            headed(symbol(known.name), known.unit),
            partial(_prediction, property_name=known.name),
            can_wait=_NEVER_LEFT_OUT if known.name == of_ranking else 2,
            is_numeric=True,
        )
        for known in report.properties
    ]
    axis = report.mobility
    mobility = (
        []
        if axis is None
        else [_Column(f"{axis.ion} paths / eV", lambda r: in_brief(r.candidate.mobility, axis), can_wait=1)]
    )
    return [
        _Column("#", lambda r: str(r.rank), is_numeric=True),
        _Column("formula", lambda r: r.candidate.formula),
        _Column("space group", lambda r: r.candidate.space_group, can_wait=1),
        _Column("structure", lambda r: r.candidate.structure_hash[:_HASH_SHOWN]),
        *properties,
        *mobility,
        _Column("computed", partial(_computed, property_name=of_ranking), is_numeric=True),
        _Column("criteria", _criteria),
    ]


def _fitting(
    columns: list[_Column], shown: Sequence[RankedCandidate], width: int | None
) -> tuple[list[_Column], list[str]]:
    """Return the columns that fit, and the headers of those left out."""
    left_out: list[str] = []
    kept = list(columns)
    while width is not None and len(_table(kept, shown)[0]) > width:
        waiting = max(kept, key=lambda column: column.can_wait)
        if waiting.can_wait == _NEVER_LEFT_OUT:
            break
        kept.remove(waiting)
        left_out.append(waiting.header)
    return kept, left_out


def _table(columns: Sequence[_Column], shown: Sequence[RankedCandidate]) -> list[str]:
    rows = [[column.cell(row) for column in columns] for row in shown]
    heads = [column.header for column in columns]
    return aligned([heads, *rows], [column.is_numeric for column in columns], ruled=True)


def _prediction(row: RankedCandidate, property_name: str) -> str:
    found = row.candidate.prediction(property_name)
    if found is None:
        return "–"
    mean, lower, upper = (quantity(value, found.unit) for value in (found.mean, found.lower, found.upper))
    return f"{mean} ({lower} to {upper})"


def _computed(row: RankedCandidate, property_name: str) -> str:
    label = row.candidate.label(property_name)
    if label is not None:
        return quantity(label.value, label.unit)
    return "–" if row.candidate.state == "candidate" else row.candidate.state


def _criteria(row: RankedCandidate) -> str:
    n_unknown = len(row.candidate.criteria_of("unknown"))
    passed = f"{len(row.candidate.criteria_of('passed'))}/{len(row.candidate.criteria)}"
    return f"{passed}, {n_unknown} ?" if n_unknown else passed


def _legend(report: RankingReport, left_out: Sequence[str]) -> list[str]:
    ranked, settings = report.ranking.ranked, report.ranking.settings
    coverages = [p.coverage for r in ranked if (p := r.candidate.prediction(settings.property_name)) is not None]
    interval = f"{percent(coverages[0])} interval" if coverages and coverages[0] is not None else "interval"
    unknown = Counter(c.name for r in ranked for c in r.candidate.criteria_of("unknown"))
    lines = [
        report.ranking.rule,
        f"Predicted: mean (calibrated {interval}). Computed: {symbol(settings.property_name)} by the oracle.",
    ]
    if report.mobility is not None:
        lines.append(report.mobility.sentence)
    if unknown:
        named = ", ".join(f"{name} {count}" for name, count in unknown.most_common())
        lines.append(f"Criteria: passed of all, ? = unknown; of {len(ranked)} unknown: {named}.")
    if left_out:
        lines.append(f"Too wide for this terminal: {', '.join(left_out)}; a file or --json holds them.")
    return lines
