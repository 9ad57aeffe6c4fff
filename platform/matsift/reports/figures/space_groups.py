"""Plots of a space-group study: which groups are taken for which, members against ensembles, volumes, certainty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from matsift.reports.data import FloatArray
from matsift.reports.figures.patterns import group_label
from matsift.reports.figures.plot import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Plot,
    bin_edges,
    histogram,
    new_figure,
    short,
)
from matsift.reports.notation import number, percent
from matsift.reports.space_groups import GroupCount, GroupScore, HeldOutGroups

_NAMED_GROUPS = 32  # with more, the axes show numbers only
_FARTHEST_ERROR = 30.0  # per cent; what lies beyond is drawn at the edge
_N_BIN = 10
_FEWEST_IN_BIN = 5
# opaque and of middling lightness: they stand on a white and on a dark page, and plotly finds the colour of the text
_RIGHT, _WRONG = ("#8fb3d1", "#1668ad"), ("#c9a77d", "#e07800")
_METRICS = {"precision": "precision", "recall": "recall", "f1": "F", "accuracy": "accuracy"}


def confusion_plot(held: HeldOutGroups) -> Plot | None:
    """Return the confusion matrix as a picture: rows are true groups, in per cent of each; right blue, wrong orange."""
    if not len(held):
        return None
    counts = held.confusion()
    totals = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / np.maximum(totals, 1)
    names = [group_label(group) if len(counts) <= _NAMED_GROUPS else str(group) for group in held.groups]
    diagonal = np.eye(len(counts), dtype=bool)
    figure = new_figure(
        go.Figure(
            [
                _cells(shares, counts, diagonal & (counts > 0), names, _RIGHT, 100),
                _cells(shares, counts, ~diagonal & (counts > 0), names, _WRONG, 50),
            ]
        )
    )
    size = min(170 + 24 * len(names), 1000)
    figure.update_layout(margin={"t": 12})
    figure.update_xaxes(
        title="taken for", type="category", tickangle=-60, ticks="", categoryarray=names, showgrid=False
    )
    figure.update_yaxes(
        title={"text": "true group", "standoff": 8}, automargin=True, type="category", autorange="reversed", ticks=""
    )
    figure.update_yaxes(categoryarray=names, showgrid=False)
    right = int(np.trace(counts))
    caption = (
        f"{held.model} on {_subset(held.subset)}: of {number(len(held), 0)} structures in {len(names)} space groups "
        f"{number(right, 0)} are taken for what they are ({percent(right / len(held))}, blue); every other is drawn "
        f"where it went (orange). {_most_confused(held, counts)}"
    )
    title = f"What is taken for what: {held.model} on {_subset(held.subset)}"
    return Plot(_key("confusion", held), title, caption, figure, len(held), height=max(size, 360), wide=len(names) > 12)


def members_plot(scores: Sequence[GroupScore]) -> Plot | None:
    """Return each metric of the members on their own and of the ensemble, with intervals; None without scores."""
    shown = [score for score in scores if score.metric in _METRICS]
    if not shown:
        return None
    models = list(dict.fromkeys(score.model for score in shown))
    names = [f"{_METRICS[s.metric]}, {s.model}" if len(models) > 1 else _METRICS[s.metric] for s in shown]
    marks = [(100 * value, name) for s, name in zip(shown, names, strict=True) for value in s.members]
    grey = {"symbol": "line-ns-open", "size": 12, "color": GREY, "line": {"width": 2}}
    traces = [
        go.Scatter(
            x=short([value for value, _ in marks]),
            y=[name for _, name in marks],
            mode="markers",
            marker=grey,
            name="one member",
            hovertemplate="%{y}: %{x:.1f} %<extra>one member</extra>",
        ),
        _with_bars(
            names, [s.members_mean for s in shown], [s.members_half_width for s in shown], "mean of members", BLUE
        ),
        _with_bars(
            names, [s.ensemble for s in shown], [s.ensemble_half_width for s in shown], "ensemble", ORANGE, "diamond"
        ),
    ]
    near = [(100 * s.nearest, name) for s, name in zip(shown, names, strict=True) if s.nearest is not None]
    if near:
        x, y = zip(*near, strict=True)
        green = {"size": 9, "symbol": "square-open", "color": GREEN}
        traces.append(go.Scatter(x=short(x), y=y, mode="markers", marker=green, name="nearest neighbour"))
    figure = new_figure(go.Figure(traces))
    figure.update_layout(margin={"t": 46})
    figure.update_xaxes(title=f"on {_subset(shown[0].subset)} / %")
    figure.update_yaxes(autorange="reversed", ticks="", type="category")
    better = sum(s.ensemble > s.members_mean for s in shown)
    bars = " Bars are 95 % intervals over the validation sets." if shown[0].ensemble_half_width is not None else ""
    caption = (
        f"Macro means over the groups for {len(shown[0].members)} members on their own and for their mean probability: "
        f"the ensemble stands above the members' mean in {better} of {len(shown)}.{bars}"
        + (" The nearest neighbour takes the group of the training profile with the most like bins." if near else "")
    )
    title = f"Members against ensemble on {_subset(shown[0].subset)}"
    key = f"plot-members-{shown[0].subset}"
    return Plot(key, title, caption, figure, shown[0].n_row, height=130 + 34 * len(shown), wide=len(models) > 1)


def volume_plot(held: HeldOutGroups) -> Plot | None:
    """Return how far predicted volumes of primitive cells are off; None for an ensemble that predicts none."""
    errors = 100 * held.volume_error
    if not errors.size:
        return None
    drawn = np.clip(errors, -_FARTHEST_ERROR, _FARTHEST_ERROR)
    low, median, high = np.percentile(errors, [25, 50, 75]).tolist()
    figure = new_figure(make_subplots(rows=1, cols=2, horizontal_spacing=0.12))
    edges = bin_edges(np.append(drawn, 0.0), about=48)
    figure.add_trace(histogram(drawn, edges, name="", colour=BLUE, unit="%"), row=1, col=1)
    for at, dash in ((low, "dot"), (median, "dash"), (high, "dot")):
        figure.add_vline(x=at, line={"color": ORANGE, "dash": dash, "width": 1.5}, row=1, col=1)
    _volume_parity(figure, held)
    figure.update_layout(showlegend=False, bargap=0, margin={"t": 12})
    figure.update_xaxes(title="V′/V − 1 / %", row=1, col=1)
    figure.update_yaxes(title="structures", rangemode="tozero", row=1, col=1)
    beyond = int((np.abs(errors) > _FARTHEST_ERROR).sum())
    caption = (
        f"{held.model} on {_subset(held.subset)}: half of the predicted volumes V′ of primitive cells lie between "
        f"{_signed(low)} and {_signed(high)} of the true V (dotted), the median is {_signed(median)} (dashed), the "
        f"median of the absolute error {percent(float(np.median(np.abs(errors))) / 100, 1)}. Of {errors.size} "
        f"structures {beyond} are off by more than {_FARTHEST_ERROR:.0f} % and drawn at the edge. Right, blue where "
        "the space group was right, orange where it was not."
    )
    title = f"Volume of the primitive cell: {held.model} on {_subset(held.subset)}"
    return Plot(_key("volume", held), title, caption, figure, int(errors.size), height=400, wide=True)


def certainty_plot(held: HeldOutGroups, coverage: float) -> Plot | None:
    """Return how often the likeliest group is right, over its probability; None where too few are held out."""
    place = np.minimum((held.probability * _N_BIN).astype(int), _N_BIN - 1)
    counts = np.bincount(place, minlength=_N_BIN)
    kept = np.flatnonzero(counts >= _FEWEST_IN_BIN)
    if not kept.size:
        return None
    right = np.bincount(place, held.is_right, minlength=_N_BIN)[kept] / counts[kept]
    said = np.bincount(place, held.probability, minlength=_N_BIN)[kept] / counts[kept]
    figure = new_figure(
        go.Figure(
            [
                go.Scatter(
                    x=[0, 100], y=[0, 100], mode="lines", line={"color": GREY, "dash": "dot", "width": 1.5},
                    hoverinfo="skip",
                ),
                go.Scatter(
                    x=short(100 * said),
                    y=short(100 * right),
                    mode="lines+markers",
                    line={"color": BLUE},
                    marker={"size": short(6 + 14 * np.sqrt(counts[kept] / counts.max())), "color": BLUE},
                    customdata=counts[kept].tolist(),
                    hovertemplate="said %{x:.0f} %, right %{y:.0f} % of %{customdata}<extra></extra>",
                ),
            ]
        )
    )  # fmt: skip
    figure.update_layout(showlegend=False, margin={"t": 12})
    figure.update_xaxes(title="probability of the likeliest group / %", range=[0, 103])
    figure.update_yaxes(title="right / %", range=[0, 103])
    alone = held.set_size == 1
    caption = (
        f"{held.model} on {_subset(held.subset)}: on the dotted line a probability is right as often as it says "
        "(larger marks hold more structures). The calibrated set holds the true group in "
        f"{percent(float(held.in_set.mean()))} of cases ({percent(coverage)} wanted) and has "
        f"{number(float(held.set_size.mean()))} groups in the mean; it is one group alone, so the answer "
        f"is sure, in {percent(float(alone.mean()))}"
        + (f", and of those {percent(float(held.is_right[alone].mean()))} are right." if alone.any() else ".")
    )
    title = f"How far probabilities can be trusted: {held.model} on {_subset(held.subset)}"
    return Plot(_key("certainty", held), title, caption, figure, len(held), height=400)


def counts_plot(counts: Sequence[GroupCount]) -> Plot | None:
    """Return how many structures of each group are learned from and held out; None without any."""
    if not counts:
        return None
    names = [group_label(count.number) for count in counts]
    parts = {
        "learned from": [count.n_train for count in counts],
        "calibrate": [count.n_calibrate for count in counts],
        "held out": [count.n_held_out for count in counts],
    }
    traces = [
        go.Bar(x=names, y=values, name=name, marker={"color": colour}, hovertemplate="%{x}: %{y}<extra></extra>")
        for (name, values), colour in zip(parts.items(), (BLUE, GREY, ORANGE), strict=True)
    ]
    figure = new_figure(go.Figure(traces))
    figure.update_layout(barmode="stack", bargap=0.2)
    figure.update_xaxes(type="category", tickangle=-60, ticks="")
    figure.update_yaxes(title="structures", rangemode="tozero")
    n = sum(map(sum, parts.values()))
    caption = f"{number(n, 0)} structures in {len(counts)} space groups, as spglib finds them."
    return Plot("plot-counts", "Structures a space group", caption, figure, n, height=400, wide=True)


def subset_words(subset: str) -> str:
    """Return what a subset is called in a sentence."""
    return _subset(subset)


def _subset(subset: str) -> str:
    words = {"validation": "the validation sets", "structure_type": "structure types never learned from"}
    return words.get(subset, subset.replace("_", " "))


def _cells(
    shares: FloatArray,
    counts: NDArray[np.int64],
    kept: NDArray[np.bool_],
    names: list[str],
    scale: tuple[str, str],
    full: float,
) -> go.Heatmap:
    """Return the cells of a matrix that are kept, from pale to full colour, with their counts where there is room."""
    return go.Heatmap(
        z=[short(row) for row in np.where(kept, shares, np.nan)],
        x=names,
        y=names,
        zmin=0,
        zmax=full,
        colorscale=[[0, scale[0]], [1, scale[1]]],
        showscale=False,
        xgap=1,
        ygap=1,
        text=np.where(kept, counts.astype(str), "").tolist(),
        texttemplate="%{text}" if len(names) <= _NAMED_GROUPS else None,
        hovertemplate="%{y} taken for %{x}: %{text} (%{z:.0f} %)<extra></extra>",
        hoverongaps=False,
    )


def _most_confused(held: HeldOutGroups, counts: NDArray[np.int64]) -> str:
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    if not wrong.any():
        return ""
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    true, taken = (group_label(held.groups[int(place)]) for place in (row, column))
    plain = [name.replace("<sub>", "_").replace("</sub>", "") for name in (true, taken)]
    return f"Most often {plain[0]} is taken for {plain[1]} ({int(wrong.max())} times)."


def _with_bars(
    names: list[str], values: list[float], half_widths: list[float | None], name: str, colour: str, mark: str = "circle"
) -> go.Scatter:
    return go.Scatter(
        x=short([100 * value for value in values]),
        y=names,
        mode="markers",
        marker={"size": 9, "symbol": mark, "color": colour},
        error_x={"type": "data", "array": [100 * (w or 0.0) for w in half_widths], "color": colour, "thickness": 1.5},
        name=name,
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )


def _volume_parity(figure: go.Figure, held: HeldOutGroups) -> None:
    known = held.has_volume
    true, said, right = held.volume[known], held.predicted_volume[known], held.is_right[known]
    ends = [float(min(true.min(), said.min())), float(max(true.max(), said.max()))]
    dots = {"color": GREY, "dash": "dot", "width": 1.5}
    figure.add_trace(go.Scatter(x=ends, y=ends, mode="lines", line=dots, hoverinfo="skip"), row=1, col=2)
    for rows, colour in ((right, BLUE), (~right, ORANGE)):
        marker = {"color": colour, "size": 5, "opacity": 0.7}
        trace = go.Scatter(x=short(true[rows]), y=short(said[rows]), mode="markers", marker=marker)
        figure.add_trace(trace, row=1, col=2)
    figure.update_xaxes(title="V / Å³", type="log", dtick="D2", row=1, col=2)
    figure.update_yaxes(title="V′ / Å³", type="log", dtick="D2", row=1, col=2)


def _signed(value: float) -> str:
    return f"{value:+.1f} %".replace("-", "−")


def _key(what: str, held: HeldOutGroups) -> str:
    return f"plot-{what}-{held.model}-{held.subset}"
