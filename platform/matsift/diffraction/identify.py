"""What a measured pattern is: its space group, its cell volume and the stored crystals whose profiles fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from matsift.diffraction.measured import PeakList


@dataclass(frozen=True)
class RankedGroup:
    """One space group as an answer.

    Parameters
    ----------
    space_group_number
        1 to 230.
    rank
        1 for the likeliest.
    probability
        Of network and search together (of the one that there is, when there is only one); all of an answer's sum to 1.
    network_probability
        Mean of the members after calibration; None without a network, or when the network has no such class.
    member_probabilities
        (n_member,), one a network of the ensemble; empty without one.
    search_score
        Score of the best matching profile of this group, 0 to 1; None when none was found or there is no index.
    in_set
        Whether the group belongs to the set that holds the true one 90 % of the time.
    """

    space_group_number: int
    rank: int
    probability: float
    network_probability: float | None
    member_probabilities: tuple[float, ...]
    search_score: float | None
    in_set: bool


@dataclass(frozen=True, eq=False)
class PhaseMatch:
    """A stored crystal whose ideal profile fits the pattern.

    Parameters
    ----------
    row
        Of the profile in the index.
    structure_id
        What the index was told to call it: the database's id of the structure.
    space_group_number
        1 to 230; None if the index does not know.
    rank
        1 for the best of its list.
    score
        0 to 1: cosine between the measured and the ideal lines, see `matsift.diffraction.search`.
    cell_scale
        Factor on the stored cell's lengths that fits best.
    zero_shift_deg
        Error of the measured angles, degrees of 2 theta: measured minus true.
    share
        Part of the measured intensity that this phase's lines explain, 0 to 1.
    q, intensity
        (n_line,): the phase's lines where they should be seen in the measured pattern (cell scale and zero shift
        applied), 1/angstrom, and their ideal intensities, maximum 1.
    """

    row: int
    structure_id: int
    space_group_number: int | None
    rank: int
    score: float
    cell_scale: float
    zero_shift_deg: float
    share: float
    q: NDArray[np.float64]
    intensity: NDArray[np.float64]


@dataclass(frozen=True)
class VolumeEstimate:
    """Volume of the primitive cell, angstrom^3.

    Parameters
    ----------
    median
        What the ensemble says.
    lower_quartile, upper_quartile
        Half of the validation crystals lie between them.
    members
        (n_member,), one a network.
    """

    median: float
    lower_quartile: float
    upper_quartile: float
    members: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Identification:
    """All that is known about a measured pattern.

    Parameters
    ----------
    peaks
        The lines found in it.
    groups
        Space groups, likeliest first.
    is_sure
        Whether the set that holds the true group 90 % of the time holds one group only.
    reason
        One sentence: why it is sure or not.
    volume
        Of the primitive cell; None without a network that knows volumes.
    phases
        Stored crystals that fit the whole pattern, best first.
    mixture
        One phase, or two or three that explain the pattern together, strongest first; empty if no profile fits.
    """

    peaks: PeakList
    groups: tuple[RankedGroup, ...]
    is_sure: bool
    reason: str
    volume: VolumeEstimate | None
    phases: tuple[PhaseMatch, ...]
    mixture: tuple[PhaseMatch, ...]

    @property
    def likely_set(self) -> tuple[int, ...]:
        """The space groups that hold the true one 90 % of the time, likeliest first."""
        return tuple(group.space_group_number for group in self.groups if group.in_set)
