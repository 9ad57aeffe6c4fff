"""Background, noise and smoothing of a measured powder pattern on evenly spaced angles."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pybaselines import Baseline
from scipy.ndimage import median_filter
from scipy.signal import find_peaks, peak_widths, savgol_coeffs, savgol_filter

#: Half width of the window that clips peaks off the background, in full widths of a line, and the least, degrees.
_CLIP_WIDTHS, _CLIP_LEAST_DEG = 6.0, 1.0

#: Narrowest and widest line of a diffractometer, degrees.
NARROWEST_DEG, WIDEST_DEG = 0.01, 3.0

_SIGMA_PER_MAD = 1.4826

#: Part of the points, percent, that hold no line; widths of smoothing tried, points; lines that tell the width.
_LOW_PERCENT, _SMOOTHINGS, _N_STRONG = 60, (5, 9, 15, 25, 41, 67, 111), 25

#: A smoothing is enough when so many lines stand out of the noise so many times on average; a stronger one must make
#: them so much clearer.
_N_CLEAR, _CLEAR, _CLEARER = 5, 20.0, 1.2

_N_CLIP = 5


@dataclass(frozen=True, eq=False)
class EvenPattern:
    """A pattern on n evenly spaced angles.

    Parameters
    ----------
    two_theta_deg
        (n,), ascending, degrees.
    step_deg
        Distance of two angles.
    intensity
        (n,), as measured.
    """

    two_theta_deg: NDArray[np.float64]
    step_deg: float
    intensity: NDArray[np.float64]


def even(two_theta_deg: NDArray[np.float64], intensity: NDArray[np.float64]) -> EvenPattern:
    """Return the pattern on evenly spaced angles, as many as there were; as it is where it is even already."""
    steps = np.diff(two_theta_deg)
    step = float(two_theta_deg[-1] - two_theta_deg[0]) / len(steps)
    if np.abs(steps - step).max() < 0.1 * step:
        return EvenPattern(two_theta_deg, step, intensity)
    finer = float(np.median(steps))
    angles = np.arange(two_theta_deg[0], two_theta_deg[-1] + finer / 2, finer)
    return EvenPattern(angles, finer, np.interp(angles, two_theta_deg, intensity))


def noise(intensity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each point's noise: a constant, and a part that grows as counts do.

    Both come from second differences, in which lines nearly vanish: the constant from the lower points, the growth
    from the higher ones. It is above 0 everywhere.
    """
    level = median_filter(intensity, size=9, mode="nearest")
    second = np.convolve(intensity, [1.0, -2.0, 1.0], mode="same") / np.sqrt(6)
    second[[0, -1]] = 0.0
    low = level <= np.percentile(level, _LOW_PERCENT)
    ground = _spread(second[low])
    if ground == 0.0:
        ground = max(_spread(second), float(np.abs(intensity).max()) * 1e-6, np.finfo(np.float64).tiny)
    base = float(np.mean(level[low]))
    above = np.maximum(level - base, 0.0)
    high = above > 10 * ground
    growth = ground**2 / base if base > 0 else np.inf
    if high.any():
        measured = _spread(second[high] / np.sqrt(above[high])) ** 2
        growth = min(growth, measured)
    return np.asarray(np.sqrt(ground**2 + (growth if np.isfinite(growth) else 0.0) * above))


