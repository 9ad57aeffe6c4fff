"""Densities between neighbours: the lowest point of the promolecule on each bond, and how it curves there.

In a promolecule the line between two neighbours has one minimum; where the bond is a symmetry axis, as in most cubic
crystals, that minimum is the bond critical point of Bader's theory. Everything is a sum over Gaussians, so the
derivatives are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.density.promolecule import SMEARING_B_ANGSTROM2, atom_gaussians
from matsift.errors import BadStructureError

#: An atom's bonds go to the neighbours within this factor of its nearest one.
SHELL = 1.1

#: Beyond this distance, angstrom, an atom adds less than 1e-5 e/angstrom3.
REACH_ANGSTROM = 7.5

_SCAN = np.linspace(0.1, 0.9, 9)
_N_NEWTON = 5
_CLOSEST_ANGSTROM = 0.3


@dataclass(frozen=True, eq=False)
class BondPoints:
    """Minima of the promolecule on m bonds.

    Parameters
    ----------
    host
        (m,) the atom at which a bond begins.
    weight
        (m,) how many bonds of the cell each stands for, every bond counted from both ends.
    length
        (m,), angstrom.
    position
        (m,) distance from the host over the length.
    density
        (m,), e/angstrom3.
    along
        (m,) second derivative along the bond, e/angstrom5: positive.
    across
        (m,) half the sum of the two second derivatives across the bond: negative where electrons gather.
    dilation
        (m,) d ln density / d ln volume when the crystal swells evenly: negative.
    """

    host: NDArray[np.int64]
    weight: NDArray[np.float64]
    length: NDArray[np.float64]
    position: NDArray[np.float64]
    density: NDArray[np.float64]
    along: NDArray[np.float64]
    across: NDArray[np.float64]
    dilation: NDArray[np.float64]

    @property
    def laplacian(self) -> NDArray[np.float64]:
        """Sum of the three second derivatives, e/angstrom5."""
        return self.along + 2.0 * self.across


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Atoms about one atom, itself at the origin among them.

    Parameters
    ----------
    atom
        Its position in the crystal.
    vectors
        (n, 3), angstrom, to the atoms within `REACH_ANGSTROM`.
    electrons, variances
        (n, 5), electrons and angstrom2, of their Gaussians.
    """

    atom: int
    vectors: NDArray[np.float64]
    electrons: NDArray[np.float64]
    variances: NDArray[np.float64]

    def radial(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Return offsets (m, n, 3) and (m, n) density, its slope over r, and what curves beyond that slope."""
        offsets = points[:, None, :] - self.vectors
        squared = np.einsum("mnx,mnx->mn", offsets, offsets)
        bells = self.electrons * (2.0 * np.pi * self.variances) ** -1.5
        terms = bells * np.exp(squared[:, :, None] / (-2.0 * self.variances))
        over = terms / self.variances
        return offsets, terms.sum(axis=2), -over.sum(axis=2), (over / self.variances).sum(axis=2)


def surroundings(
    crystal: Crystal, atoms: NDArray[np.int64], *, b_iso: float = SMEARING_B_ANGSTROM2
) -> list[Surroundings]:
    """Return what stands about some atoms of an ordered crystal.

    Parameters
    ----------
    atoms
        (k,) positions in the crystal; one of each kind of equivalent atoms is enough (`standardise`).
    b_iso
        Displacement factor B that smears the atoms, angstrom2.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(crystal.lattice), axis=0)
    n_image = np.ceil(REACH_ANGSTROM / heights + 1.0).astype(int)
    images = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in n_image), indexing="ij"), axis=-1).reshape(-1, 3)
    images_angstrom = images @ crystal.lattice
    gaussians = atom_gaussians(crystal, b_iso)
    electrons, variances = gaussians.weights.reshape(-1, 5), gaussians.variances.reshape(-1, 5)
    found = []
    for atom in atoms.tolist():
        wrapped = (crystal.frac_coords - crystal.frac_coords[atom] + 0.5) % 1.0 - 0.5
        wrapped[atom] = 0.0
        vectors = ((wrapped @ crystal.lattice)[:, None, :] + images_angstrom).reshape(-1, 3)
        near = np.flatnonzero(np.einsum("nx,nx->n", vectors, vectors) <= REACH_ANGSTROM**2)
        which = near // len(images)
        found.append(Surroundings(atom, vectors[near], electrons[which], variances[which]))
    return found


