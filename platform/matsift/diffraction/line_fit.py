"""Least squares of line positions, widths and areas, group by group of lines that overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from matsift.diffraction.background import EvenPattern
from matsift.diffraction.line_shape import line_shapes
from matsift.diffraction.radiation import Radiation

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
    height_sigma
        (n,), height of the line over the noise at its place.
    """

    two_theta_deg: NDArray[np.float64]
    fwhm_deg: NDArray[np.float64]
    area: NDArray[np.float64]
    height_sigma: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.area)

    def take(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> Lines:
        """Return some of the lines."""
        return Lines(self.two_theta_deg[kept], self.fwhm_deg[kept], self.area[kept], self.height_sigma[kept])


@dataclass(frozen=True)
class Shape:
    """What all lines of a pattern share: usual width (degrees), Lorentzian part, radiation, whether K-alpha2 is there."""

    fwhm_deg: float
    eta: float
    radiation: Radiation
    doublet: bool


def fit_lines(
    net: EvenPattern, sigma: NDArray[np.float64], centres: NDArray[np.float64], shape: Shape
) -> tuple[Lines, NDArray[np.float64]]:
    """Return the fitted lines that begin at some centres, and the (n_point,) calculated pattern.

    Parameters
    ----------
    net
        The pattern without background.
    sigma
        (n_point,), noise.
    centres
        (n,), 2theta where lines were seen, ascending, degrees.
    shape
        What the lines share.
    """
    model = np.zeros_like(net.intensity)
    parts: list[Lines] = []
    for group in _groups(centres, shape.fwhm_deg):
        window = _window(net, group, shape)
        left = replace(
            net, two_theta_deg=net.two_theta_deg[window], intensity=net.intensity[window] - model[window]
        )
        lines = _fit_group(left, sigma[window], group, shape)
        parts.append(lines)
        around = _window(net, lines.two_theta_deg, shape, margin=12.0)
        model[around] += _shapes(net.two_theta_deg[around], lines, shape) @ lines.area
    if not parts:
        empty = np.zeros(0)
        return Lines(empty, empty, empty, empty), model
    names = ("two_theta_deg", "fwhm_deg", "area", "height_sigma")
    together = Lines(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return together.take(np.argsort(together.two_theta_deg, kind="stable")), model


def _fit_group(net: EvenPattern, sigma: NDArray[np.float64], centres: NDArray[np.float64], shape: Shape) -> Lines:
    weights = 1 / sigma
    n_line = len(centres)
    reach = 0.5 * shape.fwhm_deg

    def solve(unknown: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        places, width = centres + unknown[:n_line], shape.fwhm_deg * np.exp(unknown[n_line])
        shapes = line_shapes(
            net.two_theta_deg, places, np.full(n_line, width), shape.eta, shape.radiation, doublet=shape.doublet
        )
        area, _ = nnls(shapes * weights[:, None], net.intensity * weights)
        return places, area, (shapes @ area - net.intensity) * weights

    bounds = np.append(np.full(n_line, reach), np.log(_MOST_FACTOR)), np.log(_LEAST_FACTOR)
    lower = np.append(np.full(n_line, -reach), bounds[1])
    start = np.zeros(n_line + 1)
    if len(net.intensity) > n_line + 2:
        fitted = least_squares(
            lambda unknown: solve(unknown)[2],
            start,
            bounds=(lower, bounds[0]),
            x_scale=np.append(np.full(n_line, 0.2 * shape.fwhm_deg), 0.2),
            max_nfev=_MOST_EVALUATIONS,
            ftol=1e-4,
            xtol=1e-4,
            gtol=1e-6,
        )
        start = fitted.x
    places, area, _ = solve(start)
    width = np.full(n_line, shape.fwhm_deg * np.exp(start[n_line]))
    at = np.clip(np.searchsorted(net.two_theta_deg, places), 0, len(sigma) - 1)
    return Lines(places, width, area, area / width / sigma[at])


def _shapes(angles: NDArray[np.float64], lines: Lines, shape: Shape) -> NDArray[np.float64]:
    return line_shapes(angles, lines.two_theta_deg, lines.fwhm_deg, shape.eta, shape.radiation, doublet=shape.doublet)


def _groups(centres: NDArray[np.float64], width: float) -> list[NDArray[np.float64]]:
    """Return the lines in groups that overlap; a long group is cut at its widest gaps."""
    if not len(centres):
        return []
    waiting = np.split(centres, np.flatnonzero(np.diff(centres) > _TOGETHER_WIDTHS * width) + 1)
    done = []
    while waiting:
        group = waiting.pop(0)
        if len(group) <= _MOST_TOGETHER:
            done.append(group)
            continue
        inner = np.diff(group)[2:-2]
        cut = int(np.argmax(inner)) + 3
        waiting[:0] = [group[:cut], group[cut:]]
    return done


def _window(net: EvenPattern, centres: NDArray[np.float64], shape: Shape, margin: float = _MARGIN_WIDTHS) -> slice:
    beyond = margin * shape.fwhm_deg
    last = centres[-1]
    if shape.doublet and shape.radiation.second is not None:
        last += np.degrees(2 * np.tan(np.radians(min(last, 170.0)) / 2)) * (
            shape.radiation.second / shape.radiation.wavelength - 1
        )
    first = int(np.searchsorted(net.two_theta_deg, centres[0] - beyond))
    return slice(first, int(np.searchsorted(net.two_theta_deg, last + beyond)))
