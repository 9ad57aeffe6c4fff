"""Least squares of line positions, widths and areas, group by group of lines that overlap."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from matsift.diffraction.background import EvenPattern
from matsift.diffraction.line_shape import REACH_WIDTHS, line_shapes
from matsift.diffraction.radiation import Radiation, second_angle

#: Lines nearer than this many full widths are fitted together, at most so many of them.
_TOGETHER_WIDTHS, _MOST_TOGETHER = 3.0, 10

#: A group's data end at this many full widths from its outermost lines.
_MARGIN_WIDTHS = 2.5

#: Largest factor on the usual width, and on its inverse, within which a group's width is sought.
_MOST_FACTOR = 2.5

#: A fit that gets better by less than this part is done.
_SMALL_GAIN = 1e-4


@dataclass(frozen=True, eq=False)
class Lines:
    """n fitted lines in ascending angle.

    Parameters
    ----------
    two_theta_deg, fwhm_deg
        (n,), of K-alpha1 (or the only wavelength), degrees.
    area
        (n,), of K-alpha1, intensity times degrees.
    significance
        (n,), area over the error that the noise gives it.
    """

    two_theta_deg: NDArray[np.float64]
    fwhm_deg: NDArray[np.float64]
    area: NDArray[np.float64]
    significance: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.area)

    def take(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> Lines:
        """Return some of the lines."""
        return Lines(self.two_theta_deg[kept], self.fwhm_deg[kept], self.area[kept], self.significance[kept])


@dataclass(frozen=True)
class Shape:
    """What all lines share: usual width (degrees), Lorentzian part, radiation, whether K-alpha2 is there."""

    fwhm_deg: float
    eta: float
    radiation: Radiation
    doublet: bool


def fit_lines(
    net: EvenPattern,
    sigma: NDArray[np.float64],
    centres: NDArray[np.float64],
    widths: NDArray[np.float64],
    shape: Shape,
    *,
    n_evaluation: int = 12,
) -> tuple[Lines, NDArray[np.float64]]:
    """Return the fitted lines that begin at some centres, and the (n_point,) calculated pattern.

    Parameters
    ----------
    net
        The pattern without background.
    sigma
        (n_point,), noise.
    centres, widths
        (n,), 2theta where lines were seen, ascending, and their widths, degrees: where the fit begins.
    shape
        What the lines share.
    n_evaluation
        Most evaluations of a group of lines.
    """
    model = np.zeros_like(net.intensity)
    parts: list[Lines] = []
    for group in _groups(centres, widths):
        window = _window(net, centres[group], float(widths[group].max()), shape)
        left = replace(net, two_theta_deg=net.two_theta_deg[window], intensity=net.intensity[window] - model[window])
        lines = _fit_group(left, sigma[window], centres[group], widths[group], shape, n_evaluation)
        parts.append(lines)
        around = _window(net, lines.two_theta_deg, float(lines.fwhm_deg.max()), shape, margin=REACH_WIDTHS)
        model[around] += _shapes(net.two_theta_deg[around], lines, shape) @ lines.area
    if not parts:
        empty = np.zeros(0)
        return Lines(empty, empty, empty, empty), model
    names = ("two_theta_deg", "fwhm_deg", "area", "significance")
    together = Lines(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return together.take(np.argsort(together.two_theta_deg, kind="stable")), model


def _fit_group(
    net: EvenPattern,
    sigma: NDArray[np.float64],
    centres: NDArray[np.float64],
    widths: NDArray[np.float64],
    shape: Shape,
    n_evaluation: int,
) -> Lines:
    """Return the lines of one group: own positions and areas, one factor on all widths.

    Positions and width follow Levenberg and Marquardt; the areas, in which the pattern is linear, are solved for each
    time and kept above 0 (variable projection, Kaufman's derivative).
    """
    weights, n_line = 1 / sigma, len(centres)
    measured = net.intensity * weights

    def shapes_at(unknown: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = Lines(centres + unknown[:n_line], widths * np.exp(unknown[n_line]), centres, centres)
        return _shapes(net.two_theta_deg, moved, shape) * weights[:, None]

    reach = np.append(0.5 * widths, np.log(_MOST_FACTOR))
    unknown, damping = np.zeros(n_line + 1), 1e-3
    shapes = shapes_at(unknown)
    area, misfit = nnls(shapes, measured)
    for _ in range(n_evaluation if len(measured) > n_line + 2 else 0):
        if not area.any():
            break
        step = _step(shapes_at, unknown, shapes, area, measured, np.append(widths, 1.0), damping)
        trial = np.clip(unknown + step, -reach, reach)
        tried = shapes_at(trial)
        trial_area, trial_misfit = nnls(tried, measured)
        if trial_misfit >= misfit:
            damping *= 10.0
            continue
        gain = 1 - trial_misfit / misfit
        unknown, shapes, area, misfit, damping = trial, tried, trial_area, trial_misfit, damping * 0.2
        if gain < _SMALL_GAIN:
            break
    error = 1 / np.maximum(np.linalg.norm(shapes, axis=0), np.finfo(np.float64).tiny)
    return Lines(centres + unknown[:n_line], widths * np.exp(unknown[n_line]), area, area / error)


def _step(
    shapes_at: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    unknown: NDArray[np.float64],
    shapes: NDArray[np.float64],
    area: NDArray[np.float64],
    measured: NDArray[np.float64],
    scale: NDArray[np.float64],
    damping: float,
) -> NDArray[np.float64]:
    """Return the change of positions (degrees) and of the logarithm of the width that should fit better."""
    nudge = 1e-3 * scale
    places, width = nudge.copy(), nudge.copy()
    places[-1] = width[:-1] = 0.0
    by_place = (shapes_at(unknown + places) - shapes) * (area / nudge[:-1])
    by_width = (shapes_at(unknown + width) - shapes) @ area / nudge[-1]
    slopes = np.column_stack([by_place, by_width]) * scale
    basis, _ = np.linalg.qr(shapes[:, area > 0])
    slopes -= basis @ (basis.T @ slopes)
    normal = slopes.T @ slopes
    steepness = np.maximum(np.diag(normal), 1e-9 * max(float(np.trace(normal)), 1e-300))
    return np.asarray(
        scale * np.linalg.solve(normal + damping * np.diag(steepness), slopes.T @ (measured - shapes @ area))
    )


def _shapes(angles: NDArray[np.float64], lines: Lines, shape: Shape) -> NDArray[np.float64]:
    return line_shapes(angles, lines.two_theta_deg, lines.fwhm_deg, shape.eta, shape.radiation, doublet=shape.doublet)


def _groups(centres: NDArray[np.float64], widths: NDArray[np.float64]) -> list[slice]:
    """Return the lines in groups that overlap; a long group is cut at its widest gaps."""
    if not len(centres):
        return []
    gaps = np.diff(centres) / np.maximum(widths[1:], widths[:-1])
    ends = np.concatenate([[0], np.flatnonzero(gaps > _TOGETHER_WIDTHS) + 1, [len(centres)]])
    waiting = [slice(int(first), int(last)) for first, last in itertools.pairwise(ends)]
    done = []
    while waiting:
        group = waiting.pop(0)
        if group.stop - group.start <= _MOST_TOGETHER:
            done.append(group)
            continue
        inner = gaps[group.start + 2 : group.stop - 3]
        cut = group.start + 3 + int(np.argmax(inner))
        waiting[:0] = [slice(group.start, cut), slice(cut, group.stop)]
    return done


def _window(
    net: EvenPattern, centres: NDArray[np.float64], width: float, shape: Shape, margin: float = _MARGIN_WIDTHS
) -> slice:
    last = centres[-1]
    if shape.doublet:
        second = float(second_angle(last, shape.radiation))
        last = second if np.isfinite(second) else last
    first = int(np.searchsorted(net.two_theta_deg, centres[0] - margin * width))
    return slice(first, int(np.searchsorted(net.two_theta_deg, last + margin * width)))
