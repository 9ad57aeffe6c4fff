"""Cubic structures without a free coordinate: prototype, elements and lattice constant are the whole crystal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from matsift.crystal import Crystal

_FACES = 0.5 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
_BODY = 0.5 * np.array([[-1.0, 1, 1], [1, -1, 1], [1, 1, -1]])
_CENTRINGS = {"P": np.eye(3), "I": _BODY, "F": _FACES}
_POINTS = {"P": 1, "I": 2, "F": 4}


@dataclass(frozen=True)
class CubicPrototype:
    """Where the atoms of a primitive cell stand, and which of them are of one element.

    Parameters
    ----------
    space_group
        Number of the space group.
    centring
        "P", "I" or "F".
    places
        Place of each atom along the body diagonal of the primitive cell, 0 to 1.
    elements
        For each atom the position of its element in a list of elements.
    """

    space_group: int
    centring: str
    places: tuple[float, ...]
    elements: tuple[int, ...]

    @property
    def n_element(self) -> int:
        """Number of elements."""
        return len(set(self.elements))


CUBIC_PROTOTYPES: Mapping[str, CubicPrototype] = MappingProxyType(
    {
        "fcc": CubicPrototype(225, "F", (0.0,), (0,)),
        "bcc": CubicPrototype(229, "I", (0.0,), (0,)),
        "diamond": CubicPrototype(227, "F", (0.0, 0.25), (0, 0)),
        "rock-salt": CubicPrototype(225, "F", (0.0, 0.5), (0, 1)),
        "zinc-blende": CubicPrototype(216, "F", (0.0, 0.25), (0, 1)),
        "caesium-chloride": CubicPrototype(221, "P", (0.0, 0.5), (0, 1)),
        "fluorite": CubicPrototype(225, "F", (0.0, 0.25, 0.75), (0, 1, 1)),
        "half-heusler": CubicPrototype(216, "F", (0.0, 0.25, 0.5), (0, 1, 2)),
        "heusler": CubicPrototype(225, "F", (0.0, 0.25, 0.5, 0.75), (0, 1, 2, 1)),
        "bismuth-fluoride": CubicPrototype(225, "F", (0.0, 0.25, 0.5, 0.75), (0, 1, 1, 1)),
    }
)


def cubic_crystal(prototype: str, elements: Sequence[str], lattice_constant: float) -> Crystal:
    """Return the primitive cell of a cubic prototype.

    Parameters
    ----------
    prototype
        A name of `CUBIC_PROTOTYPES`.
    elements
        Symbols in the order of the prototype: half-Heuslers have the element with eight neighbours in the middle.
    lattice_constant
        Edge of the cubic cell, angstrom.
    """
    kind = CUBIC_PROTOTYPES[prototype]
    species = [elements[i] for i in kind.elements]
    coords = np.repeat(np.array(kind.places)[:, None], 3, axis=1)
    return Crystal.ordered(lattice_constant * _CENTRINGS[kind.centring], species, coords)


def lattice_constant(prototype: str, volume: float) -> float:
    """Return the edge of the cubic cell (angstrom) of a primitive cell of this volume (cubic angstrom)."""
    return float((volume * _POINTS[CUBIC_PROTOTYPES[prototype].centring]) ** (1 / 3))
