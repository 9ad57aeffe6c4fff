"""Ideal profiles as the processing of a measured pattern would leave them, for training: seconds for 10,000."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from matsift.diffraction.sparse import SparseProfiles


@dataclass(frozen=True)
class MeasuredLike:
    """What happens to the lines of a profile between crystal and peak list; each profile draws its own share.

    Calling it with a batch and a generator returns a new batch of as many rows.
    """

    jitter: float = 0.35
    resolution_bins: tuple[float, float] = (2.0, 14.0)
    weakest: tuple[float, float] = (1e-3, 3e-2)
    q_end: tuple[float, float] = (0.6, 1.0625)
    q_start: tuple[float, float] = (0.1131, 0.17)
    cell_scale_sigma: float = 0.002
    zero_shift_sigma_deg: float = 0.03
    extra_lines: float = 0.5
    share: float = 1.0

    def __call__(self, batch: SparseProfiles, rng: Generator) -> SparseProfiles:
        """Return the batch as measured."""
        raise NotImplementedError
