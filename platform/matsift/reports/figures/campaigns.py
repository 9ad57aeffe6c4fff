"""Plots of an active-learning campaign: how sure the models are of the pool, and what each round brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from matsift.reports.data import LearningCurve, LearningPoint, PoolSpread
from matsift.reports.figures.plot import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SYMBOLS,
    Plot,
    axis_title,
    bin_edges,
    finite,
    histogram,
    new_figure,
    short,
    text_of,
)
from matsift.reports.notation import headed, in_unit, percent, symbol

_ARM_STYLE = {"exploration": (BLUE, "circle", "solid"), "random": (ORANGE, "diamond", "dash")}
#: Colours of further arms: with the two above, one for each kind of strategy.
_FURTHER = (GREEN, PURPLE, GREY, "#c9484a", "#9a7b2f", "#20a5b8", "#7d6bd0")
_PANELS: tuple[tuple[str, bool, Callable[[LearningPoint], float | None]], ...] = (
    ("mean spread, remaining pool", True, lambda p: p.remaining_mean_spread),
    ("MAE, remaining pool", True, lambda p: p.remaining_mae),
    ("MAE, test set", True, lambda p: p.test_mae),
    ("R², test set", False, lambda p: p.test_r2),
)


def arm_style(arm: str, position: int) -> tuple[str, str, str]:
    """Return colour, mark and dash of an arm; `position` tells apart those that have none of their own."""
    return _ARM_STYLE.get(arm, (_FURTHER[position % len(_FURTHER)], SYMBOLS[position % len(SYMBOLS)], "dot"))


def legend_room(n_arm: int) -> dict[str, float]:
    """Return the margin that holds the names of so many arms above a plot."""
    return {"t": 34 + 12 * max(0, n_arm - 2)}


def spread_plot(pool: PoolSpread) -> Plot | None:
    """Return how the ensemble spread over the pool is distributed, with the share below the threshold."""
    spread = finite(pool.spread)
    if not spread.size:
        return None
    edges = bin_edges(np.append(spread, [0.0, pool.threshold]))
    share = float((spread <= pool.threshold).mean())
    name = symbol(pool.property_name)
    bars = histogram(spread, edges, name="pool", colour=GREEN, unit=pool.unit)
    figure = new_figure(go.Figure(bars)).update_layout(showlegend=False, bargap=0, margin={"t": 12})
    figure.add_vline(x=pool.threshold, line={"color": ORANGE, "dash": "dash", "width": 1.5})
    figure.update_xaxes(title=axis_title(pool.property_name, pool.unit, "Ensemble spread of"), rangemode="tozero")
    figure.update_yaxes(title="structures", rangemode="tozero")
    caption = (
        f"Spread of the ensemble's predictions of {name} over the pool: {percent(share, 1)} of the structures lie at "
        f"or below {in_unit(f'{pool.threshold:g}', pool.unit)} (dashed line)."
    )
    return Plot(
        f"plot-spread-{pool.property_name}",
        f"Spread of {name} over the pool",
        caption,
        figure,
        int(spread.size),
        "5(a)",
    )


def learning_plot(curves: Sequence[LearningCurve]) -> Plot | None:
    """Return the course of one campaign's arms over the number of labels: spread, errors and R2, a panel each."""
    curves = [c for c in curves if c.points]
    panels = [p for p in _PANELS if any(p[2](point) is not None for c in curves for point in c.points)]
    if not curves or not panels:
        return None
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.05)
    for row, (_, _, value) in enumerate(panels, start=1):
        for position, curve in enumerate(curves):
            figure.add_trace(_arm(curve, value, position=position, first=row == 1), row=row, col=1)
    new_figure(figure).update_layout(margin=legend_room(len(curves)))
    unit = curves[0].unit
    for row, (words, has_unit, _) in enumerate(panels, start=1):
        y_title = {"text": headed("<br>".join(words.split(", ")), unit if has_unit else ""), "font": {"size": 11}}
        figure.update_yaxes(title=y_title, row=row, col=1)
    figure.update_xaxes(title="labels in the training set", row=len(panels), col=1)
    name, n_point = symbol(curves[0].property_name), sum(len(c.points) for c in curves)
    arms = ", ".join(f"{c.arm} ({_rounds(c)})" for c in curves)
    caption = f"Course of the campaign {curves[0].campaign} on {name}: {arms}. {_reading(panels)}"
    key = f"plot-learning-{curves[0].property_name}-{curves[0].campaign}"
    title = f"{name}, campaign {curves[0].campaign}"
    return Plot(key, title, caption, figure, n_point, "6(a)", height=90 + 165 * len(panels))


def _rounds(curve: LearningCurve) -> str:
    n = curve.points[-1].round_number - curve.points[0].round_number
    return f"{n} round{'' if n == 1 else 's'}"


def _reading(panels: Sequence[tuple[str, bool, Callable[[LearningPoint], float | None]]]) -> str:
    """Return how to read the panels that are there."""
    shown = " ".join(words for words, _, _ in panels)
    sentences = []
    if "pool" in shown:
        sentences.append("What is left of the pool is judged better partly because hard structures leave it.")
    if "test set" in shown:
        sentences.append("The test set is untouched by every round.")
    return " ".join(sentences)


def _arm(
    curve: LearningCurve, value: Callable[[LearningPoint], float | None], *, position: int, first: bool
) -> go.Scatter:
    colour, mark, dash = arm_style(curve.arm, position)
    known = [(p.n_label, v, p.round_number) for p in curve.points if (v := value(p)) is not None]
    return go.Scatter(
        x=[n for n, _, _ in known],
        y=short([v for _, v, _ in known]),
        mode="lines+markers",
        name=text_of(curve.arm),
        legendgroup=curve.arm,
        showlegend=first,
        line={"color": colour, "dash": dash, "width": 2},
        marker={"symbol": mark, "size": 7},
        customdata=[r for _, _, r in known],
        hovertemplate="round %{customdata}, %{x} labels: %{y:.3f}<extra></extra>",
    )
