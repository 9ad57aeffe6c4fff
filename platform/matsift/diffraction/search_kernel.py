"""Loops of the profile search as machine code: a scan of all profiles, and the exact score of a few."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

#: Beyond this many widths two lines have nothing to do with one another.
_REACH = 3.5


@compiled
def merged_lines(
    offsets: NDArray[np.int64],
    q: NDArray[np.float64],
    intensity: NDArray[np.float64],
    span: float,
    faintest: float,
    n_most: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return offsets, q and intensities of the lines of all profiles as a diffractometer resolves them.

    Neighbours within `span` are one line at their centre; of each profile the `n_most` strongest stay that have
    at least `faintest` times the strongest.
    """
    n = len(offsets) - 1
    new_offsets = np.zeros(n + 1, np.int64)
    new_q = np.empty(len(q))
    new_intensity = np.empty(len(q))
    end = 0
    for row in range(n):
        start = end
        first = offsets[row]
        while first < offsets[row + 1]:
            total, moment, last = 0.0, 0.0, first
            while last < offsets[row + 1] and q[last] - q[first] <= span:
                total += intensity[last]
                moment += intensity[last] * q[last]
                last += 1
            new_q[end], new_intensity[end] = moment / total, total
            end += 1
            first = last
        if end > start:
            strengths = np.sort(new_intensity[start:end])
            least = strengths[-1] * faintest
            if len(strengths) > n_most:
                least = max(least, strengths[-n_most])
            kept = start
            for line in range(start, end):
                if new_intensity[line] >= least:
                    new_q[kept], new_intensity[kept] = new_q[line], new_intensity[line] / strengths[-1]
                    kept += 1
            end = kept
        new_offsets[row + 1] = end
    return new_offsets, new_q[:end].copy(), new_intensity[:end].copy()


@compiled
def scan(
    offsets: NDArray[np.int64],
    place: NDArray[np.int32],
    weight: NDArray[np.float32],
    measured: NDArray[np.float32],
    visible: NDArray[np.float32],
    n_shift: int,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the cosine of every profile at its best shift along log q, and that shift, -n_shift to n_shift.

    Parameters
    ----------
    offsets, place, weight
        Lines of the profiles: their bin along log q and their weight.
    measured
        (n_place + 2 n_shift,), the measured lines smoothed and of norm 1, `n_shift` bins of margin at both ends.
    visible
        The same, 1 where a line could have been measured.
    n_shift
        How far profiles are shifted, bins.
    """
    n = len(offsets) - 1
    best = np.zeros(n, np.float32)
    best_shift = np.zeros(n, np.int32)
    n_place = 2 * n_shift + 1
    sums = np.empty(n_place, np.float32)
    for row in range(n):
        sums[:] = 0.0
        norm = 0.0
        for line in range(offsets[row], offsets[row + 1]):
            start, value = place[line], weight[line]
            norm += value * value * visible[start + n_shift]
            part = measured[start : start + n_place]  # a slice, so that the loop has no negative index to think of
            for shift in range(n_place):
                sums[shift] += value * part[shift]
        if norm > 0.0:
            highest, where = np.float32(0.0), n_shift
            for shift in range(n_place):
                if sums[shift] > highest:
                    highest, where = sums[shift], shift
            best[row], best_shift[row] = highest / np.sqrt(norm), where - n_shift
    return best, best_shift


@compiled
def overlap(
    first_q: NDArray[np.float64],
    first_weight: NDArray[np.float64],
    second_q: NDArray[np.float64],
    second_weight: NDArray[np.float64],
    width: float,
    relative_width: float,
) -> float:
    """Return the sum over all pairs of lines of both weights times a Gaussian of their distance; q ascending."""
    total, start = 0.0, 0
    for i in range(len(first_q)):
        variance = width * width + (relative_width * first_q[i]) ** 2
        reach = _REACH * np.sqrt(variance)
        while start < len(second_q) and second_q[start] < first_q[i] - 1.2 * reach:
            start += 1
        for j in range(start, len(second_q)):
            distance = second_q[j] - first_q[i]
            if distance > reach:
                break
            if distance >= -reach:
                total += first_weight[i] * second_weight[j] * np.exp(-0.5 * distance * distance / variance)
    return total


@compiled
def best_fits(
    candidates: NDArray[np.int64],
    log_scales: NDArray[np.float64],
    offsets: NDArray[np.int64],
    q: NDArray[np.float64],
    weight: NDArray[np.float64],
    measured_q: NDArray[np.float64],
    measured_weight: NDArray[np.float64],
    q_low: float,
    q_high: float,
    steps: NDArray[np.float64],
    width: float,
    relative_width: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the best cosine of each candidate over zero shifts and scales, and the numbers of both.

    Parameters
    ----------
    candidates, log_scales
        (k,), rows and the logarithms of the factors on q about which to look.
    offsets, q, weight
        Lines of the profiles.
    measured_q
        (n_zero, n_line), measured lines for each zero shift.
    measured_weight
        (n_line,).
    q_low, q_high
        Measured range.
    steps
        (n_step,), steps of the logarithm of the factor on q.
    width, relative_width
        Tolerance of a line: 1/angstrom, and as a part of q.
    """
    scores = np.zeros(len(candidates))
    best_zero = np.zeros(len(candidates), np.int64)
    best_step = np.zeros(len(candidates), np.int64)
    own = overlap(measured_q[0], measured_weight, measured_q[0], measured_weight, width, relative_width)
    for k in range(len(candidates)):
        row = candidates[k]
        lines, weights = q[offsets[row] : offsets[row + 1]], weight[offsets[row] : offsets[row + 1]]
        middle = np.exp(log_scales[k])
        low, high = np.searchsorted(lines, q_low / middle), np.searchsorted(lines, q_high / middle)
        lines, weights = lines[low:high], weights[low:high]
        norm = overlap(lines, weights, lines, weights, width, relative_width)
        if norm <= 0.0:
            continue
        for step in range(len(steps)):
            moved = lines * (middle * np.exp(steps[step]))
            for zero in range(len(measured_q)):
                value = overlap(measured_q[zero], measured_weight, moved, weights, width, relative_width)
                if value > scores[k]:
                    scores[k], best_zero[k], best_step[k] = value, zero, step
        scores[k] = min(scores[k] / np.sqrt(own * norm), 1.0)
    return scores, best_zero, best_step
