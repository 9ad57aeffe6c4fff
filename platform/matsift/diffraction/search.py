"""Which stored profiles fit a measured list of lines: a search over 100,000 structures in a fraction of a second.

The score is the cosine between two lists of lines, 0 to 1. A line is a Gaussian along q = 1/d with the root of its
intensity as height: so texture, which multiplies intensities by a few, and lines too weak to be found cost little.
The Gaussian is as wide as a line may be displaced; 1 means the same lines at the same places with the same relative
intensities, 0 that no line has a partner. Lines outside the measured range count on neither side.

The search has two steps. All profiles are shifted along log q (which is what a change of the cell's size does) over
the measured lines, and the cosine at the best shift is kept. The best ones are then rescored: finer scales, and an
error of the zero point of 2 theta, which moves lines at low angles relatively more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matsift.diffraction.grid import Q_HIGH, Q_LOW, q_of, q_of_two_theta
from matsift.diffraction.search_kernel import best_fits, merged_lines, overlap, scan
from matsift.errors import UserInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matsift.diffraction.peaks import PeakList
    from matsift.diffraction.sparse import SparseProfiles

#: Lines nearer to one another than this (1/angstrom; 0.1 degrees of 2 theta of Cu K-alpha) are one line.
RESOLUTION = 0.0010

#: A profile is searched by its strongest lines: at most so many, and none below this part of the strongest.
N_LINE, FAINTEST = 64, 0.005

#: Exponent of the intensity in the weight of a line.
_POWER = 0.5

#: Displacement of a line that is tolerated in the score: 1/angstrom, and as a part of q (a cell of other proportions).
LINE_WIDTH, RELATIVE_LINE_WIDTH = 0.0005, 0.0025

#: The same in the scan, whose bins are coarse and which knows no zero shift.
_SCAN_WIDTH, _SCAN_RELATIVE_WIDTH = 0.0006, 0.0020

#: Bin along ln q, and the largest change of the cell's lengths that is looked for.
_STEP, LARGEST_STRAIN = 0.001, 0.03

#: Standard deviation of ln(cell scale): between two profiles that fit alike the nearer cell is better.
_STRAIN_SPREAD = 0.04

#: Zero shifts that are tried, degrees of 2 theta.
ZERO_SHIFTS_DEG = np.linspace(-0.15, 0.15, 13)

_FINE_STEPS = np.linspace(-0.002, 0.002, 9)
_N_RESCORED, _N_FINE = 800, 200


@dataclass(frozen=True, eq=False)
class Matches:
    """Stored profiles that fit, best first.

    Parameters
    ----------
    rows
        (n,), rows of the index.
    scores
        (n,), 0 to 1.
    cell_scales
        (n,), factor on the stored cell's lengths that fits best.
    zero_shifts_deg
        (n,), measured minus true angle, degrees of 2 theta.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    cell_scales: NDArray[np.float64]
    zero_shifts_deg: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class ProfileIndex:
    """Stored ideal profiles, arranged for a search by their lines.

    Parameters
    ----------
    ids
        (n,), what the caller calls the structures (the database's ids).
    space_groups
        (n,), 1 to 230, 0 where unknown.
    offsets
        (n + 1,), where the lines of a profile begin and end in the flat arrays.
    q
        (n_line,), 1/angstrom, ascending in a profile; lines that a diffractometer cannot resolve are one.
    intensity
        (n_line,), the strongest of a profile is 1.
    """

    ids: NDArray[np.int64]
    space_groups: NDArray[np.int64]
    offsets: NDArray[np.int64]
    q: NDArray[np.float64]
    intensity: NDArray[np.float64]
    _weight: NDArray[np.float64]
    _place: NDArray[np.int32]
    _scan_weight: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def build(
        cls, profiles: SparseProfiles, ids: NDArray[np.int64], space_groups: NDArray[np.int64] | None = None
    ) -> ProfileIndex:
        """Return the index of some profiles, in the order in which they come.

        Raises
        ------
        UserInputError
            If there is not one id (and space group) a profile.
        """
        groups = np.zeros(len(ids), dtype=np.int64) if space_groups is None else np.asarray(space_groups, np.int64)
        if not len(ids) == len(groups) == len(profiles):
            raise UserInputError(
                f"{len(profiles)} profiles need as many ids and space groups, not {len(ids)} and {len(groups)}"
            )
        offsets, q, intensity = merged_lines(
            profiles.offsets, q_of(profiles.bins), profiles.intensities.astype(np.float64), RESOLUTION, FAINTEST, N_LINE
        )
        weight = intensity**_POWER
        return cls(
            np.asarray(ids, np.int64), groups, offsets, q, intensity, weight, _place_of(q), weight.astype(np.float32)
        )

    def lines(self, row: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return q (1/angstrom) and intensities (maximum 1) of a profile's lines."""
        part = slice(self.offsets[row], self.offsets[row + 1])
        return self.q[part], self.intensity[part]

    def search(self, peaks: PeakList, *, n: int = 20) -> Matches:
        """Return the `n` profiles that fit the lines best, fewer if no more have a line in common with them.

        Parameters
        ----------
        peaks
            Measured lines; those outside the range of ideal profiles do not count.
        n
            How many.
        """
        inside = (peaks.q >= Q_LOW) & (peaks.q <= Q_HIGH) & (peaks.intensity > 0)
        if not inside.any() or not len(self):
            return _no_matches()
        seen = peaks.take(np.flatnonzero(inside))
        low, high = max(peaks.q_low, Q_LOW), min(peaks.q_high, Q_HIGH)
        candidates, shifts = self._scan(seen.q, seen.intensity**_POWER, low, high, max(n, _N_RESCORED))
        rough, _, _ = self._fits(seen, candidates, shifts, low, high, fine=False)
        best = np.argsort(-rough, kind="stable")[: max(n, _N_FINE)]
        candidates, shifts = candidates[best], shifts[best]
        scores, zeros, steps = self._fits(seen, candidates, shifts, low, high, fine=True)
        log_scales = -(shifts * _STEP + _FINE_STEPS[steps])
        values = scores * np.exp(-0.5 * (log_scales / _STRAIN_SPREAD) ** 2)
        order = np.lexsort((candidates, -values))[:n]
        order = order[scores[order] > 0]
        return Matches(candidates[order], values[order], np.exp(log_scales[order]), ZERO_SHIFTS_DEG[zeros[order]])

    def _fits(
        self,
        seen: PeakList,
        candidates: NDArray[np.int64],
        shifts: NDArray[np.int64],
        low: float,
        high: float,
        *,
        fine: bool,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the best score of each candidate about its shift, and the numbers of its zero shift and fine step."""
        zeros, steps = (ZERO_SHIFTS_DEG, _FINE_STEPS) if fine else (ZERO_SHIFTS_DEG[::3], _FINE_STEPS[1:-1:3])
        moved = q_of_two_theta(seen.two_theta_deg[None, :] - zeros[:, None], seen.wavelength_angstrom)
        return best_fits(
            candidates,
            np.asarray(shifts * _STEP, dtype=np.float64),
            self.offsets,
            self.q,
            self._weight,
            np.ascontiguousarray(moved),
            seen.intensity**_POWER,
            low,
            high,
            steps,
            LINE_WIDTH,
            RELATIVE_LINE_WIDTH,
        )

    def _scan(
        self, q: NDArray[np.float64], weight: NDArray[np.float64], low: float, high: float, n: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of the `n` best profiles at the coarse resolution, and their shifts in bins of ln q."""
        n_shift = round(LARGEST_STRAIN / _STEP)
        n_place = _n_place()
        centre = Q_LOW * np.exp((np.arange(-n_shift, n_place + n_shift) + 0.5) * _STEP)
        spread = np.hypot(_SCAN_WIDTH, _SCAN_RELATIVE_WIDTH * q)
        away = (centre[:, None] - q[None, :]) / spread[None, :]
        measured = np.exp(-0.5 * away**2) @ weight / np.sqrt((weight**2).sum())
        visible = (centre >= low) & (centre <= high)
        scores, shifts = scan(
            self.offsets,
            self._place,
            self._scan_weight,
            measured.astype(np.float32),
            visible.astype(np.float32),
            n_shift,
        )
        chosen = np.argpartition(-scores, min(n, len(scores)) - 1)[:n]
        chosen = chosen[scores[chosen] > 0]
        return chosen.astype(np.int64), shifts[chosen].astype(np.int64)


def cosine(
    first_q: NDArray[np.float64],
    first_intensity: NDArray[np.float64],
    second_q: NDArray[np.float64],
    second_intensity: NDArray[np.float64],
) -> float:
    """Return the score, 0 to 1, of two lists of lines as they stand; q (1/angstrom) ascending."""
    first = np.ascontiguousarray(first_q), first_intensity**_POWER
    second = np.ascontiguousarray(second_q), second_intensity**_POWER
    widths = LINE_WIDTH, RELATIVE_LINE_WIDTH
    norm = overlap(*first, *first, *widths) * overlap(*second, *second, *widths)
    return min(overlap(*first, *second, *widths) / float(np.sqrt(norm)), 1.0) if norm > 0 else 0.0


def _n_place() -> int:
    return int(np.ceil(np.log(Q_HIGH / Q_LOW) / _STEP)) + 1


def _place_of(q: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.floor(np.log(q / Q_LOW) / _STEP).astype(np.int32)


def _no_matches() -> Matches:
    nothing = np.zeros(0)
    return Matches(nothing.astype(np.int64), nothing, nothing, nothing)
