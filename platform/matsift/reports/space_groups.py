"""What a report of a space-group study shows, as plain records: a flow fills them from the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy import bool_, float64, int64
from numpy.typing import NDArray

from matsift.reports.data import FailureCount, Provenance, QualityRow, SummaryNumber
from matsift.reports.patterns import PatternAnswer

FloatArray = NDArray[float64]
IntArray = NDArray[int64]
Relation = Literal["same", "subgroup", "supergroup", "unrelated"]


@dataclass(frozen=True, eq=False)
class HeldOutGroups:
    """What one ensemble says of the n items of a subset that it has not learned from.

    `true` and `predicted` are space group numbers (n,), `probability` that of the predicted one, `rank` the place of
    the true one (1 is first), `in_set` whether the calibrated set holds the true one. `volume` and
    `predicted_volume` are of the primitive cell in cubic angstrom, NaN for an ensemble that predicts none.
    """

    model: str
    subset: str
    true: IntArray
    predicted: IntArray
    probability: FloatArray
    rank: IntArray
    in_set: NDArray[bool_]
    volume: FloatArray
    predicted_volume: FloatArray

    def __len__(self) -> int:
        return len(self.true)

    @property
    def volume_error(self) -> FloatArray:
        """V'/V - 1 where a volume is predicted."""
        known = np.isfinite(self.predicted_volume) & np.isfinite(self.volume)
        return np.asarray(self.predicted_volume[known] / self.volume[known] - 1.0, dtype=float64)


@dataclass(frozen=True)
class GroupScore:
    """A metric of one ensemble on one subset, of 1.

    `members` are those of each member on its own, `ensemble` that of the mean probabilities; `half_width` of the
    95 % interval over the validation sets is None where there is one set only.
    """

    model: str
    subset: str
    metric: str
    ensemble: float
    members: tuple[float, ...]
    half_width: float | None
    members_half_width: float | None
    n_row: int


@dataclass(frozen=True, eq=False)
class GroupCount:
    """How many structures of a group there are, and how many of them are learned from and held out."""

    number: int
    n_train: int
    n_held_out: int


@dataclass(frozen=True, eq=False)
class SpaceGroupReport:
    """All that the page of a space-group study shows, in the order of its sections.

    `relations` are (true, predicted) -> how the predicted group stands to the true one, for every pair that occurs.
    """

    study: str
    title: str
    generated_at: datetime
    provenance: Provenance
    description: str = ""
    paper: str = ""
    coverage: float = 0.9
    summary: tuple[SummaryNumber, ...] = ()
    counts: tuple[GroupCount, ...] = ()
    held_out: tuple[HeldOutGroups, ...] = ()
    scores: tuple[GroupScore, ...] = ()
    relations: tuple[tuple[int, int, Relation], ...] = ()
    answers: tuple[PatternAnswer, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    failures: tuple[FailureCount, ...] = ()
