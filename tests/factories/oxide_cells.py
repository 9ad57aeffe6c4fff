"""Oxides of textbook structure for tests: rock salt, perovskite, spinel, and one of no symmetry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal

_FACES = np.array([(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])
_HALF = np.array([0.5, 0, 0])


def rock_salt(cation: str, a: float) -> Crystal:
    """Return the conventional cell of a monoxide."""
    return Crystal.ordered(np.eye(3) * a, [cation] * 4 + ["O"] * 4, np.vstack([_FACES, _FACES + _HALF]))


def primitive_rock_salt(cation: str, a: float) -> Crystal:
    """Return the primitive cell of a monoxide."""
    return Crystal.ordered(_FACES[1:] * a, [cation, "O"], np.array([(0, 0, 0), (0.5, 0.5, 0.5)]))


def perovskite(a_cation: str, b_cation: str, a: float) -> Crystal:
    """Return a cubic perovskite."""
    coords = np.array([(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)])
    return Crystal.ordered(np.eye(3) * a, [a_cation, b_cation, "O", "O", "O"], coords)


def spinel(a_cation: str, b_cation: str, a: float, u: float) -> Crystal:
    """Return the conventional cell of a normal spinel, origin choice 2."""
    from pymatgen.core import Lattice, Structure

    sites = np.array([(0.125,) * 3, (0.5,) * 3, (u,) * 3])
    return Crystal.from_pymatgen(
        Structure.from_spacegroup("Fd-3m:2", Lattice.cubic(a), [a_cation, b_cation, "O"], sites)  # type: ignore[arg-type]
    )


def crooked_perovskite(seed: int = 0) -> Crystal:
    """Return CaTiO3 in a triclinic double cell with every atom off its site."""
    rng = np.random.default_rng(seed)
    one = perovskite("Ca", "Ti", 3.84)
    lattice = np.diag([2.0, 1.0, 1.0]) @ one.lattice @ (np.eye(3) + rng.normal(scale=0.03, size=(3, 3)))
    first = one.frac_coords / [2, 1, 1]
    coords = np.vstack([first, np.add(first, _HALF)])
    return Crystal.ordered(lattice, list(one.species) * 2, coords + rng.normal(scale=0.02, size=coords.shape))


def supercell(crystal: Crystal, transformation: NDArray[np.int64]) -> Crystal:
    """Return an ordered crystal in the cell `transformation @ lattice`; any integer matrix of positive determinant."""
    structure = crystal.to_pymatgen()
    structure.make_supercell(transformation)
    return Crystal.from_pymatgen(structure)
