"""Small crystals: every call with another number is another structure."""

from __future__ import annotations

import numpy as np

from matsift.crystal import Crystal


def rock_salt(cation: str = "Na", anion: str = "Cl", edge_angstrom: float = 5.64) -> Crystal:
    """Return the primitive cell of a rock salt."""
    lattice = edge_angstrom / 2 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return Crystal.ordered(lattice, [cation, anion], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def many(n: int, cation: str = "Na", anion: str = "Cl") -> list[Crystal]:
    """Return n rock salts that differ in size."""
    return [rock_salt(cation, anion, 5.0 + 0.01 * i) for i in range(n)]


def shared_site() -> Crystal:
    """Return a disordered crystal: Na and K share a site, half each; Cl stands on the other."""
    return Crystal(
        3.0 * np.eye(3),
        ("K", "Na", "Cl"),
        np.array([[0.0, 0, 0], [0.0, 0, 0], [0.5, 0.5, 0.5]]),
        np.array([0.5, 0.5, 1.0]),
        np.array([0, 0, 1]),
    )
