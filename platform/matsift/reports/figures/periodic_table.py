"""Which elements the models learned from: a periodic table of training labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import plotly.graph_objects as go

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.reports.data import Ranking
from matsift.reports.desk import TrainingElements
from matsift.reports.figures.plot import GREY, ORANGE, Plot, new_figure
from matsift.reports.limits import elements_of
from matsift.reports.notation import number, symbol

_N_COLUMN, _N_ROW = 18, 10
_SCALE = ((0.0, "#dbe9f6"), (0.5, "#6aaed6"), (1.0, "#0b4a90"))
_NOT_THERE = "rgba(138,143,152,0.16)"
_LANTHANUM, _ACTINIUM, _N_SERIES = 57, 89, 15
_S_BLOCK = 2
_PERIODS = ((1, 2), (3, 10), (11, 18), (19, 36), (37, 54), (55, 86), (87, 118))


def periodic_table_plot(training: Sequence[TrainingElements], ranking: Ranking) -> Plot | None:
    """Return how many training labels hold each element, and which elements of ranked candidates none holds.

    Counts are the smallest over the properties, whose models learn from different labels.
    """
    if not training:
        return None
    least = {s: min(t.counts.get(s, 0) for t in training) for s in ELEMENT_SYMBOLS}
    ranked = Counter(s for row in ranking.ranked for s in elements_of(row.candidate.formula))
    unseen = [s for s in ELEMENT_SYMBOLS if ranked[s] and not least[s]]
    figure = new_figure(go.Figure(_tiles(least, ranked)))
    for s in unseen:
        row, column = _place(ELEMENT_SYMBOLS.index(s) + 1)
        edge = {"x0": column - 0.46, "x1": column + 0.46, "y0": row - 0.46, "y1": row + 0.46}
        figure.add_shape(type="rect", line={"color": ORANGE, "width": 2}, **edge)
    bare = {"visible": False, "automargin": False, "fixedrange": True}
    figure.update_xaxes({**bare, "range": [0.4, _N_COLUMN + 0.6]})
    figure.update_yaxes({**bare, "range": [_N_ROW + 0.6, 0.4]})
    figure.update_layout(margin={"l": 0, "r": 0, "t": 4, "b": 4}, dragmode=False)
    names = ", ".join(dict.fromkeys(symbol(t.property_name) for t in training))
    n_label = min(t.n_label for t in training)
    caption = (
        f"Training labels that hold each element, of {number(n_label, 0)} ({names}; the fewest where properties "
        "differ); the darker, the more, on a logarithmic scale, grey for none. "
    )
    caption += (
        f"Framed: {', '.join(unseen)}, in ranked candidates and in no training label."
        if unseen
        else "Every element of the ranked candidates is among them."
    )
    n_seen = sum(n > 0 for n in least.values())
    return Plot("plot-elements", "Elements in the training data", caption, figure, n_seen, height=420)


def _tiles(least: dict[str, int], ranked: Counter[str]) -> list[go.Heatmap]:
    there = {s: n for s, n in least.items() if n}
    absent = [s for s in least if s not in there]
    tiles = []
    for symbols, scale in ((absent, ((0.0, _NOT_THERE), (1.0, _NOT_THERE))), (list(there), _SCALE)):
        shade: list[list[float | None]] = [[None] * _N_COLUMN for _ in range(_N_ROW)]
        words = [[""] * _N_COLUMN for _ in range(_N_ROW)]
        told = [[""] * _N_COLUMN for _ in range(_N_ROW)]
        for s in symbols:
            row, column = _place(ELEMENT_SYMBOLS.index(s) + 1)
            shade[row - 1][column - 1] = math.log10(least[s]) if least[s] else 0.0
            words[row - 1][column - 1] = s
            told[row - 1][column - 1] = f"{s}: {number(least[s], 0)} labels<br>{number(ranked[s], 0)} ranked candidates"
        tiles.append(
            go.Heatmap(
                x=list(range(1, _N_COLUMN + 1)),
                y=list(range(1, _N_ROW + 1)),
                z=shade,
                text=words,
                texttemplate="%{text}",
                textfont={"size": 11} if scale is _SCALE else {"size": 11, "color": GREY},  # else black on black
                customdata=told,
                hovertemplate="%{customdata}<extra></extra>",
                hoverongaps=False,
                colorscale=scale,
                zmin=0.0,
                zmax=max((math.log10(n) for n in there.values()), default=1.0) or 1.0,
                showscale=False,
                xgap=2,
                ygap=2,
            )
        )
    return tiles


def _place(number_of_element: int) -> tuple[int, int]:
    """Return row and column, from 1; lanthanoids and actinoids stand in rows of their own below the others."""
    for first, row in ((_LANTHANUM, _N_ROW - 1), (_ACTINIUM, _N_ROW)):
        if first <= number_of_element < first + _N_SERIES:
            return row, number_of_element - first + 3
    period = next(n for n, (_, last) in enumerate(_PERIODS, start=1) if number_of_element <= last)
    first, last = _PERIODS[period - 1]
    if number_of_element - first < (1 if period == 1 else _S_BLOCK):
        return period, number_of_element - first + 1
    return period, _N_COLUMN - (last - number_of_element)
