"""How two space groups are related: as group and subgroup over steps of maximal subgroups, or not at all."""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Literal

from matsift.structure_facts import crystal_system

Relation = Literal["same", "subgroup", "supergroup", "both", "unrelated"]


@cache
def maximal_subgroups(number: int) -> frozenset[int]:
    """Return the types of the maximal subgroups of a space group, 1 to 230, its own type (a larger cell) left out.

    Translationengleiche and klassengleiche ones together, as pymatgen's tables hold them (International Tables A1).
    """
    from pymatgen.symmetry.groups import SYMM_DATA  # noqa: PLC0415  slow to import

    return frozenset(int(n) for n in SYMM_DATA["maximal_subgroups"][str(number)]) - {number}


@cache
def steps_down(number: int) -> dict[int, int]:
    """Return each space group that can be reached as a subgroup -> the least number of maximal steps to it."""
    steps = {number: 0}
    waiting = deque([number])
    while waiting:
        group = waiting.popleft()
        for subgroup in sorted(maximal_subgroups(group)):
            if subgroup not in steps:
                steps[subgroup] = steps[group] + 1
                waiting.append(subgroup)
    return steps


def relation(true: int, predicted: int, *, max_steps: int | None = 2) -> Relation:
    """Return what the predicted space group is to the true one.

    ``subgroup``: the answer has lost symmetry; ``supergroup``: it has too much, as for a small distortion whose lines
    were not seen; ``both``: either type has subgroups of the other, in larger cells (221 and 225).

    Parameters
    ----------
    true, predicted
        1 to 230.
    max_steps
        Maximal steps that may lie between them; None for any number, which relates most centred groups to most others.
    """
    if true == predicted:
        return "same"
    far = 230 if max_steps is None else max_steps
    is_sub = steps_down(true).get(predicted, 231) <= far
    is_super = steps_down(predicted).get(true, 231) <= far
    if is_sub and is_super:
        return "both"
    return "subgroup" if is_sub else "supergroup" if is_super else "unrelated"


def same_crystal_system(true: int, predicted: int) -> bool:
    """Return whether two space groups belong to one crystal system."""
    return crystal_system(true) == crystal_system(predicted)
