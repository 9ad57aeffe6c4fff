"""Plots of one identified powder pattern: the scan with its lines above the sticks of the phases, and the groups."""

from __future__ import annotations

import itertools
import re

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from matsift.diffraction.grid import two_theta_of
from matsift.diffraction.identify import PhaseMatch
from matsift.diffraction.radiation import lorentz_polarisation
from matsift.reports.data import FloatArray
from matsift.reports.figures.plot import BLUE, GREEN, GREY, ORANGE, PURPLE, Plot, new_figure, short
from matsift.reports.notation import formula_markup, number, percent
from matsift.reports.pattern_lines import fit_words, wavelength_words
from matsift.reports.patterns import PatternAnswer, group_words, sentence

PHASE_COLOURS = (GREEN, PURPLE, GREY)
_MOST_POINTS = 6000
_MOST_GROUPS = 8
_NEARLY = 0.7  # of the best score
_STICKS = 110  # height in pixels of the row of a phase


def pattern_plot(answer: PatternAnswer, key: str = "plot-pattern") -> Plot:
    """Return the measured pattern with the lines found in it, and below it the ideal lines of the phases."""
    phases = shown_phases(answer)
    scan = answer.processed.pattern
    rows = 1 + len(phases)
    height = 380 + _STICKS * len(phases)
    figure = make_subplots(
        rows=rows,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.16 / rows if phases else 0.0,
        row_heights=_heights(rows),
    )
    kept = thinned(scan.intensity)
    angles = short(scan.two_theta_deg[kept])
    background = answer.processed.background[kept]
    line = {"color": BLUE, "width": 1.2}
    figure.add_trace(
        go.Scatter(x=angles, y=short(scan.intensity[kept]), name="measured", mode="lines", line=line), row=1, col=1
    )
    dashes = {"color": ORANGE, "width": 1.2, "dash": "dash"}
    figure.add_trace(
        go.Scatter(x=angles, y=short(background), name="background", mode="lines", line=dashes), row=1, col=1
    )
    figure.add_trace(_found(answer), row=1, col=1)
    for row, phase in enumerate(phases, start=2):
        colour = PHASE_COLOURS[(row - 2) % len(PHASE_COLOURS)]
        figure.add_trace(_sticks(answer, phase, colour), row=row, col=1)
        figure.update_yaxes(title=f"phase {row - 1}", range=[0, 1.08], tickvals=[0, 1], row=row, col=1)
    new_figure(figure).update_layout(hovermode="closest", margin={"t": 58 if phases else 34})
    figure.update_yaxes(title="intensity", rangemode="tozero", row=1, col=1)
    low, high = scan.two_theta_deg[[0, -1]].tolist()
    figure.update_xaxes(range=[low, high])
    figure.update_xaxes(title=f"2θ / ° at {wavelength_words(answer.wavelength_angstrom)}", row=rows, col=1)
    title = f"{answer.name}: the pattern, its lines, and the phases that fit"
    return Plot(key, title, _caption(answer, phases), figure, len(scan.two_theta_deg), height=height, wide=True)


def group_plot(answer: PatternAnswer, key: str = "plot-groups") -> Plot | None:
    """Return the probabilities of the first groups: a bar each, a mark for every member; None without any group."""
    shown = answer.identification.groups[:_MOST_GROUPS]
    if not shown:
        return None
    names = [f"{group.rank}  {group_label(group.space_group_number)}" for group in shown]
    bars = go.Bar(
        x=short([100 * group.probability for group in shown]),
        y=names,
        orientation="h",
        marker={"color": [ORANGE if group.in_set else GREY for group in shown], "opacity": 0.75},
        name="both together" if any(g.search_score is not None for g in shown) else "ensemble",
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )
    marks = [(100 * p, name) for group, name in zip(shown, names, strict=True) for p in group.member_probabilities]
    members = go.Scatter(
        x=short([p for p, _ in marks]),
        y=[name for _, name in marks],
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 13, "color": BLUE, "line": {"width": 2}},
        name="one member each",
        hovertemplate="%{x:.1f} %<extra>one member</extra>",
    )
    figure = new_figure(go.Figure([bars, members] if marks else [bars]))
    figure.update_layout(bargap=0.35, showlegend=bool(marks))
    figure.update_xaxes(title="probability / %", range=[0, 104])
    figure.update_yaxes(autorange="reversed", ticks="")
    caption = (
        "Probability of the first space groups; those in colour belong to the set that holds the true one in "
        f"{percent(answer.coverage)} of cases. {sentence(answer.verdict)}"
    )
    return Plot(key, "Space groups", caption, figure, len(shown), height=110 + 34 * len(shown))


