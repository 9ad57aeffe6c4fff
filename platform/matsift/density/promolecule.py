"""Promolecules: the density of neutral atoms that stand where a crystal has them, superposed.

An atom's density is the inverse Fourier transform of its nine-parameter X-ray form factor
f = sum_i a_i exp(-b_i s^2) + c, smeared by a displacement factor exp(-B s^2): five Gaussians,
rho(r) = sum_i a_i (4 pi / (b_i + B))^(3/2) exp(-4 pi^2 r^2 / (b_i + B)). The constant c is a delta function at the
nucleus, which no grid can hold; with B it is a Gaussian as the others. Three choices make that a density of electrons:

* c is replaced by Z - sum a_i, so that an atom has its Z electrons exactly (the table's sums miss by up to 0.1);
* B is `SMEARING_B_ANGSTROM2`, which blurs the core over 0.11 angstrom and leaves the valence as it is;
* on a grid too coarse for that width B grows until the Gaussian of c is `RESOLVED` spacings wide, so that the points
  still sum to the electrons to 1e-4.

Sums run over all periodic images. A rectangular cell is done by separation: a Gaussian in three dimensions is a
product of three periodic ones, and all of them are one matrix product (`separable`). In any other cell wide Gaussians
are summed in reciprocal space, where they end early, and narrow ones around their atoms (`oblique`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.density.gaussian_sums import Gaussians, oblique, separable
from matsift.density.grid import NETWORK_SHAPE, DensityGrid
from matsift.diffraction.form_factors import LAST_NUMBER, coefficients
from matsift.errors import BadStructureError

#: How rows of fields name these densities; changes whenever a number of them would.
PROMOLECULE_METHOD = "promolecule-it92"

#: Displacement factor B = 8 pi^2 u^2 that smears every atom, angstrom2: u = 0.113 angstrom.
SMEARING_B_ANGSTROM2 = 1.0

#: Least standard deviation of a Gaussian in spacings of the grid.
RESOLVED = 0.75

_EIGHT_PI_SQUARED = 8.0 * np.pi**2


def promolecule(
    crystal: Crystal, shape: tuple[int, int, int] = NETWORK_SHAPE, *, b_iso: float = SMEARING_B_ANGSTROM2
) -> DensityGrid:
    """Return the density of superposed neutral atoms in the cell of a crystal, float64, e/angstrom3.

    Parameters
    ----------
    crystal
        In the cell that the grid shall have (`conventional_cell` gives the conventional one); shared and partly
        vacant sites count by their occupancy.
    shape
        Points along each axis.
    b_iso
        Displacement factor B, angstrom2; more where the grid is too coarse for it.

    Raises
    ------
    BadStructureError
        If the crystal is none, or has an element past Cf, which has no form factor.
    """
    crystal.check()
    atoms = atom_gaussians(crystal, max(b_iso, resolved_b(crystal.lattice, shape)))
    summed = separable if _is_rectangular(crystal.lattice) else oblique
    return DensityGrid(summed(atoms, crystal.lattice, shape), crystal.lattice)


def promolecules(
    crystals: Sequence[Crystal], shape: tuple[int, int, int] = NETWORK_SHAPE, *, b_iso: float = SMEARING_B_ANGSTROM2
) -> Iterator[DensityGrid]:
    """Yield the promolecule of each crystal.

    Raises
    ------
    BadStructureError
        As `promolecule`, at the crystal at fault.
    """
    for crystal in crystals:
        yield promolecule(crystal, shape, b_iso=b_iso)


def resolved_b(lattice: NDArray[np.float64], shape: tuple[int, int, int]) -> float:
    """Return the least B, angstrom2, whose Gaussian points of a grid resolve."""
    spacing = float((np.linalg.norm(lattice, axis=1) / shape).max())
    return float(_EIGHT_PI_SQUARED * (RESOLVED * spacing) ** 2)


def atom_gaussians(crystal: Crystal, b_iso: float) -> Gaussians:
    """Return the Gaussians of all atoms of a crystal, five an atom, smeared by B.

    Raises
    ------
    BadStructureError
        If an element has no form factor.
    """
    numbers = np.array([ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in crystal.species])
    if numbers.max() > LAST_NUMBER:
        symbol = ELEMENT_SYMBOLS[int(numbers.max()) - 1]
        raise BadStructureError(f"{symbol} has no X-ray form factor: the table ends with Cf")
    electrons, b = electron_gaussians()
    weights = electrons[numbers - 1] * crystal.occupancies[:, None]
    variances = (b[numbers - 1] + b_iso) / _EIGHT_PI_SQUARED
    return Gaussians(
        np.repeat(crystal.frac_coords % 1.0, weights.shape[1], axis=0), weights.reshape(-1), variances.reshape(-1)
    )


@cache
def electron_gaussians() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (98, 5) electrons and (98, 5) b, angstrom2, of the Gaussians of H to Cf; a row of the first sums to Z."""
    table = coefficients()
    electrons = np.hstack([table[:, :4], np.zeros((LAST_NUMBER, 1))])
    electrons[:, 4] = np.arange(1, LAST_NUMBER + 1) - electrons.sum(axis=1)
    return electrons, np.hstack([table[:, 4:8], np.zeros((LAST_NUMBER, 1))])


def _is_rectangular(lattice: NDArray[np.float64]) -> bool:
    gram = lattice @ lattice.T
    return bool(np.abs(gram - np.diag(np.diag(gram))).max() < 1e-9 * np.trace(gram))
