"""How two space groups are related: as group and subgroup over steps of maximal subgroups, or not at all."""

from __future__ import annotations

from collections import deque
from functools import cache
from itertools import permutations
from typing import Literal

import numpy as np

from matsift.diffraction.positions import operations
from matsift.structure_facts import crystal_system

Relation = Literal["same", "subgroup", "supergroup", "both", "unrelated"]

_RHOMBOHEDRAL = frozenset({146, 148, 155, 160, 161, 166, 167})
_HOLOHEDRAL = {"triclinic": 2, "monoclinic": 10, "orthorhombic": 47, "tetragonal": 123, "cubic": 221}
_LARGEST_INDEX = 6


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


def same_lines(true: int, predicted: int) -> bool:
    """Return whether the lines of a powder pattern cannot tell two space groups apart by their places alone."""
    return line_class(true) == line_class(predicted)


@cache
def line_class(number: int) -> int:
    """Return the lowest space group whose cells show the same lines as those of a space group, 1 to 230.

    Two groups are of one class if they have one Bravais family and the same lines are extinct; a line is what all
    reflections of one d-spacing of the lattice make, and is extinct if all of them are. Axes of orthorhombic cells may
    be exchanged. The classes are coarser than extinction symbols: a powder pattern hides what Pa-3 forbids.
    """
    return _line_classes()[number]


@cache
def _line_classes() -> dict[int, int]:
    lowest: dict[tuple[str, bytes], int] = {}
    return {number: lowest.setdefault(_present_lines(number), number) for number in range(1, 231)}


def _present_lines(number: int) -> tuple[str, bytes]:
    """Return the Bravais family and, over a fixed list of lines, whether each is present; axes in a canonical order."""
    rotations, translations = operations(number)
    family, holohedry = _lattice(number)
    axis = np.arange(-_LARGEST_INDEX, _LARGEST_INDEX + 1)
    hkl = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    extinct = np.zeros(len(hkl), dtype=bool)
    for rotation, translation in zip(rotations, translations, strict=True):
        phase = hkl @ translation
        extinct |= (hkl @ rotation == hkl).all(axis=1) & (np.abs(phase - np.rint(phase)) > 1e-6)
    present = ~extinct.reshape((len(axis),) * 3)
    lines = np.zeros_like(present)
    for rotation in np.unique(operations(holohedry)[0], axis=0):
        images = hkl @ rotation
        inside = (np.abs(images) <= _LARGEST_INDEX).all(axis=1)
        moved = images[inside] + _LARGEST_INDEX
        lines.reshape(-1)[inside] |= present[moved[:, 0], moved[:, 1], moved[:, 2]]
    orders = permutations(range(3)) if family == "orthorhombic" else [(0, 1, 2)]
    return family, min(np.ascontiguousarray(lines.transpose(order)).tobytes() for order in orders)


def _lattice(number: int) -> tuple[str, int]:
    """Return the Bravais family of a space group, and a space group that holds all rotations of its lattices."""
    system = crystal_system(number)
    if system in {"trigonal", "hexagonal"}:
        return ("rhombohedral", 166) if number in _RHOMBOHEDRAL else ("hexagonal", 191)
    return system, _HOLOHEDRAL[system]
