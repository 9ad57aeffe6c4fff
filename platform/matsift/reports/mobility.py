"""What a report says of the mobility of an ion: barriers of its paths, and in how many dimensions it gets through."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matsift.reports.notation import number

_DIGITS = 2


@dataclass(frozen=True)
class MobilityAxis:
    """What was asked: the ion as ``Na+``, the barrier in eV up to which a path counts, and where the search ended."""

    ion: str
    level: float
    cutoff: float
    method: str

    @property
    def sentence(self) -> str:
        """What the columns mean."""
        return (
            f"{self.ion} paths: in how many dimensions {self.ion} gets through over barriers of {self.level:g} eV at "
            f"most, and the barrier for that, by bond valence site energies ({self.method})."
        )


@dataclass(frozen=True)
class CandidateMobility:
    """Barriers in eV of paths in 1, 2 and 3 dimensions, infinite where there is none below the cutoff.

    Or none at all, and the `reason` why.
    """

    barriers: tuple[float, float, float] | None
    reason: str = ""

    def dimension(self, level: float) -> int | None:
        """Return in how many dimensions a path lies below a level, None where nothing was computed."""
        return None if self.barriers is None else sum(barrier <= level for barrier in self.barriers)

    def barrier(self, level: float) -> float | None:
        """Return the barrier of the path of most dimensions below a level, or of any, None where there is none."""
        if self.barriers is None:
            return None
        highest = self.barriers[max(sum(barrier <= level for barrier in self.barriers), 1) - 1]
        return highest if math.isfinite(highest) else None

    @property
    def all_barriers(self) -> str:
        """The three barriers in words, or why there are none."""
        if self.barriers is None:
            return self.reason
        return ", ".join(f"{n}D {number(barrier, _DIGITS)}" for n, barrier in enumerate(self.barriers, start=1))


def in_brief(mobility: CandidateMobility | None, axis: MobilityAxis) -> str:
    """Return dimension and barrier in a few characters: ``2D 0.06``, ``none 1.20`` or an en dash for not computed."""
    if mobility is None or mobility.barriers is None:
        return "–"
    dimension, barrier = mobility.dimension(axis.level), mobility.barrier(axis.level)
    named = f"{dimension}D" if dimension else "none"
    return named if barrier is None else f"{named} {number(barrier, _DIGITS)}"
