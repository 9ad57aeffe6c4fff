"""Patterns of several phases: the best phase is subtracted, what is left over is searched again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from matsift.diffraction.grid import q_of_two_theta
from matsift.diffraction.search import LINE_WIDTH, RELATIVE_LINE_WIDTH, Matches, ProfileIndex, cosine

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matsift.diffraction.peaks import PeakList

#: Phases of one pattern, at most.
N_PHASE = 3

#: A further phase has to raise the score of the whole by this, and to have as many lines for itself.
_LEAST_GAIN, _LEAST_LINES = 0.05, 3

#: A measured line is left over when it is so many times stronger than the phases so far explain.
_LEFT_OVER = 2.5

#: Candidates for a further phase.
_N_TRIED = 60

#: Amounts that are tried for it, times the one that the strongest left-over lines suggest.
_AMOUNTS = (0.4, 0.7, 1.0, 1.5)


@dataclass(frozen=True, eq=False)
class Part:
    """One phase of a mixture.

    Parameters
    ----------
    match
        Which of `matches`.
    matches
        The list that it was taken from.
    q, intensity
        (n_line,), its lines on the measured pattern (1/angstrom) and their intensities in units of the pattern's.
    """

    match: int
    matches: Matches
    q: NDArray[np.float64]
    intensity: NDArray[np.float64]

    @classmethod
    def scaled(
        cls, match: int, matches: Matches, q: NDArray[np.float64], intensity: NDArray[np.float64], peaks: PeakList
    ) -> Part:
        """Return a match's lines (maximum 1) in the amount that the pattern suggests."""
        return cls(match, matches, q, intensity * _amount(peaks.q, peaks.intensity, q, intensity))


def moved_lines(
    index: ProfileIndex, matches: Matches, k: int, peaks: PeakList
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return q (1/angstrom) and intensities (maximum 1) of a match where they should be seen, in the measured range."""
    q, intensity = index.lines(int(matches.rows[k]))
    true_q = q / matches.cell_scales[k]
    sine = true_q * peaks.wavelength_angstrom / 2
    reached = sine < 1
    angle = 2 * np.degrees(np.arcsin(sine[reached])) + matches.zero_shifts_deg[k]
    seen = q_of_two_theta(angle, peaks.wavelength_angstrom)
    inside = (seen >= peaks.q_low) & (seen <= peaks.q_high)
    return seen[inside], intensity[reached][inside]


def decompose(index: ProfileIndex, peaks: PeakList, matches: Matches) -> list[Part]:
    """Return the phases that explain the lines together: one, two or three, as they were found.

    Parameters
    ----------
    index
        The profiles.
    peaks
        Measured lines.
    matches
        What `ProfileIndex.search` says of them; its first is the first phase.
    """
    if not len(matches):
        return []
    q, intensity = moved_lines(index, matches, 0, peaks)
    if not len(q):
        return []
    parts = [Part.scaled(0, matches, q, intensity, peaks)]
    score = _score(parts, peaks)
    while len(parts) < N_PHASE:
        left = _left_over(parts, peaks)
        if np.count_nonzero(left) < _LEAST_LINES:
            break
        rest = replace(peaks, intensity=left).take(np.flatnonzero(left > 0))
        further = index.search(rest, n=_N_TRIED)
        trials = [trial for k in range(len(further)) for trial in _trials(index, peaks, left, further, k)]
        if not trials:
            break
        scores = [_score([*parts, trial], peaks) for trial in trials]
        best = int(np.argmax(scores))
        if scores[best] < score + _LEAST_GAIN:
            break
        parts.append(trials[best])
        score = scores[best]
    return parts


def shares(parts: list[Part], peaks: PeakList) -> list[float]:
    """Return the part of the measured intensity that each phase explains; a line of several is split among them."""
    if not parts:
        return []
    expected = np.array([_expected(peaks.q, part.q, part.intensity) for part in parts])
    total = expected.sum(axis=0)
    explained = np.minimum(total * _LEFT_OVER, peaks.intensity) / np.where(total > 0, total, 1.0)
    return [float(value) for value in (expected * explained).sum(axis=1) / peaks.intensity.sum()]


def _trials(index: ProfileIndex, peaks: PeakList, left: NDArray[np.float64], further: Matches, k: int) -> list[Part]:
    q, intensity = moved_lines(index, further, k, peaks)
    amount = _amount(peaks.q, left, q, intensity)
    return [Part(k, further, q, intensity * amount * factor) for factor in _AMOUNTS] if amount > 0 else []


def _left_over(parts: list[Part], peaks: PeakList) -> NDArray[np.float64]:
    """Return the intensity of each measured line that no phase explains, 0 where one does up to texture."""
    expected = sum((_expected(peaks.q, part.q, part.intensity) for part in parts), np.zeros(len(peaks)))
    return np.where(peaks.intensity > _LEFT_OVER * expected, peaks.intensity - expected, 0.0)


def _expected(q: NDArray[np.float64], line_q: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intensity that the lines of a phase have at measured places."""
    spread = np.hypot(LINE_WIDTH, RELATIVE_LINE_WIDTH * q)[:, None]
    near = np.exp(-0.5 * ((line_q[None, :] - q[:, None]) / spread) ** 2)
    return np.asarray(near @ line)


def _amount(
    q: NDArray[np.float64], measured: NDArray[np.float64], line_q: NDArray[np.float64], line: NDArray[np.float64]
) -> float:
    """Return the factor on a phase's intensities: the median of measured over expected, strong lines counting more."""
    expected = _expected(q, line_q, line)
    seen = (expected > 0.03) & (measured > 0)
    if not seen.any():
        return 0.0
    ratio, weight = measured[seen] / expected[seen], expected[seen]
    order = np.argsort(ratio)
    middle = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(ratio[order][min(middle, len(order) - 1)])


def _score(parts: list[Part], peaks: PeakList) -> float:
    """Return the score of the phases' lines together."""
    q, intensity = np.concatenate([part.q for part in parts]), np.concatenate([part.intensity for part in parts])
    order = np.argsort(q)
    return cosine(peaks.q, peaks.intensity, q[order], intensity[order])
