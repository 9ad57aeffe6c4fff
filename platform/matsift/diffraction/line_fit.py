"""Least squares of line positions, widths and areas, group by group of lines that overlap."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from matsift.diffraction.background import EvenPattern
from matsift.diffraction.line_shape import REACH_WIDTHS, line_shapes
from matsift.diffraction.radiation import Radiation, second_angle

#: Lines nearer than this many full widths are fitted together, at most so many of them.
_TOGETHER_WIDTHS, _MOST_TOGETHER = 3.0, 10

#: A group's data end at this many full widths from its outermost lines.
_MARGIN_WIDTHS = 2.5

#: Range of the factor on the usual width within which a group's width is sought, and most evaluations of a group.
_LEAST_FACTOR, _MOST_FACTOR, _MOST_EVALUATIONS = 0.5, 2.5, 12


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
    """
    model = np.zeros_like(net.intensity)
    parts: list[Lines] = []
    for group in _groups(centres, widths):
        window = _window(net, centres[group], float(widths[group].max()), shape)
        left = replace(net, two_theta_deg=net.two_theta_deg[window], intensity=net.intensity[window] - model[window])
        lines = _fit_group(left, sigma[window], centres[group], widths[group], shape)
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
) -> Lines:
    """Return the lines of one group: own positions and areas, one factor on all widths."""
    weights, n_line = 1 / sigma, len(centres)

    def solve(unknown: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        shapes = line_shapes(
            net.two_theta_deg,
            centres + unknown[:n_line],
            widths * np.exp(unknown[n_line]),
            shape.eta,
            shape.radiation,
            doublet=shape.doublet,
        )
        area, _ = nnls(shapes * weights[:, None], net.intensity * weights)
        return shapes, area, (shapes @ area - net.intensity) * weights

    unknown = np.zeros(n_line + 1)
    if len(net.intensity) > n_line + 2:
        unknown = least_squares(
            lambda trial: solve(trial)[2],
            unknown,
            bounds=(np.append(-0.5 * widths, np.log(_LEAST_FACTOR)), np.append(0.5 * widths, np.log(_MOST_FACTOR))),
            x_scale=np.append(0.2 * widths, 0.2),
            max_nfev=_MOST_EVALUATIONS,
            ftol=1e-4,
            xtol=1e-4,
            gtol=1e-6,
        ).x
    shapes, area, _ = solve(unknown)
    error = 1 / np.maximum(np.linalg.norm(shapes * weights[:, None], axis=0), np.finfo(np.float64).tiny)
    return Lines(centres + unknown[:n_line], widths * np.exp(unknown[n_line]), area, area / error)


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
