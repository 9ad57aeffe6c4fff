"""The report as one HTML file that needs no network: styles, scripts and plotly stand inside it.

The content security policy of the page names the hashes of its own two scripts and plotly's, so nothing else can run
in it and nothing can be fetched, whatever a source wrote into a formula or an id.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache, partial

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from matsift.reports.candidate_data import candidate_data, column_widths, shown_rows
from matsift.reports.data import RankedCandidate, RankingReport
from matsift.reports.figures.plot import Plot
from matsift.reports.limits import limits
from matsift.reports.markup import asset, json_markup, safe_link
from matsift.reports.notation import (
    formula_markup,
    headed,
    moment,
    number,
    quantity,
    significant,
    space_group_markup,
    space_group_text,
    symbol_markup,
    text_markup,
)
from matsift.reports.sections import Section, sections
from matsift.reports.small_tables import provenance_tables
from matsift.reports.structure_viewer import ViewedStructure, viewer_data, viewer_scripts

_HASH_SHOWN = 10
_CANDIDATE_SCRIPTS = ("notation.js", "candidates.js", "card.js")


@dataclass(frozen=True)
class _PlotBlock:
    """A plot as the template needs it: words, the height of its box, and its data as JSON for a script tag."""

    key: str
    title: Markup
    caption: Markup
    height: int
    wide: bool
    data: Markup


def render_html(report: RankingReport) -> str:
    """Return the whole report as one HTML page; the same report gives the same text.

    Parameters
    ----------
    report
        The data; `generated_at` is printed as it is given, nothing here reads a clock.
    """
    labelled = _labelled_properties(report)
    structures = _viewed_structures(report)
    has_rows = bool(report.ranking.ranked or report.ranking.excluded)
    return render_template(
        "report.html.j2",
        viewer_scripts() if structures else (),
        tuple(map(asset, _CANDIDATE_SCRIPTS)) if has_rows else (),
        report=report,
        ranking=report.ranking,
        limits=limits(report),
        sections=sections(report),
        provenance_tables=provenance_tables(report.provenance),
        paper_of_figures=report.paper if report.numbers_figures else "",
        labelled_properties=labelled,
        widths=partial(column_widths, report, labelled),
        shown_rows=shown_rows,
        structures=structures,
        structure_data=viewer_data(structures) if structures else None,
        candidate_data=candidate_data(report) if has_rows else None,
        further_style=asset("candidates.css") + (asset("structures.css") if structures else ""),
    )


def render_template(
    name: str, further_scripts: tuple[Markup, ...] = (), first_scripts: tuple[Markup, ...] = (), **context: object
) -> str:
    """Return a page made of a template of this room with the style, the scripts and the policy that all pages share.

    `first_scripts` run before those of all pages, which take half a second to read, and `further_scripts` after them.
    """
    scripts = (*first_scripts, _plotly_script(), asset("report.js"), *further_scripts)
    return (
        _environment()
        .get_template(name)
        .render(
            style=asset("report.css"),
            scripts=scripts,
            policy=_content_policy(scripts),
            **context,
        )
    )


def plot_blocks(section: Section, paper: str) -> tuple[_PlotBlock, ...]:
    """Return the plots of a section with their captions completed by the count and the figure of the paper."""
    return tuple(
        _PlotBlock(
            key=re.sub(r"[^A-Za-z0-9_-]+", "-", plot.key),
            title=text_markup(plot.title),
            caption=text_markup(f"{plot.caption} {_provenance_words(plot, paper)}"),
            height=plot.height,
            wide=plot.wide,
            data=json_markup(plot.figure.to_plotly_json()),
        )
        for plot in section.plots
    )


def _provenance_words(plot: Plot, paper: str) -> str:
    count = f"n\u00a0=\u00a0{number(plot.n_point, 0)}."
    return f"{count} Compare figure {plot.paper_figure} of the paper." if paper and plot.paper_figure else count


def _viewed_structures(report: RankingReport) -> tuple[ViewedStructure, ...]:
    formulae = {r.candidate.structure_hash: r.candidate for r in (*report.ranking.ranked, *report.ranking.excluded)}
    return tuple(
        ViewedStructure(d.structure_hash, known.formula, d.crystal, space_group_text(known.space_group))
        for d in report.desk.details
        if d.crystal is not None and (known := formulae.get(d.structure_hash)) is not None
    )


def _labelled_properties(report: RankingReport) -> tuple[str, ...]:
    shown: tuple[RankedCandidate, ...] = (*report.ranking.ranked, *report.ranking.excluded)
    labelled = {label.property_name for r in shown for label in r.candidate.labels}
    return tuple(p.name for p in report.properties if p.name in labelled)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("matsift.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        formula=formula_markup,
        headed=headed,
        number=number,
        quantity=quantity,
        space_group=space_group_markup,
        significant=significant,
        symbol=symbol_markup,
        words=text_markup,
        moment=moment,
        short_hash=lambda content_hash: content_hash[:_HASH_SHOWN],
        safe_link=safe_link,
    )
    environment.globals["plot_blocks"] = plot_blocks
    return environment


@cache
def _plotly_script() -> Markup:
    return Markup(get_plotlyjs())  # noqa: S704  plotly's own bundle


def _content_policy(scripts: tuple[Markup, ...]) -> str:
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"
