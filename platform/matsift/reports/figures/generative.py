"""Plots of a study of generative design: candidates with intervals, stability, the funnel, shares, the map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from matsift.reports.figures.plot import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    ORANGE,
    SYMBOLS,
    Plot,
    axis_title,
    interval_bars,
    new_figure,
    short,
    text_of,
)
from matsift.reports.generative import CompositionMap, FunnelStep, GeneratedCandidate, GenerativeReport, ShareLine
from matsift.reports.notation import decimals, formula_markup, headed, in_unit, number, percent, quantity, symbol

_MOST_BARS = 30
_MARGIN = 0.25  # of the widest bar, for the number at its end
_STABLE_EV = 0.1  # a distance to the hull that a compound can be made at, by common use
_SHARES = (("valid", "valid", BLUE), ("unique", "unique", GREEN), ("new", "new", ORANGE))


def candidate_plot(report: GenerativeReport) -> Plot | None:
    """Return the predicted target of the first candidates with its interval; None where none has a prediction."""
    target = report.target
    shown = [(c, p) for c in report.candidates if (p := c.prediction(target.name)) is not None][:_MOST_BARS]
    if not shown:
        return None
    figure = new_figure(go.Figure(interval_bars([_named(c) for c, _ in shown], [p for _, p in shown])))
    coverage = shown[0][1].coverage
    caption = (
        f"Predicted {symbol(target.name)} of the first {len(shown)} candidates: the point is the mean, the bar the "
        f"calibrated {'' if coverage is None else percent(coverage) + ' '}interval."
    )
    known = [(c, label) for c, _ in shown if (label := c.label(target.name)) is not None]
    if known:
        names = [_named(c) for c, _ in known]
        marker = {"symbol": "diamond", "color": ORANGE, "size": 9}
        hover = f"%{{y}}, computed: %{{x:.{decimals(target.unit)}f}}<extra></extra>"
        figure.add_trace(go.Scatter(x=short([label.value for _, label in known]), y=names, mode="markers",
                                    marker=marker, hovertemplate=hover))  # fmt: skip
        inside = [p.lower <= label.value <= p.upper for c, p in shown if (label := c.label(target.name)) is not None]
        caption += (
            f" A diamond is the value that an oracle computed ({text_of(known[0][1].method)}); {sum(inside)} of "
            f"{len(inside)} lie in their interval."
        )
    if report.threshold is not None:
        figure.add_vline(x=report.threshold, line={"color": ORANGE, "dash": "dash", "width": 1.5})
        caption += f" The dashed line is {in_unit(quantity(report.threshold, target.unit), target.unit)}."
    figure.update_layout(showlegend=False, margin={"t": 8})
    figure.update_xaxes(title=axis_title(target.name, target.unit))
    figure.update_yaxes(autorange="reversed", tickfont={"size": 11}, ticks="")
    title = f"First {len(shown)} candidates with their intervals"
    return Plot("plot-candidates", title, caption, figure, len(shown), height=90 + 21 * len(shown))


def stability_plot(report: GenerativeReport) -> Plot | None:
    """Return the predicted target over the distance to the hull; None where no candidate has both."""
    target = report.target
    both = [
        (c, hull.value, p.mean)
        for c in report.candidates
        if (hull := c.label("energy_above_hull")) is not None and (p := c.prediction(target.name)) is not None
    ]
    if not both:
        return None
    origins = list(dict.fromkeys(c.origin for c, _, _ in both))
    figure = new_figure(go.Figure())
    for place, origin in enumerate(origins):
        own = [(c, x, y) for c, x, y in both if c.origin == origin]
        figure.add_trace(
            go.Scatter(
                x=short([x for _, x, _ in own]),
                y=short([y for _, _, y in own]),
                mode="markers",
                name=origin.replace("_", " "),
                marker={"color": CYCLE[place], "symbol": SYMBOLS[place], "size": 8, "opacity": 0.85},
                text=[_named(c) for c, _, _ in own],
                hovertemplate=f"%{{text}}<br>%{{x:.3f}} eV/atom, %{{y:.{decimals(target.unit)}f}}<extra></extra>",
            )
        )
    figure.add_vline(x=_STABLE_EV, line={"color": GREY, "dash": "dot", "width": 1.5})
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title=headed("Distance to the hull", "eV/atom"))
    figure.update_yaxes(title=axis_title(target.name, target.unit, "Predicted"))
    n_stable = sum(x <= _STABLE_EV for _, x, _ in both)
    caption = (
        f"Relaxed structures: predicted {symbol(target.name)} over the distance to the hull of all phases of the same "
        f"method. {number(n_stable, 0)} of {number(len(both), 0)} lie within {_STABLE_EV:g} eV/atom (dotted)."
    )
    return Plot("plot-stability", "Value and stability", caption, figure, len(both), height=460)


def funnel_plot(steps: Sequence[FunnelStep]) -> Plot | None:
    """Return how many compositions are left after each step, on a logarithmic scale; None without any step."""
    if not any(step.n_left for step in steps):
        return None
    counts = [step.n_left for step in steps]
    trace = go.Bar(
        x=[np.log10(n) if n > 1 else 0.02 * n for n in counts],
        y=[text_of(step.name) for step in steps],
        orientation="h",
        marker={"color": BLUE},
        text=[number(n, 0) for n in counts],
        textposition="outside",
        cliponaxis=False,
        customdata=[text_of(step.note) for step in steps],
        hovertemplate="%{y}: %{text}<br>%{customdata}<extra></extra>",
    )
    figure = new_figure(go.Figure([trace]))
    most = int(np.ceil(np.log10(max(counts)))) or 1
    figure.update_layout(margin={"t": 8}, bargap=0.3)
    figure.update_xaxes(
        title="Left after the step",
        range=[0, most + _MARGIN * most],
        tickvals=list(range(most + 1)),
        ticktext=[number(10**n, 0) for n in range(most + 1)],
    )
    figure.update_yaxes(autorange="reversed", ticks="")
    notes = " ".join(f"{step.name}: {step.note}." for step in steps if step.note)
    caption = f"Compositions left after each step, on a logarithmic scale. {notes}".strip()
    return Plot(
        "plot-funnel", "What is left after each step", caption, figure, counts[0],
        height=110 + 34 * len(steps), wide=True,
    )  # fmt: skip


def share_plot(shares: Sequence[ShareLine]) -> Plot | None:
    """Return the shares of valid, unique and new compositions of each maker as bars; None without any."""
    if not shares:
        return None
    figure = new_figure(go.Figure())
    names = [text_of(line.maker) for line in shares]
    for name, field, colour in _SHARES:
        values = [getattr(line, field) for line in shares]
        figure.add_trace(
            go.Bar(
                x=names,
                y=[None if value is None else round(100 * value, 2) for value in values],
                name=name,
                marker={"color": colour},
                hovertemplate=f"%{{x}}, {name}: %{{y:.1f}} %<extra></extra>",
            )
        )
    figure.update_layout(barmode="group", showlegend=True)
    figure.update_yaxes(title="Share / %", range=[0, 104])
    caption = "Of all compositions that each made: shares that are valid, that are unique, and that are not known."
    return Plot("plot-shares", "Valid, unique, new", caption, figure, sum(line.n_made for line in shares))


def map_plot(shown: CompositionMap | None) -> Plot | None:
    """Return compositions in two coordinates, a colour and a mark a group; None without any."""
    if shown is None or not shown.formulas:
        return None
    figure = new_figure(go.Figure())
    groups = list(dict.fromkeys(shown.groups))
    said = np.array(shown.groups)
    for place, group in enumerate(groups):
        rows = np.flatnonzero(said == group)
        figure.add_trace(
            go.Scatter(
                x=short(shown.coordinates[rows, 0]),
                y=short(shown.coordinates[rows, 1]),
                mode="markers",
                name=f"{text_of(group)} ({number(len(rows), 0)})",
                marker={
                    "color": (GREY, *CYCLE[:4])[place % len(CYCLE)],
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                    "size": 5 if place == 0 else 7,
                    "opacity": 0.5 if place == 0 else 0.8,
                },
                customdata=[text_of(shown.formulas[row]) for row in rows],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    figure.update_layout(showlegend=True, margin={"t": 30 + 22 * (1 + len(groups) // 4)})
    figure.update_xaxes(showticklabels=False, ticks="")
    figure.update_yaxes(showticklabels=False, ticks="")
    caption = "Compositions by t-SNE: near points are alike, the axes have no meaning."
    return Plot(
        "plot-compositions", "Compositions visited", caption, figure, len(shown.formulas), "8", height=560, wide=True
    )


def _named(candidate: GeneratedCandidate) -> str:
    place = "–" if candidate.rank is None else str(candidate.rank)
    return f"{place}  {formula_markup(candidate.formula)}"
