"""The end of a study of generative design in a terminal: the first candidates, the searches, shares of generators."""

from __future__ import annotations

from matsift.reports.generative import GeneratedCandidate, GenerativeReport, HandOff
from matsift.reports.generative_tables import ORIGINS, search_table, share_table
from matsift.reports.notation import headed, in_unit, number, quantity, symbol
from matsift.reports.small_tables import Table
from matsift.reports.text_table import aligned

_MOST_CANDIDATES = 10
_MOST_NAME = 30


def generative_lines(report: GenerativeReport) -> list[str]:
    """Return the report as lines: headline numbers, the first candidates, a line a search and a generator."""
    lines = [report.title]
    wide = max((len(item.label) for item in report.summary), default=0)
    for item in report.summary:
        note = f"  ({item.note})" if item.note else ""
        lines.append(f"  {item.label:<{wide}}  {item.value}{note}")
    if report.ranked:
        lines += ["", *_candidate_lines(report)]
    for table in (search_table(report), share_table(report.shares)):
        if table is not None:
            lines += ["", *_table_lines(table)]
    if report.caveat:
        lines += ["", report.caveat]
    return lines


def _candidate_lines(report: GenerativeReport) -> list[str]:
    target, shown = report.target, report.ranked[:_MOST_CANDIDATES]
    wide = max(len("candidate"), *(len(c.formula) for c in shown))
    head = headed(symbol(target.name), target.unit)
    lines = [
        f"  {'rank':>4}  {'candidate':<{wide}}  {head:<24}  {'hull / eV/atom':>14}  {'nearest known':<18}  made by"
    ]
    lines += [_candidate_line(c, target.name, wide) for c in shown]
    n_more = len(report.ranked) - len(shown)
    n_unranked = len(report.candidates) - len(report.ranked)
    more = [f"{number(n, 0)} more {words}" for n, words in ((n_more, "are ranked"), (n_unranked, "have no rank")) if n]
    return [*lines, f"  {', '.join(more)}"] if more else lines


def _candidate_line(c: GeneratedCandidate, target: str, wide: int) -> str:
    p, hull = c.prediction(target), c.label("energy_above_hull")
    said = f"{quantity(p.mean, p.unit)} ({quantity(p.lower, p.unit)} to {quantity(p.upper, p.unit)})" if p else "–"
    above = quantity(hull.value, hull.unit) if hull else "–"
    nearest = "–"
    if c.nearest is not None:
        nearest = "rediscovered" if c.nearest.is_rediscovery else f"{c.nearest.formula} {number(c.nearest.distance, 2)}"
    line = f"  {c.rank:>4}  {c.formula:<{wide}}  {said:<24}  {above:>14}  {nearest:<18}  {ORIGINS[c.origin]}"
    return line if c.hand_off is None else f"{line}; {_handed_on(c.hand_off)}"


def _handed_on(handed: HandOff) -> str:
    if handed.label is None:
        return f"{handed.oracle}: {handed.state}"
    return f"{handed.oracle} {in_unit(quantity(handed.label.value, handed.label.unit), handed.label.unit)}"


def _table_lines(table: Table) -> list[str]:
    heads = [str(column.header) for column in table.columns]
    rows = [[str(cell)[:_MOST_NAME] for cell in row] for row in table.rows]
    lines = aligned([heads, *rows], [column.numeric for column in table.columns])
    return [f"  {line}".rstrip() for line in lines]
