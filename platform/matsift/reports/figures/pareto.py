"""The plot of a ranking by several objectives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from matsift.reports.figures.plot import BLUE, GREEN, GREY, ORANGE, Plot, axis_title, new_figure, short
from matsift.reports.notation import formula_markup, percent, symbol
from matsift.reports.objective_lines import shown_value, wanted
from matsift.reports.objectives import ObjectiveRanking, PlacedCandidate, RankedObjective

_PAIR = 2  # objectives that a plane holds
_THRESHOLD = {"color": GREEN, "dash": "dash", "width": 1.5}


def pareto_plot(ranking: ObjectiveRanking | None) -> Plot | None:
    """Return the second objective over the first, the layers told apart; None where fewer than two can be drawn.

    Candidates without a number in one of the two are left out.
    """
    if ranking is None or len(ranking.objectives) < _PAIR:
        return None
    x, y = ranking.objectives[:_PAIR]
    drawn = [row for row in ranking.in_order() if row.values[0].mean is not None and row.values[1].mean is not None]
    if not drawn:
        return None
    groups = (
        ("further layers", [r for r in drawn if _layer(r) > _PAIR], {"color": GREY, "size": 5, "opacity": 0.55}),
        ("layer 2", [r for r in drawn if _layer(r) == _PAIR], {"color": BLUE, "size": 7, "opacity": 0.8}),
        ("Pareto front", [r for r in drawn if _layer(r) == 1], {"color": ORANGE, "size": 9, "symbol": "diamond"}),
    )
    traces = [_trace(name, rows, ranking.objectives, marker) for name, rows, marker in groups if rows]
    front = groups[-1][1]
    if len(ranking.objectives) == _PAIR and len(front) > 1:
        traces.insert(0, _stairs(front, x))
    figure = new_figure(go.Figure(traces))
    if x.threshold is not None:
        figure.add_vline(x=x.threshold, line=_THRESHOLD)
    if y.threshold is not None:
        figure.add_hline(y=y.threshold, line=_THRESHOLD)
    figure.update_xaxes(title=axis_title(x.name, x.unit))
    figure.update_yaxes(title=axis_title(y.name, y.unit))
    title = f"Pareto front: {symbol(y.name)} over {symbol(x.name)}"
    return Plot("plot-pareto", title, _caption(ranking, drawn), figure, len(drawn), height=520)


def _layer(row: PlacedCandidate) -> int:
    assert row.layer is not None  # only candidates with a place are drawn
    return row.layer


def _trace(
    name: str, rows: Sequence[PlacedCandidate], objectives: Sequence[RankedObjective], marker: dict[str, object]
) -> go.Scatter:
    return go.Scatter(
        x=short([float(row.values[0].mean or 0.0) for row in rows]),
        y=short([float(row.values[1].mean or 0.0) for row in rows]),
        mode="markers",
        name=name,
        marker=marker,
        text=[_told(row, objectives) for row in rows],
        hovertemplate="%{text}<extra></extra>",
    )


def _stairs(front: Sequence[PlacedCandidate], x: RankedObjective) -> go.Scatter:
    """Return the border of what the front beats; a step leaves a candidate on its worse side."""
    points = np.array([[float(row.values[0].mean or 0.0), float(row.values[1].mean or 0.0)] for row in front])
    points = points[np.argsort(points[:, 0])]
    return go.Scatter(
        x=short(points[:, 0]),
        y=short(points[:, 1]),
        mode="lines",
        line={"color": ORANGE, "width": 1.2, "shape": "vh" if x.goal == "maximize" else "hv"},
        hoverinfo="skip",
        showlegend=False,
    )


def _told(row: PlacedCandidate, objectives: Sequence[RankedObjective]) -> str:
    values = "<br>".join(
        f"{symbol(asked.name)}: {shown_value(value, asked)} {asked.unit}"
        for value, asked in zip(row.values, objectives, strict=True)
    )
    chance = "" if row.chance is None else f"<br>chance {percent(row.chance)}"
    return f"{row.pareto_place}  {formula_markup(row.formula)}, layer {row.layer}<br>{values}{chance}"


def _caption(ranking: ObjectiveRanking, drawn: Sequence[PlacedCandidate]) -> str:
    asked = "; ".join(wanted(objective) for objective in ranking.objectives)
    said = (
        f"Expected values of {len(drawn)} candidates that failed no criterion; wanted: {asked}. No candidate beats one "
        "of the front in every objective at once."
    )
    if len(ranking.objectives) > _PAIR:
        said += " The front is that of all objectives, so some of it lies behind others in these two."
    if any(objective.threshold is not None for objective in ranking.objectives[:_PAIR]):
        said += " Dashed lines are thresholds."
    n_hidden = len(ranking.placed) - len(drawn)
    return said + (f" {n_hidden} candidates are not drawn: a value is unknown or there is no path." if n_hidden else "")
