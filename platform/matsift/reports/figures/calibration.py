"""Plots of how far the uncertainties of a campaign's rounds could be trusted: reliability, and its course."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from matsift.learners.reliability import Reliability
from matsift.reports.calibration import ArmCalibration, RoundCalibration
from matsift.reports.calibration_table import n_spread
from matsift.reports.figures.campaigns import arm_style, legend_room
from matsift.reports.figures.plot import BLUE, GREEN, GREY, ORANGE, Plot, new_figure, short, text_of
from matsift.reports.notation import number, percent, symbol

_PERCENT_AXIS = {"range": [-2, 102], "tickvals": [0, 20, 40, 60, 80, 100]}
#: Up to so many rounds each has a tick.
_MOST_TICKS = 15
_Said = Callable[[RoundCalibration], float | None]


def reliability_plot(arm: ArmCalibration) -> Plot | None:
    """Return observed over nominal coverage for one arm: its first and last round's test rows, and what it acquired."""
    measured = [(r.round_number, r.held_out) for r in arm.rounds if r.held_out is not None]
    if not measured:
        return None
    last = measured[-1][1]
    figure = go.Figure([_diagonal(), _band(last.n_row)])
    for position, (n, said) in enumerate(measured[:: max(len(measured) - 1, 1)]):
        dash = "dot" if position == 0 and len(measured) > 1 else "solid"
        figure.add_traces(_curves(said, f"test rows, round {n}", dash, (ORANGE, BLUE), ("diamond", "circle")))
    if arm.acquired is not None:
        name = f"acquired ({number(arm.acquired.n_row, 0)})"
        figure.add_traces(_curves(arm.acquired, name, "dash", (GREY, GREEN), ("x", "square")))
    new_figure(figure).update_layout(margin=legend_room(7))
    figure.update_xaxes(title="nominal coverage / %", **_PERCENT_AXIS)
    figure.update_yaxes(title="observed coverage / %", **_PERCENT_AXIS)
    name = symbol(arm.property_name)
    caption = (
        f"Reliability of {name} in the arm {arm.arm}: how many labels lay within intervals of every nominal coverage, "
        "by the members' spread as it is and after conformal adjustment. On the dotted line both agree; a reliable "
        f"uncertainty stays in the band 95 times of 100 on {number(last.n_row, 0)} test rows. {_mean_error(last)}"
        f"{_of_acquired(arm.acquired)}"
    )
    key = f"plot-reliability-{arm.property_name}-{arm.campaign}-{arm.arm}"
    n_point = last.n_row + (0 if arm.acquired is None else arm.acquired.n_row)
    return Plot(key, f"Reliability of {name}, {arm.arm}", caption, figure, n_point, height=470)


def course_plot(arms: Sequence[ArmCalibration]) -> Plot | None:
    """Return the course of one campaign's arms over the rounds: coverage before and after, rank correlation."""
    arms = [arm for arm in arms if any(r.held_out is not None for r in arm.rounds)]
    if not arms:
        return None
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    for position, arm in enumerate(arms):
        figure.add_trace(_course(arm, position, _share("after"), dashed=False, named=True), row=1, col=1)
        figure.add_trace(_course(arm, position, _share("before"), dashed=True, named=False), row=1, col=1)
        figure.add_trace(_course(arm, position, _correlation, dashed=False, named=False), row=2, col=1)
    new_figure(figure).update_layout(margin=legend_room(len(arms)))
    coverage = arms[0].coverage
    figure.add_hline(y=100 * coverage, line={"color": GREY, "dash": "dot", "width": 1.5}, row=1, col=1)
    figure.update_yaxes(title="coverage / %", row=1, col=1)
    figure.update_yaxes(title="spread–error<br>rank correlation", row=2, col=1)
    figure.update_xaxes(title="round", row=2, col=1)
    if max(len(arm.rounds) for arm in arms) <= _MOST_TICKS:
        figure.update_xaxes(dtick=1)
    name = symbol(arms[0].property_name)
    caption = (
        f"On test rows, which no round touches. Top: how many labels of {name} the calibrated interval holds (solid) "
        f"and how many lie in the mean ± {n_spread(coverage):.2f} spreads (dashed); all is well at {percent(coverage)} "
        "(dotted line). Bottom: whether the spread is larger where the error is; 0 is blind, 1 is perfect."
    )
    n_point = sum(len(arm.rounds) for arm in arms)
    key = f"plot-calibration-{arms[0].property_name}-{arms[0].campaign}"
    return Plot(
        key,
        f"Calibration of {name}, round by round",
        caption,
        figure,
        n_point,
        height=420 + int(legend_room(len(arms))["t"]),
    )


