"""The page of a study of charge densities, and its tables beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from matsift.reports.densities import DensityReport, PropertyComparison
from matsift.reports.density_tables import comparison_table, coverage_table, difference_table, left_out_table
from matsift.reports.figures.densities import (
    coverage_plot,
    density_parity_plot,
    error_plot,
    left_out_plot,
    slice_plot,
)
from matsift.reports.figures.embedding import split_embedding_plot, value_embedding_plot
from matsift.reports.figures.plot import Plot
from matsift.reports.notation import percent, symbol
from matsift.reports.page import render_template
from matsift.reports.sections import Section
from matsift.reports.small_tables import provenance_tables, quality_tables

_ALLOWED = 1.05  # RMSE of the fusion over that of its better branch
_BRANCHES = ("magpie_cnn", "density_cnn_2d")
T = TypeVar("T")


def render_densities(report: DensityReport) -> str:
    """Return the whole report as one HTML page; the same report gives the same text."""
    return render_template(
        "densities.html.j2",
        report=report,
        sections=density_sections(report),
        provenance_tables=provenance_tables(report.provenance),
        paper_of_figures="",
    )


def density_sections(report: DensityReport) -> tuple[Section, ...]:
    """Return the sections of the page: the comparison first, then other chemistry, densities, pictures and data."""
    properties, none = report.properties, "No learner has been trained yet."
    return (
        Section(
            "comparison",
            "Which representation says most",
            none,
            _there(map(error_plot, properties)),
            _there(comparison_table(compared, report.kinds) for compared in properties),
            comparison_notes(report),
        ),
        Section("parity", "Crystal by crystal", none, _there(map(density_parity_plot, properties))),
        Section("chance", "More than chance", none, tables=_there(map(difference_table, properties))),
        Section(
            "elements",
            "Elements never learned from",
            "No element was left out in this study.",
            _there(map(left_out_plot, properties)),
            _there(map(left_out_table, properties)),
        ),
        Section(
            "coverage",
            "How far intervals can be trusted there",
            "No element was left out in this study.",
            _there(coverage_plot(compared, report.coverage) for compared in properties),
            _there(map(coverage_table, properties)),
            _coverage_notes(report),
        ),
        Section("densities", "The densities", "No density was looked at.", _slices(report)),
        Section("pictures", "Crystals that are alike", "Too few crystals for a picture.", _pictures(report)),
        Section(
            "data",
            "Data quality and failures",
            "No rule was applied and nothing failed.",
            tables=quality_tables(report),
        ),
    )


def comparison_notes(report: DensityReport) -> tuple[str, ...]:
    """Return what the comparison comes to, in sentences: who is best, and what the fusion gains."""
    notes = [sentence for compared in report.properties for sentence in _verdicts(compared, report)]
    if notes:
        notes.append(
            "The paper's numbers are on other crystals, labels and densities; they tell the order of learners, and no "
            "error here is to be compared with one there."
        )
    return tuple(notes)


def _verdicts(compared: PropertyComparison, report: DensityReport) -> list[str]:
    errors = {line.learner: line.averaged["rmse"] for line in compared.standings}
    if not errors:
        return []
    name = symbol(compared.property_name)
    said = [f"{name}: {compared.best} has the smallest error."]
    of_kind = {report.kinds[learner]: error for learner, error in errors.items() if learner in report.kinds}
    branches = [of_kind[kind] for kind in _BRANCHES if kind in of_kind]
    if "density_fusion" in of_kind and branches:
        ratio = of_kind["density_fusion"] / min(branches)
        held = "within" if ratio <= _ALLOWED else "above"
        said.append(f"{name}: the fusion's error is {ratio:.2f} times its better branch's, {held} 1.05.")
    return said


def _coverage_notes(report: DensityReport) -> tuple[str, ...]:
    if not any(compared.elements for compared in report.properties):
        return ()
    note = (
        f"Intervals are calibrated to hold {percent(report.coverage)} of the labels of crystals like those that "
        "calibrate them. A new element breaks that promise. Intervals calibrated on the other elements left out "
        "estimate what a further element needs, from any number of them; those with a guarantee hold the share in the "
        "mean over draws of elements, are wider, and need as many other elements as the share needs draws: 9 for 90 %, "
        "4 for 80 %."
    )
    return (note,)


def _slices(report: DensityReport) -> tuple[Plot, ...]:
    plot = slice_plot(report.slices, "Densities that are learned from", "e/Å³")
    return () if plot is None else (plot,)


def _pictures(report: DensityReport) -> tuple[Plot, ...]:
    shown = report.embedded
    if shown is None:
        return ()
    plots = [
        value_embedding_plot(
            shown.pictures, shown.values, shown.formulae, property_name=shown.property_name, unit=shown.unit
        )
    ]
    compared = next((c for c in report.properties if c.property_name == shown.property_name), None)
    sets = next(iter(compared.left_out.values())).sets if compared and compared.left_out else ()
    plots += [
        split_embedding_plot(
            shown.pictures, found.test, shown.formulae, element=found.element, mixing=shown.mixing.get(found.element)
        )
        for found in sets[:1]
    ]
    return tuple(plots)


def _there(found: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(one for one in found if one is not None)
