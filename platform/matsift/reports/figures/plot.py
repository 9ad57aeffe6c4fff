"""A plot with its words, and what all plots share: colours, the empty layout, safe and small numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from matsift.reports.data import FloatArray, PropertyPrediction
from matsift.reports.notation import decimals, headed, in_unit, symbol_markup

# Okabe and Ito's colours, told apart by colour-blind readers, darkened or lightened to stand on white and on black.
BLUE, ORANGE, GREEN, PURPLE, GREY = "#2f7fc1", "#e08214", "#1a9877", "#b1589f", "#8a8f98"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, GREY)
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x")
_PLAIN_AXIS = {"automargin": True, "ticks": "outside", "zeroline": False}


@dataclass(frozen=True, eq=False)
class Plot:
    """A plotly figure with what the report says about it.

    `key` is its id in the page, `n_point` the number of data points behind it, `paper_figure` the figure of the paper
    that shows the same (``2``, ``5(b)``), empty where none does. `height` is in CSS pixels; a `wide` plot
    takes the whole width of the page.
    """

    key: str
    title: str
    caption: str
    figure: go.Figure
    n_point: int
    paper_figure: str = ""
    height: int = 380
    wide: bool = False


def new_figure(figure: go.Figure | None = None) -> go.Figure:
    """Return a figure without colours of its own for paper, grid and text: the page's script sets its theme's."""
    plain = go.Figure() if figure is None else figure
    plain.update_layout(
        template=go.layout.Template(),
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 14, "t": 34, "b": 8},
        legend={"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "xref": "container", "x": 0},
        hoverlabel={"namelength": -1},
        modebar={"bgcolor": "rgba(0,0,0,0)"},
        colorway=CYCLE,
        barcornerradius=2,
    )
    plain.update_xaxes(_PLAIN_AXIS)
    plain.update_yaxes(_PLAIN_AXIS)
    return plain


def axis_title(property_name: str, unit: str, before: str = "") -> str:
    """Return the title of an axis: words, symbol, unit."""
    return headed(f"{before}{' ' if before else ''}{symbol_markup(property_name)}", unit)


def short(values: FloatArray | Sequence[float]) -> list[float | None]:
    """Return the values with six significant digits, which keeps the file small; None for what is no number."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]


def finite(values: FloatArray) -> FloatArray:
    """Return the values that are numbers."""
    return values[np.isfinite(values)]


def text_of(text: str) -> str:
    """Return a text that plotly shows as it is, without reading markup in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bin_edges(values: FloatArray, *, about: int = 40) -> FloatArray:
    """Return bin edges at round steps (1, 2, 2.5 or 5 times a power of ten) that hold all values."""
    low, high = float(values.min()), float(values.max())
    raw = (high - low) / about or 1.0
    magnitude = 10.0 ** np.floor(np.log10(raw))
    step = magnitude * next(m for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * (1 - 1e-9))
    first = np.floor(low / step)
    last = max(np.floor(high / step) + 1, first + 1)
    return np.asarray(np.arange(first, last + 1) * step, dtype=float)


def histogram(values: FloatArray, edges: FloatArray, *, name: str, colour: str, unit: str) -> go.Bar:
    """Return the counts of the values in the bins as bars."""
    counts, _ = np.histogram(values, edges)
    ranges = [in_unit(f"{low:g} to {high:g}", unit) for low, high in itertools.pairwise(edges)]
    return go.Bar(
        x=short((edges[:-1] + edges[1:]) / 2),
        y=counts.tolist(),
        width=float(edges[1] - edges[0]) * 0.94,
        name=name,
        marker={"color": colour, "line": {"width": 0}},
        customdata=ranges,
        hovertemplate="%{customdata}: %{y}<extra></extra>",
    )


def interval_bars(
    names: Sequence[str], predictions: Sequence[PropertyPrediction], told: Sequence[str] = ()
) -> go.Scatter:
    """Return predictions as points with their intervals as bars, one line a name; `told` is more for the pointer."""
    means = np.array([p.mean for p in predictions])
    more = "<br>%{customdata}" if told else ""
    return go.Scatter(
        x=short(means),
        y=list(names),
        mode="markers",
        marker={"color": BLUE, "size": 8},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": short(np.array([p.upper for p in predictions]) - means),
            "arrayminus": short(means - np.array([p.lower for p in predictions])),
            "color": BLUE,
            "thickness": 1.5,
            "width": 3,
        },
        customdata=list(told) or None,
        hovertemplate=f"%{{y}}: %{{x:.{decimals(predictions[0].unit)}f}}{more}<extra></extra>",
    )
