"""The plots of a report's page, read back as figures of plotly."""

from __future__ import annotations

import json
import re

import plotly.graph_objects as go

_PREFIX = "plot-"
_PLOT = re.compile(r'<script type="application/json" data-plot="([^"]+)">(.*?)</script>', re.DOTALL)


def plots_of(page: str) -> dict[str, go.Figure]:
    """Return name -> figure of the plots that stand in a page, in their order.

    A page has its own colours for paper and text, by the reader's theme; a figure apart from it takes plotly's.
    """
    figures = {}
    for name, data in _PLOT.findall(page):
        figure = go.Figure(json.loads(data), skip_invalid=True)
        figure.update_layout(template="plotly", paper_bgcolor=None, plot_bgcolor=None)
        figures[name.removeprefix(_PREFIX)] = figure
    return figures
