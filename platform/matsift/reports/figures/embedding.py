"""Data sets in two coordinates by t-SNE: rows coloured by value, or those of training beside those that test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from matsift.errors import UserInputError
from matsift.reports.data import FloatArray
from matsift.reports.figures.plot import BLUE, ORANGE, Plot, axis_title, new_figure, short, text_of
from matsift.reports.notation import number

_SCALE = [[0.0, "#6fa8dc"], [0.5, "#b1589f"], [1.0, "#e0301e"]]  # all of it seen on white and on black
_HOVER = "%{customdata}<extra></extra>"


def split_embedding_plot(
    pictures: Mapping[str, FloatArray],
    test: NDArray[np.bool_],
    names: Sequence[str],
    *,
    element: str,
    mixing: Mapping[str, float] | None = None,
) -> Plot:
    """Return a picture a representation, side by side: rows that train blue, those with the element left out orange.

    Parameters
    ----------
    pictures
        Name of a representation -> (n, 2) coordinates, as `learners.embedding.tsne` gives them.
    test
        (n,) whether a row contains the element.
    names
        (n,) what is shown of a row under the mouse.
    element
        The element.
    mixing
        Name of a representation -> `learners.embedding.mixing`.

    Raises
    ------
    UserInputError
        If there is no picture, or the shapes differ.
    """
    _check(pictures, names, test)
    figure = _panels(list(pictures))
    words = list(map(text_of, names))
    marks = ((~test, BLUE, "train", 5), (test, ORANGE, f"test: contain {element}", 6))
    for place, points in enumerate(pictures.values(), start=1):
        for rows, colour, legend, size in marks:
            trace = go.Scatter(
                x=short(points[rows, 0]),
                y=short(points[rows, 1]),
                mode="markers",
                marker={"color": colour, "size": size, "opacity": 0.75},
                name=legend,
                legendgroup=legend,
                showlegend=place == 1,
                customdata=[word for word, shown in zip(words, rows, strict=True) if shown],
                hovertemplate=_HOVER,
            )
            figure.add_trace(trace, row=1, col=place)
    figure.update_layout(margin={"t": 62})
    n_test = int(test.sum())
    said = ", ".join(f"{value:.2f} by {name}" for name, value in (mixing or {}).items())
    caption = (
        f"Of {number(len(test), 0)} compounds {number(n_test, 0)} contain {element} (orange): they test what is "
        "learned from the others (blue). Near points are alike; axes have no meaning."
        + (
            f" How well the orange ones are mixed with the blue, from 0 (apart) to 1 (as if dealt at random): {said}."
            if said
            else ""
        )
    )
    title = f"Compounds with {element} among all others, by t-SNE"
    return _plot(f"plot-tsne-{element.lower()}", title, caption, figure, len(test), len(pictures))


def value_embedding_plot(
    pictures: Mapping[str, FloatArray], values: FloatArray, names: Sequence[str], *, property_name: str, unit: str
) -> Plot:
    """Return a picture a representation, side by side, each row coloured by its label.

    Parameters
    ----------
    pictures
        Name of a representation -> (n, 2) coordinates, as `learners.embedding.tsne` gives them.
    values
        (n,) labels, in `unit`.
    names
        (n,) what is shown of a row under the mouse.
    property_name, unit
        What the labels are.

    Raises
    ------
    UserInputError
        If there is no picture, or the shapes differ.
    """
    _check(pictures, names, values)
    figure = _panels(list(pictures))
    # The colours span all but the two outermost hundredths: one hard compound would leave all others alike.
    low, high = np.percentile(values, [2, 98]).tolist()
    words = [f"{text_of(name)}: {value:.4g} {unit}" for name, value in zip(names, values, strict=True)]
    for place, points in enumerate(pictures.values(), start=1):
        marker = {"color": short(values), "coloraxis": "coloraxis", "size": 5, "opacity": 0.85}
        trace = go.Scatter(
            x=short(points[:, 0]), y=short(points[:, 1]), mode="markers", marker=marker, customdata=words,
            hovertemplate=_HOVER, showlegend=False,
        )  # fmt: skip
        figure.add_trace(trace, row=1, col=place)
    bar = {"title": {"text": axis_title(property_name, unit)}, "thickness": 14, "outlinewidth": 0}
    figure.update_layout(coloraxis={"colorscale": _SCALE, "cmin": low, "cmax": high, "colorbar": bar})
    caption = (
        f"{number(len(values), 0)} compounds, coloured by their label. Near points are alike in the representation; "
        "where neighbours have one colour, it knows what the label depends on. Axes have no meaning."
    )
    return _plot(f"plot-tsne-{property_name}", "Compounds by t-SNE", caption, figure, len(values), len(pictures))


def _panels(titles: Sequence[str]) -> go.Figure:
    figure = new_figure(make_subplots(rows=1, cols=len(titles), subplot_titles=titles, horizontal_spacing=0.03))
    figure.update_xaxes(showticklabels=False, ticks="", showgrid=False)
    figure.update_yaxes(showticklabels=False, ticks="", showgrid=False)
    return figure


def _plot(key: str, title: str, caption: str, figure: go.Figure, n: int, n_panel: int) -> Plot:
    return Plot(key, title, caption, figure, n, paper_figure="4", height=440, wide=n_panel > 1)


def _check(pictures: Mapping[str, FloatArray], names: Sequence[str], rows: FloatArray | NDArray[np.bool_]) -> None:
    if not pictures or any(points.shape != (len(rows), 2) for points in pictures.values()) or len(names) != len(rows):
        shapes = ", ".join(f"{name} {points.shape}" for name, points in pictures.items()) or "none"
        raise UserInputError(
            f"pictures of {len(rows)} rows and {len(names)} names need (n, 2) points, there are {shapes}"
        )
