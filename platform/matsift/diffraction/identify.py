"""What a measured pattern is: its space group, its cell volume and the stored crystals whose profiles fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matsift.diffraction.mixture import Part, decompose, moved_lines, shares
from matsift.diffraction.search import Matches, ProfileIndex
from matsift.diffraction.together import BOTH, SEARCH_ALONE, Evidence, Observation
from matsift.errors import UserInputError
from matsift.mirror_images import one_hand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matsift.diffraction.ensemble import GroupPrediction, SpaceGroupEnsemble
    from matsift.diffraction.peaks import PeakList

#: Matches that speak for space groups; phases of an answer are the first of them.
_N_MATCH = 100

#: Fewer lines than this settle nothing.
_LEAST_LINES = 3


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
        Of network and search together (of the one that there is, when there is only one); what is missing to 1 is for
        groups that are not in the answer.
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
        Whether the set that holds the true group 90 % of the time holds one group only, or one and its mirror image,
        which no powder pattern tells apart.
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


def identify(
    peaks: PeakList,
    index: ProfileIndex | None,
    ensemble: SpaceGroupEnsemble | None,
    *,
    n_phase: int = 20,
    evidence: Evidence | None = None,
) -> Identification:
    """Return what a measured pattern is, by stored profiles, by networks, or by both together.

    Parameters
    ----------
    peaks
        The pattern's lines.
    index
        Stored profiles; None to ask the networks alone.
    ensemble
        Trained networks; None to search alone.
    n_phase
        How many fitting profiles are told.
    evidence
        How network and search count; None for the weights that the project has fitted.

    Raises
    ------
    UserInputError
        If there is neither an index nor an ensemble, or no line is in the range of ideal profiles.
    """
    if ensemble is None and (index is None or not len(index)):
        raise UserInputError("there is nothing to identify a pattern with: neither a stored profile nor a network")
    profile = peaks.to_sparse()
    if not len(profile.bins):
        raise UserInputError(
            "the pattern has no line between 0.1131 and 1.0625 1/angstrom, where profiles are compared"
        )
    matches = index.search(peaks, n=max(n_phase, _N_MATCH)) if index is not None else None
    said = ensemble.predict(profile) if ensemble is not None else None
    groups = _ranked(index, matches, ensemble, said, evidence)
    is_sure, reason = _verdict(groups, len(peaks))
    return Identification(
        peaks,
        groups,
        is_sure,
        reason,
        _volume(said),
        _phases(index, matches, peaks, n_phase) if index is not None and matches is not None else (),
        _mixture(index, matches, peaks) if index is not None and matches is not None else (),
    )


def _ranked(
    index: ProfileIndex | None,
    matches: Matches | None,
    ensemble: SpaceGroupEnsemble | None,
    said: GroupPrediction | None,
    evidence: Evidence | None,
) -> tuple[RankedGroup, ...]:
    """Return the space groups, likeliest first."""
    nothing = np.zeros(0)
    known, scaled, members = nothing.astype(np.int64), nothing, np.zeros((0, 0))
    if ensemble is not None and said is not None:
        known, members = np.array(ensemble.groups, dtype=np.int64), said.members[:, 0]
        raw = said.probabilities
        scaled = (ensemble.certainty.scaled(raw) if ensemble.certainty else raw)[0]
    found, scores = nothing.astype(np.int64), nothing
    if index is not None and matches is not None:
        found, scores = index.space_groups[matches.rows], matches.scores
    if len(scores):
        weights = evidence or (SEARCH_ALONE if ensemble is None else BOTH)
        groups, probabilities = weights.probabilities(Observation(known, scaled, found, scores))
        chosen = weights.in_set(probabilities)
    else:
        order = np.argsort(-scaled, kind="stable")
        groups, probabilities = known[order], scaled[order]
        chosen = np.arange(len(order)) == 0
        if ensemble is not None and said is not None and ensemble.certainty is not None:
            chosen = ensemble.certainty.sets(said.probabilities)[0][order]
    best = {int(group): float(score) for group, score in zip(found[::-1], scores[::-1], strict=True)}
    column = {int(group): k for k, group in enumerate(known)}
    return tuple(
        RankedGroup(
            group,
            rank,
            float(probability),
            float(scaled[column[group]]) if group in column else None,
            tuple(members[:, column[group]].tolist()) if group in column else (),
            best.get(group),
            bool(inside),
        )
        for rank, (group, probability, inside) in enumerate(
            zip(groups.tolist(), probabilities, chosen, strict=True), start=1
        )
    )


def _verdict(groups: tuple[RankedGroup, ...], n_line: int) -> tuple[bool, str]:
    """Return whether the answer is sure, and one sentence why."""
    if not groups:
        return False, "no stored profile with a known space group has a line in common with the pattern"
    if n_line < _LEAST_LINES:
        lines = "line" if n_line == 1 else "lines"
        return False, f"the pattern has {n_line} {lines}, which settles no space group"
    inside = [group for group in groups if group.in_set]
    if len({one_hand(group.space_group_number) for group in inside}) > 1:
        return False, f"the set that holds the true space group 90 % of the time has {len(inside)} groups"
    probability = sum(group.probability for group in inside)
    if probability < 0.5:
        return False, f"the likeliest space group has a probability of only {probability:.2f}"
    if len(inside) > 1:
        return True, "the set that holds the true space group 90 % of the time has one group and its mirror image"
    return True, "the set that holds the true space group 90 % of the time has one group"


def _volume(said: GroupPrediction | None) -> VolumeEstimate | None:
    if said is None or said.volume is None or said.volume_quartiles is None or said.member_volumes is None:
        return None
    low, high = said.volume_quartiles[0]
    return VolumeEstimate(float(said.volume[0]), float(low), float(high), tuple(said.member_volumes[:, 0].tolist()))


def _phases(index: ProfileIndex, matches: Matches, peaks: PeakList, n: int) -> tuple[PhaseMatch, ...]:
    """Return the best matches as phases, each as if it were alone."""
    phases = []
    for k in range(min(n, len(matches))):
        q, intensity = moved_lines(index, matches, k, peaks)
        part = Part.scaled(k, matches, q, intensity, peaks)
        phases.append(_phase(index, part, peaks, k + 1, shares([part], peaks)[0]))
    return tuple(phases)


def _mixture(index: ProfileIndex, matches: Matches, peaks: PeakList) -> tuple[PhaseMatch, ...]:
    """Return the phases that explain the pattern together, the one that explains most of it first."""
    parts = decompose(index, peaks, matches)
    explained = shares(parts, peaks)
    order = sorted(range(len(parts)), key=lambda k: -explained[k])
    return tuple(_phase(index, parts[k], peaks, rank, explained[k]) for rank, k in enumerate(order, start=1))


def _phase(index: ProfileIndex, part: Part, peaks: PeakList, rank: int, share: float) -> PhaseMatch:
    row, matches = int(part.matches.rows[part.match]), part.matches
    group = int(index.space_groups[row])
    q, intensity = moved_lines(index, matches, part.match, peaks)
    return PhaseMatch(
        row,
        int(index.ids[row]),
        group or None,
        rank,
        float(matches.scores[part.match]),
        float(matches.cell_scales[part.match]),
        float(matches.zero_shifts_deg[part.match]),
        share,
        q,
        intensity / intensity.max() if len(intensity) else intensity,
    )
