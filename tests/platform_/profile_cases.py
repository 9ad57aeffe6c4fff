"""Crystals and comparisons that the tests of powder profiles share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Lattice, Structure

from matsift.crystal import Crystal


def rock_salt(edge: float = 5.64) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(edge), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def structures() -> dict[str, Structure]:
    """Return one structure of each kind of lattice, two of them disordered."""
    spinel = [Composition({"Mg": 0.7, "Fe": 0.3}), Composition({"Al": 0.9}), Composition("O")]
    return {
        "rock salt": rock_salt(),
        "rutile": Structure.from_spacegroup(
            "P4_2/mnm", Lattice.tetragonal(4.5937, 2.9587), ["Ti", "O"], [[0, 0, 0], [0.3048, 0.3048, 0]]
        ),
        "corundum": Structure.from_spacegroup(
            "R-3c", Lattice.hexagonal(4.7602, 12.9933), ["Al", "O"], [[0, 0, 0.3522], [0.3063, 0, 0.25]]
        ),
        "disordered spinel": Structure.from_spacegroup(
            "Fd-3m", Lattice.cubic(8.083), spinel, [[0.0] * 3, [0.625] * 3, [0.3874] * 3]
        ),
        "monoclinic": Structure.from_spacegroup(
            "C2/m",
            Lattice.monoclinic(4.937, 8.532, 5.03, 109.46),
            ["Li", "Li", "Mn", "O"],
            [[0, 0, 0.5], [0, 0.5, 0], [0, 0.167, 0], [0.254, 0.3205, 0.2335]],
        ),
        "triclinic": Structure(
            Lattice.from_parameters(4.31, 5.27, 6.83, 81.2, 77.7, 96.4),
            ["Pb", "Cs", {"O": 0.6, "F": 0.3}, "H", "U"],
            [[0.11, 0.23, 0.31], [0.57, 0.13, 0.82], [0.91, 0.66, 0.47], [0.3, 0.8, 0.05], [0.72, 0.49, 0.16]],
        ),
    }


def crystal(structure: Structure) -> Crystal:
    return Crystal.from_pymatgen(structure)


def random_crystal(rng: np.random.Generator) -> Crystal:
    """Return a disordered triclinic crystal in a cell of any shape."""
    n = int(rng.integers(2, 9))
    lattice = 4.0 * rng.normal(size=(3, 3)) + 2.0 * np.eye(3)
    species = tuple(str(symbol) for symbol in rng.choice(["H", "O", "Fe", "Pb", "Cs"], n))
    return Crystal(lattice, species, rng.normal(size=(n, 3)), rng.uniform(0.1, 1.0, n), np.arange(n))


def apart(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the largest difference of two profiles; a line may stand on either side of the edge of a bin."""
    left = first.astype(np.float64) - second
    for i in np.flatnonzero(np.abs(left[:-1]) > 1e-9):
        if abs(left[i] + left[i + 1]) < 1e-3 * abs(left[i]):
            left[i + 1] += left[i]
            left[i] = 0.0
    return float(np.abs(left).max())
