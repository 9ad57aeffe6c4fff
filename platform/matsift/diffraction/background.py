"""Background, noise and smoothing of a measured powder pattern on evenly spaced angles."""

from __future__ import annotations

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
    """Return the standard deviation of each point's noise, growing with the root of the intensity as counts do.

    The factor comes from second differences, in which lines nearly vanish; it is above 0 everywhere.
    """
    level = median_filter(intensity, size=9, mode="nearest")
    floor = max(float(np.percentile(level, 90)) * 1e-3, float(level.max()) * 1e-4, np.finfo(np.float64).tiny)
    root = np.sqrt(np.maximum(level, floor))
    second = np.convolve(intensity, [1.0, -2.0, 1.0], mode="same") / np.sqrt(6)
    scaled = np.abs(second[1:-1] / root[1:-1])
    moved = scaled[scaled > 0]
    if not len(moved):
        return np.full(len(intensity), float(np.abs(intensity).max()) * 1e-6)
    return _SIGMA_PER_MAD * float(np.median(moved)) * root


def typical_width(pattern: EvenPattern, sigma: NDArray[np.float64]) -> float:
    """Return the usual full width at half maximum of the lines, degrees: that of the strongest ones."""
    smooth = savgol_filter(pattern.intensity, min(5, _odd(len(sigma) - 1)), 2)
    reach = max(3, round(WIDEST_DEG / pattern.step_deg))
    peaks, found = find_peaks(smooth, prominence=6 * sigma, wlen=2 * reach + 1)
    if not len(peaks):
        return max(0.1, 4 * pattern.step_deg)
    strongest = np.argsort(found["prominences"])[::-1][:25]
    chosen = np.sort(peaks[strongest])
    widths = peak_widths(smooth, chosen, rel_height=0.5, wlen=2 * reach + 1)[0] * pattern.step_deg
    weights = smooth[chosen] - np.median(smooth)
    order = np.argsort(widths)
    reached = np.cumsum(np.maximum(weights[order], 0)) + 1e-12
    usual = float(widths[order][np.searchsorted(reached, 0.4 * reached[-1])])
    return float(np.clip(usual, max(NARROWEST_DEG, 2 * pattern.step_deg), WIDEST_DEG))


def background(pattern: EvenPattern, width_deg: float) -> NDArray[np.float64]:
    """Return the background under lines of a width, by clipping peaks in ever narrower windows (SNIP).

    Ryan et al., Nucl. Instrum. Methods B 34 (1988) 396, with decreasing windows (Morhac 1997), by pybaselines.
    """
    reach = round(max(_CLIP_WIDTHS * width_deg, _CLIP_LEAST_DEG) / pattern.step_deg)
    reach = max(2, min(reach, (len(pattern.intensity) - 1) // 4))
    filtered = smoothed(pattern, width_deg)
    base, _ = Baseline(pattern.two_theta_deg, check_finite=False).snip(
        filtered, max_half_window=reach, decreasing=True, filter_order=2
    )
    return np.minimum(np.asarray(base, dtype=np.float64), filtered)


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


def _odd(number: int) -> int:
    return number if number % 2 else number - 1
