"""The page of a study of generative design."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from matsift.reports.data import ReportProperty
from matsift.reports.figures.generative import candidate_plot, funnel_plot, map_plot, share_plot, stability_plot
from matsift.reports.figures.latent_search import history_plot, hit_plot, validity_plot
from matsift.reports.generative import GeneratedCandidate, GenerativeReport
from matsift.reports.generative_tables import ORIGINS, generator_table, search_table, share_table
from matsift.reports.markup import asset
from matsift.reports.notation import in_unit, number, percent, quantity, space_group_text, symbol
from matsift.reports.page import render_template
from matsift.reports.sections import Section
from matsift.reports.small_tables import provenance_tables, quality_tables
from matsift.reports.structure_viewer import ViewedStructure, viewer_data, viewer_scripts

#: Rows, and crystals in three dimensions, that one page holds; the tables beside it hold all.
MOST_ROWS, MOST_CRYSTALS = 2000, 500
_COLUMN_NAMES = {"energy_above_hull": "Above the hull", "formation_energy_per_atom": "Formation energy"}
T = TypeVar("T")


def render_generative(report: GenerativeReport) -> str:
    """Return the whole report as one HTML page; the same report gives the same text."""
    shown = report.candidates[:MOST_ROWS]
    structures = viewed_structures(shown)[:MOST_CRYSTALS]
    return render_template(
        "generative.html.j2",
        viewer_scripts() if structures else (),
        report=report,
        shown=shown,
        n_hidden=len(report.candidates) - len(shown),
        structures=structures,
        pictured={one.key for one in structures},
        structure_data=viewer_data(structures) if structures else None,
        structure_style=asset("structures.css") if structures else "",
        computed=_computed(report),
        column_names=_COLUMN_NAMES,
        origins=ORIGINS,
        sections=generative_sections(report),
        provenance_tables=provenance_tables(report.provenance),
        paper_of_figures=report.paper,
    )


def viewed_structures(candidates: Iterable[GeneratedCandidate]) -> tuple[ViewedStructure, ...]:
    """Return the crystals of the candidates that have one, with a line of words about each."""
    return tuple(
        ViewedStructure(c.structure_hash, c.formula, c.crystal, _words(c)) for c in candidates if c.crystal is not None
    )


def generative_sections(report: GenerativeReport) -> tuple[Section, ...]:
    """Return the sections of the page after the candidates."""
    courses, target, threshold = report.searches, report.target, report.threshold
    return (
        Section(
            "picture",
            "The candidates at a glance",
            "No candidate has a prediction yet.",
            _there([candidate_plot(report), stability_plot(report)]),
        ),
        Section(
            "funnel",
            "From formulas to crystals",
            "No step has been taken yet.",
            _there([funnel_plot(report.funnel)]),
        ),
        Section(
            "search",
            "The search in the latent space",
            "No search was made in this study.",
            _there(
                [
                    *(history_plot(course, target, threshold, report.goal, n) for n, course in enumerate(courses)),
                    hit_plot(courses, report),
                    validity_plot(courses),
                ]
            ),
            _there([search_table(report)]),
            _search_notes(report),
        ),
        Section(
            "space",
            "Where they lie among what is known",
            "No picture of compositions was made.",
            _there([map_plot(report.map)]),
        ),
        Section(
            "generators",
            "How good the generators are",
            "No generator was trained in this study.",
            _there([share_plot(report.shares)]),
            _there([share_table(report.shares), generator_table(report.generators)]),
            _share_notes(report),
        ),
        Section(
            "data",
            "Data quality and failures",
            "No rule was applied and nothing failed.",
            tables=quality_tables(report),
        ),
    )


def _words(c: GeneratedCandidate) -> str:
    said = [space_group_text(c.space_group)] if c.space_group else []
    said += [
        f"predicted {symbol(p.property_name)} {in_unit(quantity(p.mean, p.unit), p.unit)} "
        f"({quantity(p.lower, p.unit)} to {quantity(p.upper, p.unit)})"
        for p in c.predictions[:1]
    ]
    if hull := c.label("energy_above_hull"):
        said.append(f"{in_unit(quantity(hull.value, hull.unit), hull.unit)} above the hull")
    return ", ".join(said)


def _computed(report: GenerativeReport) -> tuple[ReportProperty, ...]:
    """Return the properties with a label: the target, distance to the hull, then the others as they come."""
    there = dict.fromkeys(label.property_name for c in report.candidates for label in c.labels)
    there.pop("energy_per_atom", None)  # says nothing to a reader; it stands in the table beside the page
    first = [name for name in (report.target.name, "energy_above_hull", "formation_energy_per_atom") if name in there]
    return tuple(ReportProperty.of(name) for name in dict.fromkeys([*first, *there]))


def _search_notes(report: GenerativeReport) -> tuple[str, ...]:
    if not report.searches:
        return ()
    note = (
        "A suggestion is a point of the latent space; the decoder makes a matrix of it, which is a composition or none "
        "at all. The labels are those of the property model, not measured or computed ones: they say how the search "
        "does its work, not how good a material is."
    )
    return (note,)


def _share_notes(report: GenerativeReport) -> tuple[str, ...]:
    made = {line.maker: line for line in report.shares}
    if not made:
        return ()
    note = (
        "Valid: one oxidation state an element makes the formula neutral, and every cation is less electronegative "
        "than every anion. Unique: counted once. New: not among the known formulas. Shares are of all that were made."
    )
    best = max((line for line in made.values() if line.valid_unique_new is not None), default=None,
               key=lambda line: line.valid_unique_new or 0.0)  # fmt: skip
    if best is None:
        return (note,)
    share = percent(best.valid_unique_new, 1)
    return note, f"All three at once, most often: {best.maker}, {share} of {number(best.n_made, 0)}."


def _there(found: Iterable[T | None]) -> tuple[T, ...]:
    return tuple(one for one in found if one is not None)
