"""Plots of the labels that the models learn from."""

from __future__ import annotations

import numpy as np
from plotly.subplots import make_subplots

from matsift.reports.data import Distribution
from matsift.reports.figures.plot import BLUE, ORANGE, Plot, axis_title, bin_edges, finite, histogram, new_figure
from matsift.reports.notation import decimals, in_unit, number, symbol


def distribution_plot(distribution: Distribution) -> Plot | None:
    """Return how the labels of a property are spread: all of them, and below those with an element."""
    values, with_element = finite(distribution.values), finite(distribution.element_values)
    if not values.size:
        return None
    unit, element = distribution.unit, distribution.element
    edges = bin_edges(np.concatenate([values, with_element]))
    panels = [("all labels", values, BLUE), *([(f"with {element}", with_element, ORANGE)] if element else [])]
    figure = make_subplots(rows=len(panels), cols=1, shared_xaxes=True, vertical_spacing=0.08)
    for row, (name, shown, colour) in enumerate(panels, start=1):
        figure.add_trace(histogram(shown, edges, name=name, colour=colour, unit=unit), row=row, col=1)
    new_figure(figure).update_layout(bargap=0)
    figure.update_xaxes(title=axis_title(distribution.property_name, unit), row=len(panels), col=1)
    figure.update_yaxes(title="structures", rangemode="tozero")
    told = _words(values, "in all", unit)
    if element:
        told = f"{told} (top), {_words(with_element, f'with {element}', unit)} (bottom)"
    caption = f"Accepted labels of {symbol(distribution.property_name)}: {told}."
    key = f"plot-distribution-{distribution.property_name}"
    title = f"Labels of {symbol(distribution.property_name)}"
    return Plot(key, title, caption, figure, int(values.size), "2", height=420)


def _words(values: np.ndarray, which: str, unit: str) -> str:
    count = number(values.size, 0)
    if not values.size:
        return f"{count} {which}"
    most = number(float(np.quantile(values, 0.9)), decimals(unit) - 1)
    return f"{count} {which}, 90 % of them up to {in_unit(most, unit)}"
