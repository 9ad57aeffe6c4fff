"""Where the lines of a measured powder pattern are: seen in its second derivative, then fitted and weighed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, find_peaks

from matsift.diffraction.background import EvenPattern
from matsift.diffraction.doublet import shape_of, without_seconds
from matsift.diffraction.line_fit import Lines, Shape, fit_lines
from matsift.diffraction.radiation import Radiation, second_angle

#: Mexican hats tried, their spread in usual widths of a line: the best for a line is about as wide as the line.
_SCALES = (0.5, 0.9, 1.6, 3.0)

#: A line is seen where its bulge exceeds the noise so many times, and kept when its area does; and when it is at least
#: such a part of the strongest line.
_BULGE_SIGMA, _AREA_SIGMA, _LEAST_HEIGHT = 4.5, 4.5, 0.002

#: Lines nearer to each other than this part of a width are one.
_ONE_LINE_WIDTHS = 0.6

#: Beside a strong line (so many widths) a weak one (part of its height) is an error of the shape.
_BESIDE_WIDTHS, _BESIDE_HEIGHT = 3.0, 0.03

#: The same beside the K-alpha2 of a strong line.
_BESIDE_SECOND_WIDTHS, _BESIDE_SECOND_HEIGHT = 1.2, 0.1

_MUCH_WIDER = 1.5

#: A line that hid must exceed this part of the lines it hid in; lines are weighed so often at the most.
_SHAPE_ERROR, _N_WEIGHING = 0.3, 3


def see_lines(
    net: EvenPattern, sigma: NDArray[np.float64], width_deg: float, *, top: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 2theta (ascending) where the pattern bulges as a line does, and about how wide the bulge is, degrees.

    The pattern is convolved with Mexican hats from narrow to wide, as in a wavelet search: narrow ones tell
    neighbours apart, wide ones find the weak and broad lines; a wide bulge counts where no narrower one lies in it.
    `top` is the height of the strongest line, by default of what is searched.
    """
    top = float(net.intensity.max()) if top is None else top
    centres, widths = np.zeros(0), np.zeros(0)
    for scale in _SCALES:
        spread = scale * width_deg
        hat = _mexican_hat(spread / net.step_deg)
        if len(hat) >= len(sigma):
            break
        bulge = fftconvolve(_beyond(net.intensity, len(hat) // 2), hat, mode="valid")
        least = np.maximum(_BULGE_SIGMA * sigma * float(np.linalg.norm(hat)), _LEAST_HEIGHT * top)
        seen, _ = find_peaks(bulge, height=least)
        found = net.two_theta_deg[seen] + _between(bulge, seen) * net.step_deg
        if len(centres):
            found = found[np.abs(found[:, None] - centres).min(axis=1, initial=np.inf) > spread]
        centres = np.append(centres, found)
        widths = np.append(widths, np.full(len(found), max(1.0, scale) * width_deg))
    order = np.argsort(centres, kind="stable")
    return centres[order], widths[order]


def first_lines(
    net: EvenPattern, sigma: NDArray[np.float64], width_deg: float, radiation: Radiation
) -> tuple[Shape, NDArray[np.float64]]:
    """Return what the lines of a pattern without background share, and the (n_point,) pattern of the clear lines.

    Bulges much wider than the lines are left out: they may be what is left of the background.
    """
    centres, widths = see_lines(net, sigma, width_deg)
    shape = shape_of(net, sigma, centres, width_deg, radiation)
    usual = widths < _MUCH_WIDER * width_deg
    lines, model = _weighed(net, sigma, *_first_only(net, centres[usual], widths[usual], shape), shape)
    usual = lines.fwhm_deg < _MUCH_WIDER * width_deg
    return shape, model if usual.all() else fit_lines(
        net, sigma, lines.two_theta_deg[usual], lines.fwhm_deg[usual], shape
    )[1]


def find_lines(net: EvenPattern, sigma: NDArray[np.float64], shape: Shape) -> Lines:
    """Return the lines of a pattern without background.

    What the fit leaves is searched once more: lines that hid beside stronger ones, or under a K-alpha2.
    """
    centres, widths = see_lines(net, sigma, shape.fwhm_deg)
    lines, model = _weighed(net, sigma, *_first_only(net, centres, widths, shape), shape)
    left = replace(net, intensity=net.intensity - model)
    more, more_widths = see_lines(left, 1.5 * sigma, shape.fwhm_deg, top=float(net.intensity.max()))
    clear = np.interp(more, net.two_theta_deg, left.intensity - _SHAPE_ERROR * model) > 0
    centres, widths = np.append(lines.two_theta_deg, more[clear]), np.append(lines.fwhm_deg, more_widths[clear])
    return _weighed(net, sigma, centres, widths, shape)[0] if clear.any() else lines


def _first_only(
    net: EvenPattern, centres: NDArray[np.float64], widths: NDArray[np.float64], shape: Shape
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not shape.doublet:
        return centres, widths
    alone = without_seconds(net, centres, shape.fwhm_deg, shape.radiation)
    return centres[alone], widths[alone]


def _weighed(
    net: EvenPattern,
    sigma: NDArray[np.float64],
    centres: NDArray[np.float64],
    widths: NDArray[np.float64],
    shape: Shape,
) -> tuple[Lines, NDArray[np.float64]]:
    """Return the lines that are worth it, fitted without the others, and their pattern."""
    for _ in range(_N_WEIGHING):
        order = np.argsort(centres, kind="stable")
        lines, model = fit_lines(net, sigma, centres[order], widths[order], shape)
        kept = _worth(lines, shape)
        if kept.all():
            break
        lines = lines.take(kept)
        centres, widths = lines.two_theta_deg, lines.fwhm_deg
    return lines, model


def _worth(lines: Lines, shape: Shape) -> NDArray[np.bool_]:
    """Return which lines are neither lost in the noise, nor one with a neighbour, nor an error of its shape."""
    height = lines.area / lines.fwhm_deg
    seconds = second_angle(lines.two_theta_deg, shape.radiation) if shape.doublet else np.full(len(lines), np.nan)
    kept = (lines.significance > _AREA_SIGMA) & (height > _LEAST_HEIGHT * height.max(initial=0.0))
    for place in np.argsort(height):
        centre = lines.two_theta_deg[place]
        distance = np.abs(lines.two_theta_deg - centre) / lines.fwhm_deg
        behind = np.nan_to_num(np.abs(seconds - centre) / lines.fwhm_deg, nan=np.inf)
        stronger = kept & (height > height[place])
        one = stronger & (distance < _ONE_LINE_WIDTHS)
        beside = stronger & (distance < _BESIDE_WIDTHS) & (height[place] < _BESIDE_HEIGHT * height)
        second = stronger & (behind < _BESIDE_SECOND_WIDTHS) & (height[place] < _BESIDE_SECOND_HEIGHT * height)
        kept[place] &= not (one | beside | second).any()
    return np.asarray(kept)


def _between(values: NDArray[np.float64], peaks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how many steps the top of a parabola through each peak and its neighbours lies beside it."""
    left, middle, right = values[peaks - 1], values[peaks], values[peaks + 1]
    bend = left - 2 * middle + right
    return np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)


def _mexican_hat(spread: float) -> NDArray[np.float64]:
    """Return a Mexican hat (Ricker wavelet) whose zeros lie `spread` points beside its top."""
    reach = max(2, int(np.ceil(4 * spread)))
    scaled = (np.arange(-reach, reach + 1) / spread) ** 2
    hat = (1 - scaled) * np.exp(-scaled / 2)
    hat -= hat.mean()
    return np.asarray(hat / np.abs(hat).sum() * 2)


def _beyond(intensity: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    return np.pad(intensity, reach, mode="reflect")
