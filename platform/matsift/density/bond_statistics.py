"""Numbers of the points of lowest density on the bonds of a crystal, over its bonds.

Kinetic energy after Abramov 1997, total energy by the local virial theorem: H = laplacian / 4 - G.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.density.critical_points import BondPoints
from matsift.density.elf import BOHR_ANGSTROM, HARTREE_EV, kinetic_energy_from_density, localisation

OVER = ("mean", "min", "max")
_BOND_VALUES = (
    "length_angstrom",
    "asymmetry",
    "rho_per_angstrom3",
    "curvature_along",
    "curvature_across",
    "laplacian",
    "dilation",
    "kinetic_ev_per_angstrom3",
    "energy_ev_per_angstrom3",
    "localisation",
)

BOND_COLUMNS = (
    *(f"bond_point_{what}_{how}" for what in _BOND_VALUES for how in OVER),
    "bond_points_per_atom",
    "bond_points_per_angstrom3",
    "bond_rho_sum_per_angstrom3",
    "bond_spring_sum_per_angstrom3",
)


def bond_statistics(bonds: BondPoints, n_atom: int, volume: float) -> NDArray[np.float64]:
    """Return (n,) the `BOND_COLUMNS` of the points on bonds of a cell."""
    rho, laplacian = bonds.density * BOHR_ANGSTROM**3, bonds.laplacian * BOHR_ANGSTROM**5
    kinetic = kinetic_energy_from_density(rho, 0.0, laplacian)
    energy = laplacian / 4.0 - kinetic  # H = G + V with V = laplacian / 4 - 2 G
    to_ev = HARTREE_EV / BOHR_ANGSTROM**3
    columns = [
        bonds.length,
        np.abs(2.0 * bonds.position - 1.0),
        bonds.density,
        bonds.along,
        bonds.across,
        bonds.laplacian,
        bonds.dilation,
        kinetic * to_ev,
        energy * to_ev,
        localisation(rho, 0.0, kinetic),
    ]
    each = [value for x in columns for value in (np.average(x, weights=bonds.weight), x.min(), x.max())]
    n_bond = bonds.weight.sum() / 2.0
    return np.array(
        [
            *each,
            2.0 * n_bond / n_atom,
            n_bond / volume,
            (bonds.weight * bonds.density).sum() / 2.0 / volume,
            (bonds.weight * bonds.along * bonds.length**2).sum() / 2.0 / volume,
        ]
    )
