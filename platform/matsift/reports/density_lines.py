"""The end of a study of charge densities in a terminal: learners beside each other, and elements left out."""

from __future__ import annotations

from matsift.learners.comparison import best_counts
from matsift.reports.densities import DensityReport, PropertyComparison
from matsift.reports.density_page import comparison_notes
from matsift.reports.notation import number, percent, quantity, symbol

_MOST_NAME = 34


def density_lines(report: DensityReport) -> list[str]:
    """Return the report as lines: headline numbers, a table a property, and who is best on elements left out."""
    lines = [report.title]
    wide = max((len(item.label) for item in report.summary), default=0)
    for item in report.summary:
        note = f"  ({item.note})" if item.note else ""
        lines.append(f"  {item.label:<{wide}}  {item.value}{note}")
    for compared in report.properties:
        lines += ["", *_table(compared)]
    lines += ["", *comparison_notes(report)[:-1]] if report.properties else []
    return lines


def _table(compared: PropertyComparison) -> list[str]:
    best = best_counts([compared.left_out]) if compared.left_out else {}
    wide = max((len(line.learner[:_MOST_NAME]) for line in compared.standings), default=0)
    head = f"  {'learner':<{wide}}  {'R2':>7}  {'RMSE':>7}  {'MAE':>7}  {'inside':>7}"
    lines = [f"{symbol(compared.property_name)} of {number(len(compared), 0)} crystals, each held out once:"]
    lines.append(f"{head}  best of {len(compared.elements)} elements left out" if best else head)
    for line in compared.standings:
        said = (
            number(line.averaged.get("r2"), 3),
            quantity(line.averaged["rmse"], compared.unit),
            quantity(line.averaged["mae"], compared.unit),
            percent(compared.interval_coverages.get(line.learner)),
        )
        columns = "  ".join(f"{text:>7}" for text in said)
        lines.append(f"  {line.learner[:_MOST_NAME]:<{wide}}  {columns}  {best.get(line.learner, '')}".rstrip())
    return lines