def _share(field: str) -> _Said:
    return lambda r: None if r.held_out is None else 100 * float(getattr(r.held_out, field))


def _correlation(r: RoundCalibration) -> float | None:
    return None if r.held_out is None else r.held_out.spread_error_spearman


def _course(arm: ArmCalibration, position: int, said: _Said, *, dashed: bool, named: bool) -> go.Scatter:
    colour, mark, _ = arm_style(arm.arm, position)
    known = [(r.round_number, value) for r in arm.rounds if (value := said(r)) is not None]
    return go.Scatter(
        x=[n for n, _ in known],
        y=short([value for _, value in known]),
        mode="lines+markers",
        name=text_of(arm.arm),
        legendgroup=arm.arm,
        showlegend=named,
        line={"color": colour, "dash": "dash" if dashed else "solid", "width": 2},
        marker={"symbol": mark, "size": 6},
        hovertemplate=f"{text_of(arm.arm)}, round %{{x}}: %{{y:.3g}}<extra></extra>",
    )


def _curves(
    said: Reliability, name: str, dash: str, colours: tuple[str, str], marks: tuple[str, str]
) -> list[go.Scatter]:
    """Return the curve before adjustment and the one after it."""
    curves = (("spread as it is", said.before_curve), ("calibrated", said.after_curve))
    return [
        go.Scatter(
            x=short([100 * level for level, share in zip(said.levels, curve, strict=True) if share is not None]),
            y=short([100 * share for share in curve if share is not None]),
            mode="lines+markers",
            name=text_of(f"{name}, {how}"),
            line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": mark, "size": 6},
            hovertemplate=f"{text_of(name)}, {how}: %{{y:.1f}} % of a nominal %{{x}} %<extra></extra>",
        )
        for (how, curve), colour, mark in zip(curves, colours, marks, strict=True)
        if any(share is not None for share in curve)
    ]


def _diagonal() -> go.Scatter:
    line = {"color": GREY, "dash": "dot", "width": 1.5}
    return go.Scatter(x=[0, 100], y=[0, 100], mode="lines", line=line, showlegend=False, hoverinfo="skip")


def _band(n_row: int) -> go.Scatter:
    """Return where 95 % of the shares of a reliable uncertainty lie, by the normal approximation."""
    level = np.linspace(0, 1, 41)
    half = n_spread(0.95) * np.sqrt(level * (1 - level) / n_row)
    low, high = np.clip(level - half, 0, 1), np.clip(level + half, 0, 1)
    return go.Scatter(
        x=short(100 * np.concatenate([level, level[::-1]])),
        y=short(100 * np.concatenate([low, high[::-1]])),
        fill="toself",
        fillcolor="rgba(138,143,152,0.18)",
        line={"width": 0},
        mode="lines",
        showlegend=False,
        hoverinfo="skip",
    )


def _mean_error(said: Reliability) -> str:
    after = "" if said.error_after is None else f", after adjustment {100 * said.error_after:.1f}"
    return f"The last round's curve lies {100 * said.error_before:.1f} points from the line on average{after}."


def _of_acquired(said: Reliability | None) -> str:
    if said is None:
        return ""
    correlation = (
        "" if said.spread_error_spearman is None else f"; rank correlation {number(said.spread_error_spearman, 2)}"
    )
    return (
        f" Of what the arm acquired, {percent(said.after)} lay in the calibrated {percent(said.coverage)} interval, "
        f"{percent(said.before)} in that of the spread{correlation}."
    )
