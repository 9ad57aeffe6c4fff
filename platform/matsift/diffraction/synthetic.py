"""Random crystals of a given space group, to train on where few real ones are known (as in Schopmans et al. 2023)."""

from __future__ import annotations

from numpy.random import Generator

from matsift.crystal import Crystal


def synthetic_crystals(space_group: int, n: int, rng: Generator) -> list[Crystal]:
    """Return n ordered crystals of a space group, 1 to 230: atoms on random positions at likely distances."""
    raise NotImplementedError
