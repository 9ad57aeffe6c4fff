"""The plot of lattice errors before and after relaxation at a learned screening factor."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from matsift.reports.bond_valence import LatticeErrors
from matsift.reports.figures.plot import BLUE, GREY, ORANGE, Plot, bin_edges, histogram, new_figure
from matsift.reports.notation import percent


def lattice_error_plot(errors: LatticeErrors | None) -> Plot | None:
    """Return the distribution of the relative lattice errors after relaxation, with lines where it began."""
    if errors is None or not errors.after.size:
        return None
    after = 100 * errors.after
    edges = bin_edges(np.append(after, 0.0), about=24)
    figure = new_figure(go.Figure(histogram(after, edges, name="after relaxation", colour=BLUE, unit="%")))
    for start in errors.before:
        figure.add_vline(x=100 * start, line={"color": ORANGE, "dash": "dash", "width": 1.5})
    figure.add_vline(x=0.0, line={"color": GREY, "dash": "dot", "width": 1.5})
    figure.update_layout(showlegend=False, bargap=0, margin={"t": 12})
    figure.update_xaxes(title="lattice error (a − a<sub>ref</sub>) / a<sub>ref</sub> / %")
    figure.update_yaxes(title="oxides", rangemode="tozero")
    starts = " and ".join(f"{100 * strain:+g} %".replace("-", "−") for strain in errors.before)
    before, now = (percent(float(np.abs(x).mean()), 1) for x in (np.array(errors.before), errors.after))
    caption = (
        f"Lattice errors of {after.size} oxides unknown to the model, relaxed at their predicted screening "
        f"factors from cells strained by {starts} (dashed lines): the mean absolute error falls from {before} to "
        f"{now}. Relaxed at the screening factor without pressure, the strained cells would stay where they are."
    )
    return Plot(
        "plot-lattice-errors",
        "Lattice errors of held-out oxides before and after relaxation",
        caption,
        figure,
        int(after.size),
    )
