"""Where the lines of a measured powder pattern are: seen in its second derivative, then fitted and weighed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, find_peaks

from matsift.diffraction.background import EvenPattern
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

#: K-alpha2 is there unless it makes the fit of the chosen lines this much worse.
_DOUBLET_WORSE = 1.35

_ETAS = (0.2, 0.5, 0.8)
#: Lines for that trial: so many, of those whose components are so many widths apart if there are enough.
_N_CHOSEN, _LEAST_CHOSEN, _APART_WIDTHS = 10, 3, 0.8


def see_lines(
    net: EvenPattern, sigma: NDArray[np.float64], width_deg: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 2theta (ascending) where the pattern bulges as a line does, and about how wide the bulge is, degrees.

    The pattern is convolved with Mexican hats from narrow to wide, as in a wavelet search: narrow ones tell
    neighbours apart, wide ones find the weak and broad lines; a wide bulge counts where no narrower one lies in it.
    """
    top = float(net.intensity.max())
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


def shape_of(
    net: EvenPattern, sigma: NDArray[np.float64], seen: NDArray[np.float64], width_deg: float, radiation: Radiation
) -> Shape:
    """Return what the lines share: the Lorentzian part, and whether K-alpha2 is in the pattern, by trial on a few.

    The lines tried are the strongest of those whose two components stand apart, as they do at high angles.
    """
    plain = Shape(width_deg, 0.5, replace(radiation, second=None), doublet=False)
    if not len(seen):
        return plain
    chosen = _chosen(net, seen, width_deg, radiation)
    near = _near(net, chosen, width_deg, radiation)
    local = seen[np.interp(seen, net.two_theta_deg, near.astype(np.float64)) > 0]

    def best(shape: Shape, centres: NDArray[np.float64]) -> tuple[float, Shape]:
        tried = (replace(shape, eta=eta) for eta in _ETAS)
        return min(((_misfit(net, sigma, centres, one, near), one) for one in tried), key=lambda pair: pair[0])

    single, shape = best(plain, local)
    if radiation.second is None:
        return shape
    double, with_second = best(replace(plain, radiation=radiation, doublet=True), local)
    return with_second if double <= _DOUBLET_WORSE * single else replace(shape, radiation=radiation)


def find_lines(
    net: EvenPattern, sigma: NDArray[np.float64], width_deg: float, radiation: Radiation
) -> tuple[Lines, Shape]:
    """Return the lines of a pattern without background, and what they share."""
    centres, widths = see_lines(net, sigma, width_deg)
    shape = shape_of(net, sigma, centres, width_deg, radiation)
    lines, _ = fit_lines(net, sigma, centres, widths, shape)
    kept = _worth(lines)
    if not kept.all():
        lines, _ = fit_lines(net, sigma, lines.two_theta_deg[kept], lines.fwhm_deg[kept], shape)
        lines = lines.take(_worth(lines))
    return lines, shape


def _worth(lines: Lines) -> NDArray[np.bool_]:
    """Return which lines are neither lost in the noise, nor one with a neighbour, nor an error of its shape."""
    height = lines.area / lines.fwhm_deg
    kept = (lines.significance > _AREA_SIGMA) & (height > _LEAST_HEIGHT * height.max(initial=0.0))
    for place in np.argsort(height):
        distance = np.abs(lines.two_theta_deg - lines.two_theta_deg[place]) / lines.fwhm_deg
        stronger = kept & (height > height[place])
        one = stronger & (distance < _ONE_LINE_WIDTHS)
        beside = stronger & (distance < _BESIDE_WIDTHS) & (height[place] < _BESIDE_HEIGHT * height)
        kept[place] &= not (one | beside).any()
    return np.asarray(kept)


def _chosen(net: EvenPattern, seen: NDArray[np.float64], width_deg: float, radiation: Radiation) -> NDArray[np.float64]:
    """Return the strongest of the lines whose two components are apart; of the upper half of angles if few are."""
    height = np.interp(seen, net.two_theta_deg, net.intensity)
    pool = seen >= np.median(seen)
    if radiation.second is not None:
        apart = second_angle(seen, radiation) - seen > _APART_WIDTHS * width_deg
        pool = apart if apart.sum() >= _LEAST_CHOSEN else pool
    strongest = np.argsort(height[pool])[::-1][:_N_CHOSEN]
    return np.sort(seen[pool][strongest])


def _near(net: EvenPattern, centres: NDArray[np.float64], width_deg: float, radiation: Radiation) -> NDArray[np.bool_]:
    """Return which points lie within two widths of some lines, or of their K-alpha2."""
    places = centres if radiation.second is None else np.concatenate([centres, second_angle(centres, radiation)])
    near = np.zeros(len(net.intensity), dtype=bool)
    for place in places[np.isfinite(places)]:
        near |= np.abs(net.two_theta_deg - place) < 2 * width_deg
    return near


def _misfit(
    net: EvenPattern, sigma: NDArray[np.float64], centres: NDArray[np.float64], shape: Shape, near: NDArray[np.bool_]
) -> float:
    _, model = fit_lines(net, sigma, centres, np.full(len(centres), shape.fwhm_deg), shape, n_evaluation=5)
    return float((((net.intensity - model) / sigma)[near] ** 2).sum())


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
