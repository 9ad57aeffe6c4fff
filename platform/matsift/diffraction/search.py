"""Which stored profiles fit a measured list of lines: a search over 100,000 structures in a fraction of a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from matsift.diffraction.measured import PeakList
    from matsift.diffraction.sparse import SparseProfiles


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


@dataclass(frozen=True, eq=False)
class ProfileIndex:
    """Stored ideal profiles, arranged for a search by their lines.

    Parameters
    ----------
    ids
        (n,), what the caller calls the structures (the database's ids).
    space_groups
        (n,), 1 to 230, 0 where unknown.
    """

    ids: NDArray[np.int64]
    space_groups: NDArray[np.int64]

    @classmethod
    def build(
        cls, profiles: SparseProfiles, ids: NDArray[np.int64], space_groups: NDArray[np.int64] | None = None
    ) -> ProfileIndex:
        """Return the index of some profiles, in the order in which they come."""
        raise NotImplementedError

    def search(self, peaks: PeakList, *, n: int = 20) -> Matches:
        """Return the `n` profiles that fit the lines best, fewer if the index holds fewer."""
        raise NotImplementedError
