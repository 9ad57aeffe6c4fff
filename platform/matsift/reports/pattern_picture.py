"""One identified pattern as a picture for a paper or a slide: SVG, PNG or PDF, the same answer the same bytes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from matsift.diffraction.identify import PhaseMatch
from matsift.reports.figures.patterns import PHASE_COLOURS, line_tops, shown_phases, stick_angles, thinned
from matsift.reports.figures.plot import BLUE, ORANGE
from matsift.reports.pattern_lines import likelihood, wavelength_words
from matsift.reports.patterns import PatternAnswer, group_words

_NO_TIME = {
    ".svg": {"Date": None, "Creator": "matsift"},
    ".pdf": {"CreationDate": None},
    ".png": {"Software": "matsift"},
}


def picture(answer: PatternAnswer, path: Path) -> None:
    """Draw the pattern with its lines, and the sticks of its phases below, in the format that the name ends in."""
    phases = shown_phases(answer)
    with _style():
        figure = Figure(figsize=(8.5, 3.6 + 0.75 * len(phases)), layout="constrained")
        FigureCanvasAgg(figure)
        ratios = [4.0, *[1.0] * len(phases)]
        drawn = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, height_ratios=ratios)[:, 0]
        _draw_scan(drawn[0], answer)
        for axes, phase, colour in zip(drawn[1:], phases, PHASE_COLOURS, strict=False):
            _draw_sticks(axes, answer, phase, colour)
        drawn[-1].set_xlabel(f"2θ / ° at {wavelength_words(answer.wavelength_angstrom)}")
        figure.savefig(path, dpi=160, facecolor="white", metadata=_NO_TIME[path.suffix.lower()])


def _style() -> AbstractContextManager[None]:
    return rc_context(
        {
            "svg.hashsalt": "matsift",  # ids of the file are the same every time
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )


def _draw_scan(axes: Axes, answer: PatternAnswer) -> None:
    scan, peaks = answer.processed.pattern, answer.identification.peaks
    kept = thinned(scan.intensity)
    axes.plot(scan.two_theta_deg[kept], scan.intensity[kept], color=BLUE, linewidth=0.8, label="measured")
    axes.plot(
        scan.two_theta_deg[kept], answer.processed.background[kept], color=ORANGE, linewidth=0.9, linestyle="--",
        label="background",
    )  # fmt: skip
    at = line_tops(answer) + 0.035 * np.ptp(scan.intensity)
    axes.plot(peaks.two_theta_deg, at, "v", color=ORANGE, markersize=4, label=f"{len(peaks)} lines found")
    axes.set_ylabel("intensity")
    axes.set_xlim(*scan.two_theta_deg[[0, -1]].tolist())
    axes.set_ylim(min(0.0, float(scan.intensity.min())), None)
    axes.legend(frameon=False, loc="upper right")
    axes.set_title(_title(answer), loc="left", fontsize=9)


def _draw_sticks(axes: Axes, answer: PatternAnswer, phase: PhaseMatch, colour: str) -> None:
    angles, heights = stick_angles(answer, phase)
    axes.vlines(angles, 0.0, heights, color=colour, linewidth=1.2)
    axes.set_ylim(0, 1.5)
    axes.set_yticks([0, 1])
    known = answer.phase(phase)
    said = f"{_plain(known.formula)}, {group_words(phase.space_group_number)}, score {phase.score:.2f}"
    axes.text(0.995, 0.95, said, transform=axes.transAxes, ha="right", va="top", color=colour)


def _title(answer: PatternAnswer) -> str:
    first = next(iter(answer.identification.groups), None)
    if first is None:
        return _plain(answer.name)
    sure = "" if answer.identification.is_sure else "not sure, likeliest "
    return f"{_plain(answer.name)}: {sure}{group_words(first.space_group_number)}, {likelihood(first.probability)}"


def _plain(text: str) -> str:
    """Return a text in which matplotlib reads no mathematics."""
    return text.replace("$", r"\$")
