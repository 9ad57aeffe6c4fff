"""How well found lines agree with the true ones of a simulated pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matsift.diffraction.measured import ProcessedPattern
from matsift.diffraction.radiation import lorentz_polarisation
from matsift.diffraction.simulate import SimulatedPattern

#: A true line is to be found when it reaches this part of the highest; found ones lie so many widths from a true one.
_VISIBLE, _SAME_WIDTHS = 0.01, 0.6


@dataclass(frozen=True)
class LineMatch:
    """Part of the visible true lines found, part of the found lines that are true, median and spread of the shifts.

    `intensity_scatter` is the spread of found over true intensity of lines that stand alone.
    """

    recall: float
    precision: float
    shift_deg: float
    scatter_deg: float
    intensity_scatter: float


def line_match(truth: SimulatedPattern, found: ProcessedPattern) -> LineMatch:
    """Return how well the lines found in a simulated pattern agree with the true ones, away from its ends."""
    angles, widths = truth.line_two_theta_deg, truth.line_fwhm_deg
    inside = (angles > truth.two_theta_deg[0] + 0.2) & (angles < truth.two_theta_deg[-1] - 0.6)
    height = truth.line_intensity * lorentz_polarisation(angles) / widths
    visible = inside & (height > _VISIBLE * height[inside].max())
    apart = np.abs(found.peaks.two_theta_deg[:, None] - angles)
    same = apart < _SAME_WIDTHS * widths
    shifts, ratios = [], []
    for line in np.flatnonzero(visible & same.any(axis=0)):
        nearest = int(np.argmin(apart[:, line]))
        shifts.append(found.peaks.two_theta_deg[nearest] - angles[line])
        if (np.abs(angles - angles[line]) < 3 * widths[line]).sum() == 1:
            ratios.append(found.peaks.intensity[nearest] / truth.line_intensity[line])
    return LineMatch(
        recall=float(same[:, visible].any(axis=0).mean()),
        precision=float(same.any(axis=1).mean()),
        shift_deg=float(np.median(shifts)),
        scatter_deg=float(np.std(shifts)),
        intensity_scatter=float(np.std(ratios) / np.median(ratios)) if ratios else np.nan,
    )
