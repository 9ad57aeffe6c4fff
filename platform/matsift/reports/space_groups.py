"""What a report of a space-group study shows, as plain records: a flow fills them from the database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy import bool_, float64, int64
from numpy.typing import NDArray

from matsift.diffraction.group_relations import Relation
from matsift.reports.data import FailureCount, Provenance, QualityRow, SummaryNumber
from matsift.reports.patterns import PatternAnswer

FloatArray = NDArray[float64]
IntArray = NDArray[int64]


@dataclass(frozen=True, eq=False)
class HeldOutGroups:
    """What one ensemble says of the n items of a subset that it has not learned from.

    `true` and `predicted` are space group numbers (n,), `relations` what the predicted one is to the true one,
    `probability` (n,) that of the predicted one, `in_set` (n,) whether the calibrated set holds the true one,
    `set_size` (n,) how many groups it holds. `volume` and `predicted_volume` (n,) are of the primitive cell in cubic
    angstrom, NaN for an ensemble that predicts none.
    """

    model: str
    subset: str
    true: IntArray
    predicted: IntArray
    relations: tuple[Relation, ...]
    probability: FloatArray
    in_set: NDArray[bool_]
    set_size: IntArray
    volume: FloatArray
    predicted_volume: FloatArray

    def __len__(self) -> int:
        return len(self.true)

    @property
    def groups(self) -> tuple[int, ...]:
        """The space groups that occur, true or predicted, in the order of their numbers."""
        return tuple(np.union1d(self.true, self.predicted).tolist())

    @property
    def is_right(self) -> NDArray[bool_]:
        """Whether the likeliest group is the true one (n,)."""
        return np.asarray(self.true == self.predicted)

    @property
    def has_volume(self) -> NDArray[bool_]:
        """Where both volumes are known (n,)."""
        return np.isfinite(self.volume) & np.isfinite(self.predicted_volume)

    @property
    def volume_error(self) -> FloatArray:
        """V'/V - 1 where both volumes are known."""
        known = self.has_volume
        return np.asarray(self.predicted_volume[known] / self.volume[known] - 1.0, dtype=float64)

    def confusion(self) -> IntArray:
        """Return how often each group of `groups` (rows) was taken for each (columns)."""
        groups = np.array(self.groups)
        counts = np.zeros((len(groups), len(groups)), dtype=int64)
        np.add.at(counts, (np.searchsorted(groups, self.true), np.searchsorted(groups, self.predicted)), 1)
        return counts

    def relation_counts(self) -> dict[Relation, int]:
        """Return how often the answer was what to the true group."""
        return dict(Counter(self.relations))


@dataclass(frozen=True)
class GroupScore:
    """A metric of one ensemble on one subset, of 1.

    `ensemble` is that of the mean probabilities, `members` those of each member on its own; the half widths of the
    95 % intervals over the validation sets are None where there is one set only. `nearest` is that of the nearest
    neighbour on the bins of the profile, None where it was not computed.
    """

    model: str
    subset: str
    metric: str
    ensemble: float
    members: tuple[float, ...]
    n_row: int
    ensemble_half_width: float | None = None
    members_half_width: float | None = None
    nearest: float | None = None

    @property
    def members_mean(self) -> float:
        """The mean over the members: what the paper calls specific."""
        return float(np.mean(self.members))


@dataclass(frozen=True)
class GroupCount:
    """How many structures of a group are learned from, calibrate, and are held out."""

    number: int
    n_train: int
    n_calibrate: int
    n_held_out: int


@dataclass(frozen=True, eq=False)
class SpaceGroupReport:
    """All that the page of a space-group study shows, in the order of its sections.

    `coverage` is the share of cases in which the calibrated set is to hold the true group.
    """

    study: str
    title: str
    generated_at: datetime
    provenance: Provenance
    description: str = ""
    paper: str = ""
    coverage: float = 0.9
    summary: tuple[SummaryNumber, ...] = ()
    answers: tuple[PatternAnswer, ...] = ()
    held_out: tuple[HeldOutGroups, ...] = ()
    scores: tuple[GroupScore, ...] = ()
    counts: tuple[GroupCount, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    failures: tuple[FailureCount, ...] = ()