def shown_phases(answer: PatternAnswer) -> tuple[PhaseMatch, ...]:
    """Return the phases to draw: those that explain the pattern together, or else those that fit nearly as the best."""
    found = answer.identification
    if len(found.mixture) > 1:
        return found.mixture[: len(PHASE_COLOURS)]
    return tuple(phase for phase in found.phases[: len(PHASE_COLOURS)] if phase.score > _NEARLY * found.phases[0].score)


def group_label(number: int | None) -> str:
    """Return a space group as plotly shows it, with the index of a screw axis below the line."""
    return re.sub(r"_(\d)", r"<sub>\1</sub>", group_words(number))


def stick_angles(answer: PatternAnswer, phase: PhaseMatch) -> tuple[FloatArray, FloatArray]:
    """Return 2theta in degrees and height of the lines of a phase in the measured range, the highest 1.

    Ideal lines are |F|^2; here they stand beside a measured pattern, so they get its Lorentz-polarisation factor.
    """
    angles = two_theta_of(phase.q, answer.wavelength_angstrom)
    low, high = answer.processed.pattern.two_theta_deg[[0, -1]].tolist()
    inside = np.isfinite(angles) & (angles >= low) & (angles <= high)
    heights = phase.intensity[inside] * lorentz_polarisation(angles[inside])
    return angles[inside], heights / heights.max() if heights.size else heights


def line_tops(answer: PatternAnswer) -> FloatArray:
    """Return the highest measured point of each line, within its width."""
    peaks, scan = answer.identification.peaks, answer.processed.pattern
    first = np.searchsorted(scan.two_theta_deg, peaks.two_theta_deg - peaks.fwhm_deg / 2)
    last = np.searchsorted(scan.two_theta_deg, peaks.two_theta_deg + peaks.fwhm_deg / 2, side="right")
    at = np.interp(peaks.two_theta_deg, scan.two_theta_deg, scan.intensity)
    ends = zip(first.tolist(), last.tolist(), at.tolist(), strict=True)
    return np.array([max([there, *scan.intensity[low:high]]) for low, high, there in ends], dtype=float)


def thinned(intensity: FloatArray) -> NDArray[np.int64]:
    """Return the points of a long scan to draw: the lowest and the highest of every few, so that no line is lost."""
    n = len(intensity)
    if n <= _MOST_POINTS:
        return np.arange(n)
    edges = np.linspace(0, n, _MOST_POINTS // 2 + 1).astype(np.int64)
    kept = [start + np.array([part.argmin(), part.argmax()]) for start, part in _parts(intensity, edges)]
    return np.unique(np.concatenate([*kept, [0, n - 1]]))


def _parts(values: FloatArray, edges: NDArray[np.int64]) -> list[tuple[int, FloatArray]]:
    ends = edges.tolist()
    return [(start, values[start:stop]) for start, stop in itertools.pairwise(ends)]


def _heights(rows: int) -> list[float]:
    return [1.0] if rows == 1 else [1 - 0.17 * (rows - 1), *[0.17] * (rows - 1)]


def _found(answer: PatternAnswer) -> go.Scatter:
    peaks, scan = answer.identification.peaks, answer.processed.pattern
    return go.Scatter(
        x=short(peaks.two_theta_deg),
        y=short(line_tops(answer) + 0.035 * np.ptp(scan.intensity)),
        mode="markers",
        marker={"symbol": "triangle-down", "size": 8, "color": ORANGE},
        name="lines found",
        customdata=short(1 / peaks.q),
        hovertemplate="%{x:.2f}°, d = %{customdata:.4f} Å<extra></extra>",
    )


def _sticks(answer: PatternAnswer, phase: PhaseMatch, colour: str) -> go.Scatter:
    angles, heights = stick_angles(answer, phase)
    known = answer.phase(phase)
    x = [value for angle in short(angles) for value in (angle, angle, None)]
    y = [value for height in short(heights) for value in (0.0, height, None)]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": colour, "width": 1.6},
        connectgaps=False,
        name=f"{formula_markup(known.formula)}, {group_label(phase.space_group_number)}, {phase.score:.2f}",
        hovertemplate="%{x:.2f}°<extra></extra>",
    )


def _caption(answer: PatternAnswer, phases: tuple[PhaseMatch, ...]) -> str:
    peaks = answer.identification.peaks
    said = [f"{number(len(peaks), 0)} lines were found (triangles), above the background (dashed)."]
    if phases:
        moved = "; ".join(
            f"{answer.phase(phase).formula} in {group_words(phase.space_group_number)} with score {phase.score:.2f}, "
            f"{fit_words(phase)}"
            for phase in phases
        )
        together = " together" if len(answer.identification.mixture) > 1 else ""
        said.append(f"Below, the ideal lines of the stored structures that fit best{together}: {moved}.")
    else:
        said.append("No stored structure fits.")
    if answer.made_from:
        said.append(f"Made from {answer.made_from}.")
    return " ".join(said)
