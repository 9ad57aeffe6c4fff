"""What is told of one identified powder pattern, as plain records: a flow fills them, this room writes and draws them.

Angles are 2theta in degrees at the wavelength of the pattern. Intensities of a pattern are counts as measured, those of
peaks and sticks are relative to a maximum of 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache

import gemmi
from numpy import float64
from numpy.typing import NDArray

FloatArray = NDArray[float64]

_SCREW = re.compile(r"([2346])([12345])(?!\d)")


@dataclass(frozen=True, eq=False)
class MeasuredLines:
    """A pattern and the lines found in it.

    `two_theta_deg`, `intensity`, `background` are (n,), the last may be empty where none was fitted; `line_deg` and
    `line_intensity` are (k,). `wavelength_name` is what the user called it, ``CuKa``.
    """

    two_theta_deg: FloatArray
    intensity: FloatArray
    background: FloatArray
    line_deg: FloatArray
    line_intensity: FloatArray
    wavelength_angstrom: float
    wavelength_name: str = ""


@dataclass(frozen=True)
class RankedGroup:
    """A space group with its probability.

    `members` are the probabilities that each network of the ensemble gives it, empty without a network; `in_set` says
    whether it belongs to the set that holds the true group in the promised share of cases. `network` is the mean of
    the members as calibrated, `search` the best score of a stored structure of this group, None where neither spoke.
    """

    number: int
    probability: float
    members: tuple[float, ...] = ()
    in_set: bool = False
    network: float | None = None
    search: float | None = None

    @property
    def symbol(self) -> str:
        """The Hermann-Mauguin symbol, screw axes written ``P6_3/mmc``."""
        return space_group_symbol(self.number)


@dataclass(frozen=True)
class CellVolume:
    """Volume of the primitive cell in cubic angstrom: the median of what the members say, widened to quartiles.

    Half of the held-out crystals had their true volume between `lower` and `upper`.
    """

    median: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class MatchedPhase:
    """A stored structure whose lines fit; `stick_deg` and `stick_intensity` are its ideal lines where it lies.

    `score` is 0 to 1. `cell_scale` is by how much its cell was stretched, `zero_shift_deg` by how much the angles
    were moved. `subtracted` counts the phases whose lines were taken away before it was found.
    """

    structure_hash: str
    formula: str
    space_group_number: int | None
    score: float
    cell_scale: float
    zero_shift_deg: float
    stick_deg: FloatArray
    stick_intensity: FloatArray
    subtracted: int = 0
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PatternAnswer:
    """One pattern with all that is said of it.

    `coverage` is the share of cases in which the set of groups holds the true one; `is_sure` is the answer of the
    calibrated rule, `verdict` its sentence. `notes` are sentences on how the file was read. `made_from` says of a
    demonstration pattern what it was made from, `true_group` its space group.
    """

    name: str
    lines: MeasuredLines
    groups: tuple[RankedGroup, ...]
    phases: tuple[MatchedPhase, ...]
    is_sure: bool
    verdict: str
    coverage: float = 0.9
    volume: CellVolume | None = None
    study: str = ""
    n_searched: int = 0
    notes: tuple[str, ...] = field(default=())
    made_from: str = ""
    true_group: int | None = None

    @property
    def answer_set(self) -> tuple[RankedGroup, ...]:
        """The groups of the set, the likeliest first."""
        return tuple(group for group in self.groups if group.in_set)


@cache
def space_group_symbol(number: int) -> str:
    """Return the Hermann-Mauguin symbol of a space group in its standard setting: ``C2/c``, ``P6_3/mmc``."""
    group = gemmi.find_spacegroup_by_number(number)
    parts = [_SCREW.sub(r"\1_\2", part) for part in group.hm.split()]
    if group.crystal_system_str() == "monoclinic":
        parts = [part for part in parts if part != "1"]
    return "".join(parts)
