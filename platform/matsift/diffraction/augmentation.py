"""More to train on than there is: crystals made from crystals, and profiles as a measurement would leave them.

For training sets alone; nothing of this is ever validated against.
"""

from __future__ import annotations

from numpy.random import Generator

from matsift.crystal import Crystal


def scaled_by_volume(crystal: Crystal, rng: Generator, sigma: float = 0.1) -> Crystal:
    """Return an isotypic crystal whose volume is exp(N(0, sigma)) times that of the crystal."""
    raise NotImplementedError


def with_swapped_elements(crystal: Crystal, rng: Generator) -> Crystal:
    """Return an isotypic crystal, some elements of which are others of their group of the periodic table.

    Distinct elements stay distinct; the cell is scaled by the change of the atomic radii.
    """
    raise NotImplementedError