def bond_points(around: list[Surroundings], copies: NDArray[np.int64]) -> BondPoints:
    """Return the minima of the promolecule on the bonds of atoms to their nearest neighbours.

    Parameters
    ----------
    around
        The surroundings of k atoms, one at least.
    copies
        (k,) how many atoms of the cell each stands for.

    Raises
    ------
    BadStructureError
        If an atom has no neighbour within `REACH_ANGSTROM`, or two atoms stand on one place.
    """
    parts = [_bonds_of(one, float(n)) for one, n in zip(around, copies, strict=True)]
    return BondPoints(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def host_densities(around: list[Surroundings]) -> NDArray[np.float64]:
    """Return (k,) the density that all others make at each atom, e/angstrom3, as in the embedded-atom method."""
    found = []
    for one in around:
        others = np.einsum("nx,nx->n", one.vectors, one.vectors) > 0
        found.append(float(one.radial(np.zeros((1, 3)))[1][0, others].sum()))
    return np.array(found)


def _bonds_of(around: Surroundings, n_copy: float) -> tuple[NDArray[np.float64], ...]:
    distances = np.linalg.norm(around.vectors, axis=1)
    others = distances > 0
    if not others.any():
        raise BadStructureError(f"atom {around.atom} has no neighbour within {REACH_ANGSTROM:g} angstrom")
    nearest = distances[others].min()
    if nearest < _CLOSEST_ANGSTROM:
        raise BadStructureError(f"two atoms stand {nearest:.2g} angstrom apart")
    bonds = others & (distances <= SHELL * nearest)
    ends, lengths = around.vectors[bonds], distances[bonds]
    ways = ends / lengths[:, None]
    place = _lowest(around, ends, lengths)
    points = place[:, None] * ends
    offsets, density, slope, curve = around.radial(points)
    along = _second(offsets, ways, slope, curve)
    laplacian = (3.0 * slope + curve * np.einsum("mnx,mnx->mn", offsets, offsets)).sum(axis=1)
    dilation = (slope * np.einsum("mnx,mnx->mn", offsets, offsets)).sum(axis=1) / (3.0 * density.sum(axis=1))
    n = len(lengths)
    return (
        np.full(n, around.atom),
        np.full(n, n_copy),
        lengths,
        place,
        density.sum(axis=1),
        along,
        (laplacian - along) / 2.0,
        dilation,
    )


def _lowest(around: Surroundings, ends: NDArray[np.float64], lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (m,) where on each bond the density is least, as a share of the bond: a scan, then Newton's steps."""
    ways = ends / lengths[:, None]
    scanned = (_SCAN[:, None, None] * ends).reshape(-1, 3)
    values = around.radial(scanned)[1].sum(axis=1).reshape(len(_SCAN), -1)
    place = _SCAN[values.argmin(axis=0)]
    step = _SCAN[1] - _SCAN[0]
    low, high = np.maximum(place - step, 0.02), np.minimum(place + step, 0.98)
    for _ in range(_N_NEWTON):
        offsets, _, slope, curve = around.radial(place[:, None] * ends)
        first = (slope * np.einsum("mnx,mx->mn", offsets, ways)).sum(axis=1)
        second = _second(offsets, ways, slope, curve)
        move = np.where(second > 0, first / np.maximum(second, 1e-12), np.sign(first) * step * lengths)
        place = np.clip(place - move / lengths, low, high)
    return np.asarray(place)


def _second(
    offsets: NDArray[np.float64], ways: NDArray[np.float64], slope: NDArray[np.float64], curve: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (m,) the second derivative along the directions `ways` (m, 3)."""
    return np.asarray((slope + curve * np.einsum("mnx,mx->mn", offsets, ways) ** 2).sum(axis=1))
