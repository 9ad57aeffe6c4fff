"""Plots of what the models learn from and how well: ablation, importances, sampling strategies, parity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from matsift.reports.comparisons import AblationRow, ImportanceRow, SamplingRow
from matsift.reports.data import Parity
from matsift.reports.figures.plot import CYCLE, GREY, SYMBOLS, Plot, axis_title, new_figure, short, text_of
from matsift.reports.notation import decimals, headed, in_unit, number, percent, quantity, symbol, symbol_markup

_LONGEST_LABEL = 30
#: What names of columns are shortened by in the plot, whose colours tell the descriptor sets apart.
_BRIEF = {
    "MagpieData ": "",
    "minimum ": "min ",
    "maximum ": "max ",
    "mean absolute deviation in ": "dev. ",
    "local difference in ": "local Δ ",
    "neighbor distance variation": "distance variation",
}
_SPREAD_SCALE = [[0.0, "#6fa8dc"], [0.5, "#b1589f"], [1.0, "#e0301e"]]  # each end seen on white and on black


def ablation_plot(rows: Sequence[AblationRow]) -> Plot | None:
    """Return R2 and MAE on the test rows for every combination of descriptor groups."""
    if not rows:
        return None
    figure = _score_panels(rows[0].unit)
    for position, name in enumerate(dict.fromkeys(r.property_name for r in rows)):
        mine = [r for r in rows if r.property_name == name]
        labels = [f"{r.groups} ({r.n_column} columns)" for r in mine]
        _add_scores(figure, [r.groups for r in mine], mine, labels, name=symbol_markup(name), position=position)
    best = max(rows, key=lambda r: r.r2)
    caption = (
        f"Test R² (top) and mean absolute error (bottom) when the model sees only some groups of descriptors. "
        f"The best R² is {best.r2:.3f}, of {symbol(best.property_name)} with {best.groups} ({best.n_column} columns)."
    )
    n_test = max(r.n_test for r in rows)
    title = "Descriptor ablation"
    return Plot(
        "plot-ablation", title, f"{caption} {_tested(n_test)}", figure, len(rows), "3(a)", height=440, wide=True
    )


def importance_plot(rows: Sequence[ImportanceRow]) -> Plot | None:
    """Return the share of the gain that each of the most important columns of one property brings."""
    if not rows:
        return None
    ordered = sorted(rows, key=lambda r: r.rank)
    figure = go.Figure()
    for position, name in enumerate(sorted({r.descriptor_set for r in ordered})):
        mine = [r for r in ordered if r.descriptor_set == name]
        figure.add_trace(
            go.Bar(
                x=short([100 * r.gain_fraction for r in mine]),
                y=[_label(r) for r in mine],
                orientation="h",
                name=str(text_of(name)),
                marker={"color": CYCLE[position % len(CYCLE)]},
                customdata=[text_of(r.column) for r in mine],
                hovertemplate="%{customdata}: %{x:.2f} %<extra></extra>",
            )
        )
    new_figure(figure).update_layout(bargap=0.25)
    figure.update_xaxes(title="share of the gain / %", rangemode="tozero")
    figure.update_yaxes(
        categoryorder="array", categoryarray=[_label(r) for r in reversed(ordered)], tickfont={"size": 10}, ticks=""
    )
    name = ordered[0].property_name
    covered = sum(r.gain_fraction for r in ordered)
    caption = (
        f"The {len(ordered)} descriptor columns that bring the models of {symbol(name)} most of their gain, "
        f"{percent(covered)} of it together; colours tell the descriptor sets apart."
    )
    title = f"Importances for {symbol(name)}"
    height = 110 + 19 * len(ordered)
    return Plot(f"plot-importance-{name}", title, caption, figure, len(ordered), "3(b)", height=height)


def sampling_plot(rows: Sequence[SamplingRow]) -> Plot | None:
    """Return R2 and MAE of one property for every sampling strategy, a bar a test subset."""
    if not rows:
        return None
    name, unit = rows[0].property_name, rows[0].unit
    figure = _score_panels(unit)
    for position, subset in enumerate(dict.fromkeys(r.subset for r in rows)):
        mine = [r for r in rows if r.subset == subset]
        labels = [f"{r.strategy}, {r.subset}: {r.n_train} train, {r.n_test} test" for r in mine]
        _add_scores(figure, [r.strategy for r in mine], mine, labels, name=text_of(subset), position=position)
    sizes = ", ".join(
        f"{strategy} on {_test_rows(rows, strategy)}" for strategy in dict.fromkeys(r.strategy for r in rows)
    )
    caption = (
        f"Test R² (top) and mean absolute error (bottom) of {symbol(name)} for the sampling strategies, which differ "
        f"in the structures that train and in those that test: {sizes}."
    )
    title = f"Sampling strategies for {symbol(name)}"
    return Plot(f"plot-sampling-{name}", title, caption, figure, len(rows), "4", height=460)


def parity_plot(parity: Parity, *, position: int = 0) -> Plot | None:
    """Return predicted over true values, coloured by the ensemble spread; `position` keeps ids of several apart."""
    keep = np.isfinite(parity.true) & np.isfinite(parity.mean)
    if not keep.any():
        return None
    true, mean, spread = parity.true[keep], parity.mean[keep], parity.spread[keep]
    subsets = np.array(parity.subset or ("",) * keep.size)[keep]
    figure = go.Figure()
    for place, subset in enumerate(dict.fromkeys(subsets.tolist())):
        mine, mark = subsets == subset, SYMBOLS[place % len(SYMBOLS)]
        figure.add_trace(_parity_points(true[mine], mean[mine], spread[mine], mark, decimals(parity.unit)))
        figure.add_trace(_legend_entry(str(subset), mark))
    low, high = float(min(true.min(), mean.min())), float(max(true.max(), mean.max()))
    figure.add_shape(type="line", x0=low, y0=low, x1=high, y1=high, line={"dash": "dot", "width": 1.5, "color": GREY})
    new_figure(figure).update_layout(showlegend=bool(parity.subset), coloraxis=_colour_axis(parity.unit))
    figure.update_xaxes(title=axis_title(parity.property_name, parity.unit, "True"))
    figure.update_yaxes(title=axis_title(parity.property_name, parity.unit, "Predicted"))
    error = float(np.abs(true - mean).mean())
    total = float(((true - true.mean()) ** 2).sum())
    r2 = f", R² {1 - float(((true - mean) ** 2).sum()) / total:.3f}" if total > 0 else ""
    caption = (
        f"Predicted over true {symbol(parity.property_name)}, {parity.title}: mean absolute error "
        f"{in_unit(quantity(error, parity.unit, more=1), parity.unit)}{r2}. Redder points have a larger ensemble "
        "spread; the dotted line is perfect agreement."
    )
    key = f"plot-parity-{parity.property_name}-{position}"
    title = f"{symbol(parity.property_name)}, {parity.title}"
    return Plot(key, title, caption, figure, int(keep.sum()), parity.paper_figure, height=440)


def _tested(n_test: int) -> str:
    return f"Scored on up to {number(n_test, 0)} test rows."


def _test_rows(rows: Sequence[SamplingRow], strategy: str) -> str:
    return " and ".join(f"{number(r.n_test, 0)} rows ({r.subset})" for r in rows if r.strategy == strategy)


def _label(row: ImportanceRow) -> str:
    name = row.column
    for long, brief in _BRIEF.items():
        name = name.replace(long, brief)
    name = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
    return f"{row.rank}  {text_of(name)}"


def _score_panels(unit: str) -> go.Figure:
    figure = new_figure(make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08))
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_yaxes(title="test R²", row=1, col=1)
    figure.update_yaxes(title=headed("test MAE", unit), rangemode="tozero", row=2, col=1)
    return figure


def _add_scores(
    figure: go.Figure,
    categories: list[str],
    rows: Sequence[AblationRow] | Sequence[SamplingRow],
    labels: list[str],
    *,
    name: str,
    position: int,
) -> None:
    for panel, values in enumerate(([r.r2 for r in rows], [r.mae for r in rows]), start=1):
        bars = go.Bar(
            x=[text_of(c) for c in categories],
            y=short(values),
            name=str(name),
            legendgroup=str(position),
            showlegend=panel == 1,
            marker={"color": CYCLE[position % len(CYCLE)]},
            customdata=[text_of(x) for x in labels],
            hovertemplate="%{customdata}: %{y:.3f}<extra></extra>",
        )
        figure.add_trace(bars, row=panel, col=1)


def _parity_points(true: np.ndarray, mean: np.ndarray, spread: np.ndarray, mark: str, digits: int) -> go.Scatter:
    return go.Scatter(
        x=short(true),
        y=short(mean),
        mode="markers",
        showlegend=False,
        marker={
            "color": short(np.nan_to_num(spread)),
            "coloraxis": "coloraxis",
            "size": 7,
            "symbol": mark,
            "opacity": 0.8,
        },
        hovertemplate=f"true %{{x:.{digits}f}}<br>predicted %{{y:.{digits}f}}<br>"
        f"spread %{{marker.color:.{digits}f}}<extra></extra>",
    )


def _legend_entry(subset: str, mark: str) -> go.Scatter:
    """Return an invisible trace whose mark stands in the legend in grey: the points themselves have many colours."""
    marker = {"color": GREY, "symbol": mark, "size": 8}
    return go.Scatter(x=[None], y=[None], mode="markers", name=text_of(subset), marker=marker, hoverinfo="skip")


def _colour_axis(unit: str) -> dict[str, object]:
    return {
        "colorscale": _SPREAD_SCALE,
        "colorbar": {"title": {"text": headed("spread", unit), "side": "right"}, "thickness": 12, "outlinewidth": 0},
    }
