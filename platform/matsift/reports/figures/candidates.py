"""Plots of the ranked candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from matsift.reports.data import Distribution, PropertyPrediction, RankedCandidate, Ranking, ReportProperty
from matsift.reports.figures.plot import BLUE, GREY, ORANGE, Plot, axis_title, finite, interval_bars, new_figure, short
from matsift.reports.notation import decimals, formula_markup, in_unit, number, percent, quantity, symbol

_MOST_MARKS = 1000  # of a group; a browser draws more of them one by one for seconds
_HIGH_QUANTILE = 0.9  # the paper counts candidates within the top 10 % of its initial labels


def interval_plot(ranking: Ranking, distribution: Distribution | None, *, n: int = 25) -> Plot | None:
    """Return the mean and interval of the first `n` candidates against the 90th percentile of all labels."""
    name = ranking.settings.property_name
    shown = [(r, p) for r in ranking.ranked[:n] if (p := r.candidate.prediction(name)) is not None]
    if not shown:
        return None
    unit = shown[0][1].unit
    predictions = [p for _, p in shown]
    names = [f"{r.rank}  {formula_markup(r.candidate.formula)}" for r, _ in shown]
    figure = go.Figure(interval_bars(names, predictions, [_told(p) for p in predictions]))
    caption = (
        f"Predicted {symbol(name)} of the first {len(shown)} candidates: the point is the ensemble mean, the bar "
        f"the calibrated {_coverage_words(shown[0][1])}interval."
    )
    if distribution is not None and finite(distribution.values).size:
        level = float(np.quantile(finite(distribution.values), _HIGH_QUANTILE))
        figure.add_vline(x=level, line={"color": ORANGE, "dash": "dash", "width": 1.5})
        caption += (
            f" The dashed line at {in_unit(quantity(level, unit), unit)} is the 90th percentile of all labels; "
            f"{_above(ranking, level)}"
        )
    new_figure(figure).update_layout(showlegend=False, margin={"t": 8})
    figure.update_xaxes(title=axis_title(name, unit, "Predicted"))
    figure.update_yaxes(autorange="reversed", tickfont={"size": 11}, ticks="")
    return Plot(
        "plot-intervals",
        f"First {len(shown)} candidates with their intervals",
        caption,
        figure,
        len(shown),
        height=90 + 21 * len(shown),
    )


def property_map(ranking: Ranking, x: ReportProperty, y: ReportProperty) -> Plot | None:
    """Return predicted `y` over predicted `x` for the ranked candidates and for those left out."""
    groups = (
        ("left out", ranking.excluded, {"color": GREY, "size": 6, "symbol": "x-thin-open", "opacity": 0.6}),
        ("ranked", ranking.ranked, {"color": BLUE, "size": 8, "symbol": "circle", "opacity": 0.85}),
    )
    traces = [_map_trace(name, _some(rows), x, y, marker) for name, rows, marker in groups]
    n_point = sum(len(t.x) for t in traces)
    if not n_point:
        return None
    figure = new_figure(go.Figure([t for t in traces if len(t.x)]))
    figure.update_xaxes(title=axis_title(x.name, x.unit, "Predicted"))
    figure.update_yaxes(title=axis_title(y.name, y.unit, "Predicted"))
    caption = (
        f"Predicted {symbol(y.name)} over predicted {symbol(x.name)}: {len(traces[1].x)} ranked candidates and "
        f"{len(traces[0].x)} left out by a criterion. Point at a mark for its formula and place."
    )
    if max(len(ranking.ranked), len(ranking.excluded)) > _MOST_MARKS:
        caption += f" Of each kind {number(_MOST_MARKS, 0)} are drawn: the first half, and evenly many of the others."
    return Plot("plot-map", f"{symbol(y.name)} over {symbol(x.name)}", caption, figure, n_point, height=560)


def _some(rows: Sequence[RankedCandidate]) -> list[RankedCandidate]:
    """Return all rows, or of many the first ones and evenly many of the others."""
    if len(rows) <= _MOST_MARKS:
        return list(rows)
    n_first = _MOST_MARKS // 2
    others = np.linspace(n_first, len(rows) - 1, _MOST_MARKS - n_first).astype(int)
    return [*rows[:n_first], *(rows[n] for n in others)]


def _told(prediction: PropertyPrediction) -> str:
    lower, upper, spread = (
        quantity(x, prediction.unit) for x in (prediction.lower, prediction.upper, prediction.spread)
    )
    return f"{in_unit(f'{lower} to {upper}', prediction.unit)}, spread {spread}"


def _coverage_words(prediction: PropertyPrediction) -> str:
    return "" if prediction.coverage is None else f"{percent(prediction.coverage)} "


def _above(ranking: Ranking, level: float) -> str:
    name, total = ranking.settings.property_name, len(ranking.ranked)
    means = [p.mean for r in ranking.ranked if (p := r.candidate.prediction(name)) is not None]
    return f"above it lie the means of {sum(m > level for m in means)} of the {total} ranked candidates."


def _map_trace(
    name: str, rows: list[RankedCandidate], x: ReportProperty, y: ReportProperty, marker: dict[str, object]
) -> go.Scatter:
    both = [
        (r, px, py) for r in rows if (px := r.candidate.prediction(x.name)) and (py := r.candidate.prediction(y.name))
    ]
    both = [(r, px, py) for r, px, py in both if np.isfinite([px.mean, py.mean]).all()]
    if "open" in str(marker["symbol"]):
        marker = {**marker, "line": {"color": marker["color"], "width": 1.2}}
    return go.Scatter(
        x=short([px.mean for _, px, _ in both]),
        y=short([py.mean for _, _, py in both]),
        mode="markers",
        name=name,
        marker=marker,
        text=[f"{r.rank or 'left out'}  {formula_markup(r.candidate.formula)}" for r, _, _ in both],
        hovertemplate=f"%{{text}}<br>%{{x:.{decimals(x.unit)}f}}, %{{y:.{decimals(y.unit)}f}}<extra></extra>",
    )
