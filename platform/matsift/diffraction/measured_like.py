"""Ideal profiles as the processing of a measured pattern would leave them, for training.

What a peak search gives of a real pattern is fewer lines than the ideal profile has, at places a little off and of
intensities that texture has changed: each row of a batch draws its own share of every one of these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled
from matsift.diffraction.grid import BIN_WIDTH, CU_K_ALPHA, N_BIN, Q_HIGH, Q_LOW
from matsift.diffraction.sparse import SparseProfiles

Range = tuple[float, float]


@dataclass(frozen=True)
class MeasuredLike:
    """A change of profiles for training; each row draws its numbers uniformly from the ranges, if not said otherwise.

    Ranges are such that the number of lines, their least distance, the weakest and the last are spread as in what
    `process` finds in simulated patterns and in those of the RRUFF.

    Parameters
    ----------
    jitter
        Standard deviation of the logarithm of line intensities: texture, grains, errors of the fit.
    resolution_bins
        Lines closer than this are one, at their centre of gravity; bins of 9.5e-5 1/angstrom. 12 bins are about 0.1
        degrees 2theta with copper.
    weakest
        Weakest line that is found, as a share of the strongest of the pattern before its Lorentz-polarisation factor is
        taken off; the logarithm is drawn.
    q_start, q_end
        Where the pattern begins and ends, 1/angstrom: 10 to 18 degrees, and 60 to 110 degrees, with copper.
    cell_scale
        Standard deviation, normal, of the factor on all lengths.
    zero_shift_deg
        Standard deviation, normal, of the zero error of the instrument in 2theta with copper, degrees.
    extra_lines
        Mean number, Poisson, of lines that do not belong to the crystal; at most a tenth as strong as the strongest.
    share
        Share of rows that are changed at all.
    """

    jitter: Range = (0.0, 0.6)
    resolution_bins: Range = (8.0, 24.0)
    weakest: Range = (3e-3, 6e-2)
    q_start: Range = (Q_LOW, 0.2)
    q_end: Range = (0.65, Q_HIGH)
    cell_scale: float = 0.001
    zero_shift_deg: float = 0.03
    extra_lines: float = 0.4
    share: float = 1.0

    def __call__(self, batch: SparseProfiles, rng: Generator) -> SparseProfiles:
        """Return the batch as measured, in as many rows; a row of which no line would be left stays as it is."""
        n = len(batch)
        rows = np.empty((n, _N_NUMBER))
        rows[:, _SCALE] = 1 + self.cell_scale * rng.standard_normal(n)
        rows[:, _SHIFT] = np.radians(self.zero_shift_deg) / 2 * rng.standard_normal(n)
        rows[:, _RESOLUTION] = rng.uniform(*self.resolution_bins, n) * BIN_WIDTH
        rows[:, _WEAKEST] = self.weakest[0] * (self.weakest[1] / self.weakest[0]) ** rng.random(n)
        rows[:, _START] = rng.uniform(*self.q_start, n)
        rows[:, _END] = rng.uniform(*self.q_end, n)
        rows[:, _JITTER] = rng.uniform(*self.jitter, n)
        rows[:, _CHANGED] = rng.random(n) < self.share
        n_extra = rng.poisson(self.extra_lines, n)
        extra_offsets = np.append(0, np.cumsum(n_extra))
        extra = rng.random((int(extra_offsets[-1]), 2))
        noise = rng.standard_normal(len(batch.bins)).astype(np.float32)
        lists = batch.offsets, batch.bins, batch.intensities
        return SparseProfiles(*_as_measured(*lists, rows, extra_offsets, extra, noise))


_SCALE, _SHIFT, _RESOLUTION, _WEAKEST, _START, _END, _JITTER, _CHANGED = range(8)
_N_NUMBER = 8
_STRONGEST_EXTRA = 0.1


@compiled
def _lorentz_polarisation(q: float) -> float:
    """Return `radiation.lorentz_polarisation` of a line at q with copper radiation, for compiled loops."""
    sine = min(q * CU_K_ALPHA / 2, 0.999)
    cosine2 = 1 - sine * sine
    return float((1 + (1 - 2 * sine * sine) ** 2) / (sine * sine * math.sqrt(cosine2)))


@compiled
def _as_measured(
    offsets: NDArray[np.int64],
    bins: NDArray[np.int16],
    intensities: NDArray[np.float32],
    rows: NDArray[np.float64],
    extra_offsets: NDArray[np.int64],
    extra: NDArray[np.float64],
    noise: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.int16], NDArray[np.float32]]:
    n = len(offsets) - 1
    new_offsets = np.zeros(n + 1, dtype=np.int64)
    capacity = len(bins) + len(extra)
    new_bins = np.empty(capacity, dtype=np.int16)
    new_intensities = np.empty(capacity, dtype=np.float32)
    longest = 1
    for r in range(n):
        longest = max(longest, offsets[r + 1] - offsets[r] + extra_offsets[r + 1] - extra_offsets[r])
    q, counts = np.empty(longest), np.empty(longest)
    for r in range(n):
        start, end = offsets[r], offsets[r + 1]
        n_line = 0
        if rows[r, _CHANGED] > 0:
            n_line = _lines(bins[start:end], intensities[start:end], noise[start:end], rows[r], q, counts)
        if n_line > 0:
            added = extra[extra_offsets[r] : extra_offsets[r + 1]]
            n_line = _with_extra(n_line, added, rows[r], q, counts)
            at = _written(n_line, q, counts, new_offsets[r], new_bins, new_intensities)
        else:
            at = new_offsets[r] + end - start
            new_bins[new_offsets[r] : at] = bins[start:end]
            new_intensities[new_offsets[r] : at] = intensities[start:end]
        new_offsets[r + 1] = at
    return new_offsets, new_bins[: new_offsets[n]].copy(), new_intensities[: new_offsets[n]].copy()


@compiled
def _lines(
    bins: NDArray[np.int16],
    intensities: NDArray[np.float32],
    noise: NDArray[np.float32],
    numbers: NDArray[np.float64],
    q: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> int:
    """Fill q and counts (with the Lorentz-polarisation factor) with the lines that are found; return their number."""
    n_line = 0
    strongest = 0.0
    for entry in range(len(bins)):
        place = (Q_LOW + (bins[entry] + 0.5) * BIN_WIDTH) * numbers[_SCALE]
        sine = min(place * CU_K_ALPHA / 2, 0.999)
        place += numbers[_SHIFT] * math.sqrt(1 - sine * sine) * 2 / CU_K_ALPHA
        if place < numbers[_START] or place >= numbers[_END]:
            continue
        factor = _lorentz_polarisation(place)
        count = intensities[entry] * math.exp(numbers[_JITTER] * noise[entry]) * factor
        if n_line > 0 and place - q[n_line - 1] < numbers[_RESOLUTION]:
            total = counts[n_line - 1] + count
            q[n_line - 1] += (place - q[n_line - 1]) * count / total
            counts[n_line - 1] = total
        else:
            q[n_line], counts[n_line] = place, count
            n_line += 1
        strongest = max(strongest, counts[n_line - 1])
    kept = 0
    for line in range(n_line):
        if counts[line] >= numbers[_WEAKEST] * strongest:
            q[kept], counts[kept] = q[line], counts[line]
            kept += 1
    return kept


@compiled
def _with_extra(
    n_line: int,
    extra: NDArray[np.float64],
    numbers: NDArray[np.float64],
    q: NDArray[np.float64],
    counts: NDArray[np.float64],
) -> int:
    """Insert lines that do not belong there, in order; return the number of lines."""
    strongest = counts[:n_line].max()
    for k in range(len(extra)):
        place = numbers[_START] + (numbers[_END] - numbers[_START]) * extra[k, 0]
        count = strongest * (numbers[_WEAKEST] + (_STRONGEST_EXTRA - numbers[_WEAKEST]) * extra[k, 1])
        line = n_line
        while line > 0 and q[line - 1] > place:
            q[line], counts[line] = q[line - 1], counts[line - 1]
            line -= 1
        q[line], counts[line] = place, count
        n_line += 1
    return n_line


@compiled
def _written(
    n_line: int,
    q: NDArray[np.float64],
    counts: NDArray[np.float64],
    start: int,
    bins: NDArray[np.int16],
    intensities: NDArray[np.float32],
) -> int:
    """Write the lines as bins and intensities without the factor, maximum 1; return where the row ends."""
    at = start
    strongest = 0.0
    for line in range(n_line):
        place = min(max(int((q[line] - Q_LOW) / BIN_WIDTH), 0), N_BIN - 1)
        intensity = counts[line] / _lorentz_polarisation(q[line])
        if at > start and bins[at - 1] == place:
            intensity += intensities[at - 1]
            at -= 1
        bins[at], intensities[at] = place, intensity
        strongest = max(strongest, intensity)
        at += 1
    for entry in range(start, at):
        intensities[entry] /= strongest
    return at