def typical_width(pattern: EvenPattern, sigma: NDArray[np.float64]) -> float:
    """Return the usual full width at half maximum of the lines, degrees: that of the strongest ones.

    They are looked for in the pattern smoothed more and more, and measured where they stand out of the noise best.
    """
    reach = max(3, round(WIDEST_DEG / pattern.step_deg))
    best, width = 0.0, max(0.1, 4 * pattern.step_deg)
    for points in _SMOOTHINGS:
        if points * pattern.step_deg > WIDEST_DEG or points >= len(sigma):
            break
        smooth = savgol_filter(pattern.intensity, points, 2)
        left = sigma * float(np.linalg.norm(savgol_coeffs(points, 2)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "some peaks have a prominence of 0", RuntimeWarning)
            peaks, found = find_peaks(smooth, prominence=6 * left, wlen=2 * reach + 1)
        clarity = found["prominences"] / left[peaks]
        strongest = np.argsort(clarity)[::-1][:_N_STRONG]
        total = float(clarity[strongest[:_N_CLEAR]].sum())
        if total > best:
            best = _CLEARER * total
            chosen = np.sort(peaks[strongest])
            weights = np.interp(chosen, peaks, found["prominences"])
            width = _usual(peak_widths(smooth, chosen, rel_height=0.5, wlen=2 * reach + 1)[0], weights)
            width *= pattern.step_deg
        if best > _CLEARER * _N_CLEAR * _CLEAR:
            break
    return float(np.clip(width, max(NARROWEST_DEG, 2 * pattern.step_deg), WIDEST_DEG))


def background(pattern: EvenPattern, width_deg: float, sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the background under lines of a width, by clipping peaks in ever narrower windows (SNIP).

    Ryan et al., Nucl. Instrum. Methods B 34 (1988) 396, with decreasing windows (Morhac 1997), by pybaselines; then
    raised from the lower edge of the noise, which clipping follows, to its middle.
    """
    reach = _reach(pattern, width_deg)
    filtered = smoothed(pattern, width_deg)
    base, _ = Baseline(pattern.two_theta_deg, check_finite=False).snip(
        filtered, max_half_window=reach, decreasing=True, filter_order=2, pad_kwargs={"mode": "edge"}
    )
    clipped = np.minimum(np.asarray(base, dtype=np.float64), filtered)
    left = sigma * smoothed_noise(pattern, width_deg)
    above = (filtered - clipped) / left
    for _ in range(_N_CLIP):
        middle = float(np.median(above))
        above = above[above < middle + 3.0]
    return np.asarray(clipped + middle * median_filter(left, size=2 * reach + 1, mode="nearest"))


def background_between(pattern: EvenPattern, width_deg: float) -> NDArray[np.float64]:
    """Return the background of a pattern whose clear lines were taken off: its running median, smoothed.

    It follows the humps of glass, whose tops clipping cuts off, and passes under weak lines that were left.
    """
    reach = _reach(pattern, width_deg)
    middle = median_filter(pattern.intensity, size=2 * reach + 1, mode="reflect")
    return np.asarray(savgol_filter(middle, max(_odd(reach), 5), 2))


def _reach(pattern: EvenPattern, width_deg: float) -> int:
    """Return half of a window in which a line is small, points."""
    reach = round(max(_CLIP_WIDTHS * width_deg, _CLIP_LEAST_DEG) / pattern.step_deg)
    return max(2, min(reach, (len(pattern.intensity) - 1) // 8))


def smoothed(pattern: EvenPattern, width_deg: float, *, derivative: int = 0) -> NDArray[np.float64]:
    """Return the pattern, or its derivative by angle, smoothed over about one width of a line (Savitzky-Golay)."""
    window, order = _window(pattern, width_deg, derivative)
    return np.asarray(
        savgol_filter(pattern.intensity, window, order, deriv=derivative, delta=pattern.step_deg, mode="interp")
    )


def smoothed_noise(pattern: EvenPattern, width_deg: float, *, derivative: int = 0) -> float:
    """Return the factor on a point's noise that `smoothed` leaves."""
    window, order = _window(pattern, width_deg, derivative)
    return float(np.linalg.norm(savgol_coeffs(window, order, deriv=derivative, delta=pattern.step_deg)))


def _window(pattern: EvenPattern, width_deg: float, derivative: int) -> tuple[int, int]:
    order = 2 if derivative == 0 else 3
    points = _odd(round((0.9 if derivative == 0 else 1.3) * width_deg / pattern.step_deg))
    return min(max(points, order + 3 - order % 2), _odd(len(pattern.intensity) - 1)), order


def _spread(values: NDArray[np.float64]) -> float:
    """Return the standard deviation of noise with outliers; values that are 0, as clipped ones are, do not count."""
    moved = np.abs(values[values != 0])
    return _SIGMA_PER_MAD * float(np.median(moved)) if len(moved) else 0.0


def _usual(widths: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return a width below which the lines hold 40 % of the weight: wider ones are several lines."""
    order = np.argsort(widths)
    reached = np.cumsum(weights[order])
    return float(widths[order][np.searchsorted(reached, 0.4 * reached[-1])])


def _odd(number: int) -> int:
    return number if number % 2 else number - 1
