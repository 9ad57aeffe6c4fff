"""Plots of searches in the latent space: what they found by suggestion, how many hits, how much of it decodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from matsift.reports.data import FloatArray, ReportProperty
from matsift.reports.figures.plot import (
    BLUE,
    CYCLE,
    GREY,
    ORANGE,
    SYMBOLS,
    Plot,
    axis_title,
    new_figure,
    short,
    text_of,
)
from matsift.reports.generative import GenerativeReport, SearchCourse
from matsift.reports.notation import decimals, in_unit, number, percent, quantity, symbol

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


def history_plot(
    course: SearchCourse, target: ReportProperty, threshold: float | None, goal: Literal["maximize", "minimize"], n: int
) -> Plot | None:
    """Return the label of each suggestion in the order in which they were asked; None where none decoded."""
    if not course.decodes.any():
        return None
    order = np.arange(1, len(course) + 1)
    there = course.decodes & np.isfinite(course.values)
    figure = new_figure(go.Figure())
    figure.add_trace(
        go.Scatter(
            x=order[there].tolist(),
            y=short(course.values[there]),
            mode="markers",
            name="label",
            marker={"color": BLUE, "size": 6, "opacity": 0.75},
            customdata=[
                f"{text_of(formula or '')}, round {number}"
                for formula, number, shown in zip(course.formulas, course.rounds.tolist(), there, strict=True)
                if shown
            ],
            hovertemplate=f"%{{x}}: %{{customdata}}<br>%{{y:.{decimals(target.unit)}f}}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=order[there].tolist(),
            y=short(_best_so_far(course.values[there], goal)),
            mode="lines",
            line={"color": ORANGE, "width": 2, "shape": "hv"},
            name="best so far",
            hovertemplate=f"%{{x}}: best %{{y:.{decimals(target.unit)}f}}<extra></extra>",
        )
    )
    caption = (
        f"{text_of(course.name)}: {number(int(there.sum()), 0)} of {number(len(course), 0)} suggestions decoded to a "
        f"formula ({percent(course.decodes.mean())})"
    )
    if course.initial.size:
        level = float(course.initial.max() if goal == "maximize" else course.initial.min())
        figure.add_hline(y=level, line={"color": GREY, "dash": "dot", "width": 1.5})
        caption += (
            f". The dotted line is the best of the {number(course.initial.size, 0)} labels that it began with, "
            f"{in_unit(quantity(level, target.unit), target.unit)}"
        )
    if threshold is not None:
        figure.add_hline(y=threshold, line={"color": ORANGE, "dash": "dash", "width": 1.5})
        hits = _hits(course.values, threshold, goal) & there
        caption += (
            f". The dashed line is {in_unit(quantity(threshold, target.unit), target.unit)}: "
            f"{number(int(hits.sum()), 0)} lie {'above' if goal == 'maximize' else 'below'} it"
        )
    figure.update_xaxes(title="Suggestion")
    figure.update_yaxes(title=axis_title(target.name, target.unit))
    title = f"{course.name}: {symbol(target.name)} by suggestion"
    return Plot(f"plot-search-{n}", title, caption + ".", figure, int(there.sum()), "5(a)")


def hit_plot(courses: Sequence[SearchCourse], report: GenerativeReport) -> Plot | None:
    """Return the number of different compositions beyond the threshold over suggestions, a line a search."""
    threshold, target, goal = report.threshold, report.target, report.goal
    if threshold is None or not courses:
        return None
    figure = new_figure(go.Figure())
    for place, course in enumerate(courses):
        counted = np.cumsum(_first_hits(course, threshold, goal))
        figure.add_trace(_line(course.name, place, np.arange(1, len(course) + 1), counted, "%{x}: %{y}"))
    figure.update_xaxes(title="Suggestion")
    figure.update_yaxes(title="Hits", rangemode="tozero")
    figure.update_layout(showlegend=True, margin={"t": 30 + 22 * (1 + len(courses) // 4)})
    side = "above" if goal == "maximize" else "below"
    wanted = in_unit(quantity(threshold, target.unit), target.unit)
    caption = (
        f"Different compositions whose {symbol(target.name)}, by the property model, lies {side} {wanted}, counted as "
        "the search goes on. A line that flattens has used up what it knows."
    )
    return Plot("plot-hits", "Hits by suggestion", caption, figure, sum(map(len, courses)), "5(b)", height=420)


def validity_plot(courses: Sequence[SearchCourse]) -> Plot | None:
    """Return the share of suggestions of each round that decode, a line a search; None without any."""
    if not any(len(course) for course in courses):
        return None
    figure = new_figure(go.Figure())
    for place, course in enumerate(courses):
        rounds, where = np.unique(course.rounds, return_inverse=True)
        share = np.bincount(where, course.decodes) / np.bincount(where)
        figure.add_trace(_line(course.name, place, rounds, 100 * share, "round %{x}: %{y:.0f} %"))
    figure.update_xaxes(title="Round")
    figure.update_yaxes(title="Decoded / %", range=[0, 104])
    figure.update_layout(showlegend=True, margin={"t": 30 + 22 * (1 + len(courses) // 4)})
    caption = "Of the suggestions of each round, how many the decoder turns into a composition by its strict rules."
    return Plot("plot-decoded", "How much of it decodes", caption, figure, sum(map(len, courses)), height=420)


def first_hits(course: SearchCourse, report: GenerativeReport) -> int:
    """Return how many different compositions beyond the threshold a search found."""
    return 0 if report.threshold is None else int(_first_hits(course, report.threshold, report.goal).sum())


def _first_hits(course: SearchCourse, threshold: float, goal: str) -> FloatArray:
    seen: set[str | None] = set()
    counts = np.zeros(len(course))
    for n, hit in enumerate(_hits(course.values, threshold, goal) & course.decodes):
        counts[n] = hit and course.formulas[n] not in seen
        if hit:
            seen.add(course.formulas[n])
    return counts


def _hits(values: FloatArray, threshold: float, goal: str) -> np.ndarray:
    return values >= threshold if goal == "maximize" else values <= threshold


def _best_so_far(values: FloatArray, goal: str) -> FloatArray:
    return np.maximum.accumulate(values) if goal == "maximize" else np.minimum.accumulate(values)


def _line(name: str, place: int, x: np.ndarray, y: np.ndarray, hover: str) -> go.Scatter:
    return go.Scatter(
        x=x.tolist(),
        y=short(y),
        mode="lines+markers" if len(x) <= 60 else "lines",
        name=text_of(name),
        line={"color": CYCLE[place % len(CYCLE)], "width": 2, "dash": _DASHES[place % len(_DASHES)]},
        marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 6},
        hovertemplate=f"{text_of(name)}, {hover}<extra></extra>",
    )
