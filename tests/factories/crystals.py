"""Small crystals: every call with another number is another structure."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

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


@st.composite
def crystals(draw: st.DrawFn) -> Crystal:
    """Return a triclinic crystal of 1 to 5 atoms none of which are closer than 1 angstrom."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 5))
    lattice = 3.5 * np.eye(3) + rng.uniform(-1.2, 1.2, (3, 3))
    coords = rng.uniform(0, 1, (n, 3))
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3)
    apart = np.linalg.norm((coords[:, None, None] - coords[None, :, None] + shifts) @ lattice, axis=-1)
    assume(np.abs(np.linalg.det(lattice)) > 15)
    assume(apart[apart > 1e-9].min() > 1.0)
    return Crystal.ordered(lattice, rng.choice(["Na", "Cl", "O", "Ti"], n).tolist(), coords)
