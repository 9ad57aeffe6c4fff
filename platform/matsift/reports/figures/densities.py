"""Plots of a study of charge densities: slices, parity, errors of learners, and elements left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from matsift.reports.densities import DensitySlice, PropertyComparison
from matsift.reports.figures.plot import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    ORANGE,
    SYMBOLS,
    Plot,
    axis_title,
    new_figure,
    short,
    text_of,
)
from matsift.reports.notation import formula_markup, headed, in_unit, number, percent, quantity, symbol

_SCALE = "Cividis"  # rises evenly in lightness, for colour-blind readers too
_LEAST_DENSITY = 1e-3
_MOST_PANELS = 3
_LOWEST_R2 = -1.0


def _mark(place: int) -> str:
    """Return a mark that no earlier learner has in the same colour."""
    return SYMBOLS[(place + place // len(CYCLE)) % len(SYMBOLS)]


def slice_plot(slices: Sequence[DensitySlice], what: str, unit: str) -> Plot | None:
    """Return faces of conventional cells side by side, the values on a logarithmic scale; None without any."""
    shown = list(slices[:_MOST_PANELS])
    if not shown:
        return None
    titles = [str(formula_markup(one.formula)) for one in shown]
    figure = new_figure(make_subplots(rows=1, cols=len(shown), subplot_titles=titles, horizontal_spacing=0.06))
    for place, one in enumerate(shown, start=1):
        logarithms = np.log10(np.maximum(one.values, _LEAST_DENSITY))
        edges = [np.arange(n) * edge / n for n, edge in zip(one.values.shape, one.edges_angstrom, strict=True)]
        trace = go.Heatmap(
            z=[[None if v is None else round(v, 2) for v in short(row)] for row in logarithms.T],
            x=short(np.round(edges[0], 3)),
            y=short(np.round(edges[1], 3)),
            coloraxis="coloraxis",
            hovertemplate="x %{x:.2f} Å, y %{y:.2f} Å: 10^%{z:.2f}<extra></extra>",
        )
        figure.add_trace(trace, row=1, col=place)
        figure.update_xaxes(title="x / Å", constrain="domain", row=1, col=place)
        figure.update_yaxes(
            title="y / Å" if place == 1 else None, scaleanchor=f"x{place}" if place > 1 else "x", constrain="domain",
            row=1, col=place,
        )  # fmt: skip
    bar = {"title": {"text": headed("log₁₀ density", unit), "side": "right"}, "thickness": 14, "outlinewidth": 0}
    figure.update_layout(coloraxis={"colorscale": _SCALE, "colorbar": bar}, margin={"t": 46})
    counts = "; ".join(
        f"{one.formula} in {one.space_group}" + (f", {number(one.n_electron, 2)} electrons" if one.n_electron else "")
        for one in shown
    )
    caption = (
        f"{what}: the face z = 0 of the conventional cell of the crystals with the smallest, the middle and the "
        f"largest label of the first property ({counts} in the cell)."
    )
    return Plot("plot-slices", "What the networks look at", caption, figure, sum(o.values.size for o in shown),
                height=420, wide=True)  # fmt: skip


def density_parity_plot(compared: PropertyComparison) -> Plot | None:
    """Return predicted over true labels, a panel a learner in one figure with a menu-free legend; None without any."""
    if not compared.said:
        return None
    figure = new_figure(go.Figure())
    y = next(iter(compared.said.values())).y
    ends = [float(y.min()), float(y.max())]
    figure.add_shape(type="line", x0=ends[0], y0=ends[0], x1=ends[1], y1=ends[1],
                     line={"dash": "dot", "width": 1.5, "color": GREY})  # fmt: skip
    names = [text_of(formula) for formula in compared.formulae]
    for place, (learner, said) in enumerate(compared.said.items()):
        marker = {
            "color": CYCLE[place % len(CYCLE)],
            "symbol": _mark(place),
            "size": 6,
            "opacity": 0.7,
        }
        figure.add_trace(
            go.Scatter(
                x=short(said.y),
                y=short(said.averaged),
                mode="markers",
                name=text_of(learner),
                marker=marker,
                visible=True if learner == compared.best else "legendonly",
                customdata=names,
                hovertemplate="%{customdata}: true %{x:.1f}, predicted %{y:.1f}<extra></extra>",
            )
        )
    figure.update_layout(margin={"t": 30 + 22 * (1 + len(compared.said) // 4)}, showlegend=True)
    figure.update_xaxes(title=axis_title(compared.property_name, compared.unit, "True"))
    figure.update_yaxes(title=axis_title(compared.property_name, compared.unit, "Predicted"))
    best = next(line for line in compared.standings if line.learner == compared.best)
    caption = (
        f"Each crystal in the fold that tests it. {compared.best} is shown, the smallest error "
        f"({in_unit(quantity(best.averaged['rmse'], compared.unit, more=1), compared.unit)}); click a name in the "
        "legend for another learner. The dotted line is perfect agreement."
    )
    title = f"{symbol(compared.property_name)}: predicted and true"
    return Plot(f"plot-parity-{compared.property_name}", title, caption, figure, len(y), height=460)


def error_plot(compared: PropertyComparison) -> Plot | None:
    """Return the RMSE of every learner with its deviation over the folds; None without any."""
    if not compared.standings:
        return None
    names = [text_of(line.learner) for line in compared.standings]
    values = [line.averaged["rmse"] for line in compared.standings]
    bars = [compared.fold_deviations.get(line.learner, {}).get("rmse", 0.0) for line in compared.standings]
    colours = [ORANGE if line.learner == compared.best else BLUE for line in compared.standings]
    trace = go.Bar(
        x=short(values),
        y=names,
        orientation="h",
        marker={"color": colours},
        error_x={"type": "data", "array": short(bars), "color": GREY, "thickness": 1.5},
        hovertemplate="%{y}: %{x:.2f}<extra></extra>",
    )
    figure = new_figure(go.Figure([trace]))
    figure.update_layout(margin={"t": 12}, bargap=0.3)
    figure.update_xaxes(title=axis_title(compared.property_name, compared.unit, "RMSE of"), rangemode="tozero")
    figure.update_yaxes(autorange="reversed", ticks="")
    real = [d for d in compared.differences if d.is_real]
    caption = (
        f"Root mean square error over all {number(len(compared), 0)} crystals, each held out once; lines are the "
        f"standard deviation over the folds. {compared.best} has the smallest"
        + (
            f", by more than chance (95 % intervals of a bootstrap over compositions) against {len(real)} of "
            f"{len(compared.differences)} others."
            if compared.differences
            else "."
        )
    )
    title = f"{symbol(compared.property_name)}: error of each learner"
    key = f"plot-error-{compared.property_name}"
    return Plot(key, title, caption, figure, len(compared), height=110 + 34 * len(names))


def left_out_plot(compared: PropertyComparison) -> Plot | None:
    """Return R2 of every learner on the crystals of each element left out; None without any element."""
    if not compared.elements:
        return None
    figure = new_figure(go.Figure())
    below = 0
    for place, (learner, own) in enumerate(compared.left_out.items()):
        scores = own.scores()
        values = [scores[element].get("r2", np.nan) for element in own.elements]
        below += sum(value < _LOWEST_R2 for value in values)
        marker = {"color": CYCLE[place % len(CYCLE)], "symbol": _mark(place), "size": 9}
        figure.add_trace(
            go.Scatter(
                x=[f"{e} ({s.n_test})" for e, s in zip(own.elements, own.sets, strict=True)],
                y=short(np.maximum(values, _LOWEST_R2)),
                mode="markers",
                name=text_of(learner),
                marker=marker,
                customdata=short(values),
                hovertemplate="%{x}: R² %{customdata:.3f}<extra>" + text_of(learner) + "</extra>",
            )
        )
    figure.update_layout(margin={"t": 30 + 22 * (1 + len(compared.left_out) // 4)})
    figure.update_xaxes(title="element left out (crystals that contain it)", type="category", ticks="")
    figure.update_yaxes(title="R² on its crystals", range=[_LOWEST_R2 - 0.1, 1.05])
    figure.add_hline(y=0, line={"color": GREY, "dash": "dot", "width": 1.5})
    caption = (
        "Every crystal with the element tests, none trains. At 0, dotted, a learner says no more than the mean of "
        f"these crystals would{f'; {below} values below −1 are drawn there' if below else ''}."
    )
    title = f"{symbol(compared.property_name)}: elements never learned from"
    n = sum(found.n_test for found in next(iter(compared.left_out.values())).sets)
    return Plot(f"plot-left-out-{compared.property_name}", title, caption, figure, n, "3", height=420, wide=True)


def coverage_plot(compared: PropertyComparison, coverage: float) -> Plot | None:
    """Return the share of labels that intervals hold, element by element, plain and shifted; None without any."""
    lines = compared.coverages.get(compared.best, ())
    shown = [line for line in lines if line.plain is not None]
    if not shown:
        return None
    figure = new_figure(go.Figure())
    parts = (
        ("calibrated as usual", [line.plain for line in shown], BLUE, "circle"),
        ("calibrated on other elements left out", [line.shifted for line in shown], ORANGE, "diamond"),
        ("the same, with a guarantee", [line.guaranteed for line in shown], GREEN, "square"),
    )
    for name, values, colour, mark in parts:
        if all(value is None for value in values):
            continue
        figure.add_trace(
            go.Scatter(
                x=[line.element for line in shown],
                y=[None if value is None else 100 * value for value in values],
                mode="markers",
                name=name,
                marker={"color": colour, "symbol": mark, "size": 10},
                hovertemplate="%{x}: %{y:.0f} %<extra>" + name + "</extra>",
            )
        )
    figure.add_hline(y=100 * coverage, line={"color": GREY, "dash": "dot", "width": 1.5})
    figure.update_layout(showlegend=True, margin={"t": 46})
    figure.update_xaxes(type="category", ticks="", title="element left out")
    figure.update_yaxes(title="labels inside the interval / %", range=[0, 105])
    plain = float(np.mean([line.plain for line in shown if line.plain is not None]))
    caption = (
        f"{compared.best}: intervals are to hold {percent(coverage)} (dotted). Those calibrated as usual hold "
        f"{percent(plain)} in the mean over elements never learned from."
    )
    title = f"{symbol(compared.property_name)}: intervals under another chemistry"
    n = sum(line.n_row for line in shown)
    return Plot(f"plot-coverage-{compared.property_name}", title, caption, figure, n, height=380)
