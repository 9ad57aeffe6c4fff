"""The lines of a measured powder pattern: where they stand in 1/d, how strong they are, how wide they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.grid import bin_of
from matsift.diffraction.sparse import SparseProfiles


@dataclass(frozen=True, eq=False)
class PeakList:
    """n lines found in one measured pattern, K-alpha2 taken away, in ascending 1/d.

    Parameters
    ----------
    q
        (n,), 1/d in 1/angstrom.
    intensity
        (n,), area of the line without background, divided by its Lorentz-polarisation factor; the strongest is 1.
    two_theta_deg
        (n,), where the line stands in the pattern, in degrees of the K-alpha1 (or only) wavelength.
    fwhm_deg
        (n,), full width at half maximum as measured, degrees.
    wavelength_angstrom
        Wavelength that turned the angles into 1/d.
    q_low, q_high
        Measured range of 1/d: a line outside it could not have been seen.
    """

    q: NDArray[np.float64]
    intensity: NDArray[np.float64]
    two_theta_deg: NDArray[np.float64]
    fwhm_deg: NDArray[np.float64]
    wavelength_angstrom: float
    q_low: float
    q_high: float

    def __len__(self) -> int:
        return len(self.q)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> PeakList:
        """Return some of the lines, by number or by mask, the strongest of them at 1 again."""
        intensity = self.intensity[rows]
        if len(intensity):
            intensity = intensity / intensity.max()
        return PeakList(
            self.q[rows],
            intensity,
            self.two_theta_deg[rows],
            self.fwhm_deg[rows],
            self.wavelength_angstrom,
            self.q_low,
            self.q_high,
        )

    def to_sparse(self) -> SparseProfiles:
        """Return the lines as one row on the grid of ideal profiles; lines of one bin add up, the strongest bin is 1.

        Lines outside the grid's range are left out; the row is empty where none is inside.
        """
        bins = np.asarray(bin_of(self.q), dtype=np.int64)
        inside = bins >= 0
        occupied, place = np.unique(bins[inside], return_inverse=True)
        sums = np.bincount(place, weights=self.intensity[inside], minlength=len(occupied))
        if len(sums):
            sums = sums / sums.max()
        return SparseProfiles.from_lists([occupied.astype(np.int16)], [sums.astype(np.float32)])
