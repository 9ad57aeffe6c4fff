"""Numbers that tell learners of tables what a density is like: the columns of the descriptor set `density`.

Three groups, all of the promolecule: the field on a grid of the conventional cell, the points of lowest density on
bonds, and the density that its neighbours make at each atom.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.density.bond_statistics import BOND_COLUMNS, OVER, bond_statistics
from matsift.density.conventional import standardise
from matsift.density.critical_points import bond_points, host_densities, surroundings
from matsift.density.field_statistics import GRID_COLUMNS, grid_statistics
from matsift.density.promolecule import promolecule

#: Largest distance of points, angstrom; the number of points an axis is a multiple of `COMMON`, so that the special
#: positions of symmetric cells are points.
SPACING_ANGSTROM = 0.25
COMMON = 12
LARGEST_AXIS = 120

#: Displacement factor of the grid's density, angstrom2: u = 0.23 angstrom, so that derivatives on it are sound.
STATISTICS_B_ANGSTROM2 = 4.0

HOST_COLUMNS = tuple(f"host_rho_{how}_per_angstrom3" for how in OVER)

COLUMNS = (*GRID_COLUMNS, *BOND_COLUMNS, *HOST_COLUMNS)


def density_statistics(crystal: Crystal) -> NDArray[np.float64]:
    """Return (n_column,) the `COLUMNS` of the promolecule of an ordered crystal.

    Raises
    ------
    BadStructureError
        If the crystal is disordered, has no space group, an element past Cf, or an atom without a neighbour.
    """
    found = standardise(crystal)
    cell = found.crystal
    field = promolecule(cell, statistics_shape(cell.lattice), b_iso=STATISTICS_B_ANGSTROM2)
    atoms, copies = np.unique(found.equivalent_atoms, return_counts=True)
    around = surroundings(crystal, atoms)
    bonds, hosts = bond_points(around, copies), host_densities(around)
    return np.concatenate(
        [
            grid_statistics(field, cell.frac_coords),
            bond_statistics(bonds, len(crystal.species), crystal.volume),
            [np.average(hosts, weights=copies), hosts.min(), hosts.max()],
        ]
    )


def statistics_shape(lattice: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return the points along each axis of the grid of a cell: multiples of 12, at most `LARGEST_AXIS`."""
    n_a, n_b, n_c = np.ceil(np.linalg.norm(lattice, axis=1) / SPACING_ANGSTROM / COMMON).astype(int) * COMMON
    return min(int(n_a), LARGEST_AXIS), min(int(n_b), LARGEST_AXIS), min(int(n_c), LARGEST_AXIS)
