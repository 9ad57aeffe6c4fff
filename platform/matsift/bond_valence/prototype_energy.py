"""Energy of many perovskites or spinels at once, with its derivatives in ln a, u and the screening factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import STOICHIOMETRY, PairTable
from matsift.bond_valence.pair_energy import bond_valence, morse_with_curvature, screened_coulomb
from matsift.bond_valence.shells import Shells, bonds, repulsions
from matsift.errors import UserInputError

Array = NDArray[np.float64]

#: Which ions an instability index counts.
SCOPES = ("cations", "all")

_SCREENED_OUT = 5.5  # screening lengths after which erfc is below 1e-14


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Energy of n crystals and how it changes with x = (ln a) of a perovskite, (ln a, u) of a spinel; d numbers.

    Parameters
    ----------
    energy
        (n,), eV a formula unit; bonds count from zero at their cut-off, so that it is continuous in a and u.
    gradient
        (n, d), dE/dx.
    hessian
        (n, d, d), d2E/dx dx.
    gradient_sf
        (n, d), d2E/dx dsf.
    """

    energy: Array
    gradient: Array
    hessian: Array
    gradient_sf: Array


def derivatives(
    table: PairTable, screening_factor: Array, lattice_constant: Array, oxygen_parameter: Array
) -> Derivatives:
    """Return the energy and its derivatives of the n crystals of a table.

    Parameters
    ----------
    table
        n ion pairs.
    screening_factor, lattice_constant, oxygen_parameter
        (n,) each; angstrom; the oxygen parameter of a perovskite is not used.
    """
    bond = bonds(table.prototype)
    lengths = _Lengths(bond, lattice_constant, oxygen_parameter, table.prototype)
    ends = bond.first
    reach = table.r_cut[:, ends]
    inside = (lengths.length <= reach) * (bond.pairs * table.variant.morse_weight)
    well = table.r_min[:, ends], table.b[:, ends], table.d0[:, ends]
    energy, slope, curvature = morse_with_curvature(lengths.length, *well)
    at_reach = morse_with_curvature(reach, *well)[0]
    total = _over_shells((energy - at_reach) * inside)
    gradient, hessian = lengths.gathered(slope * inside, curvature * inside)

    repelled = _repulsion(table, screening_factor, lattice_constant, oxygen_parameter)
    return Derivatives(
        total + repelled.energy,
        gradient + repelled.gradient,
        hessian + repelled.hessian,
        repelled.gradient_sf,
    )


def _repulsion(
    table: PairTable, screening_factor: Array, lattice_constant: Array, oxygen_parameter: Array
) -> Derivatives:
    """Return what ions of like charge contribute, without the shells that are screened out.

    Those that are so in a crystal count as nothing in it, whether or not its neighbours need them.
    """
    like = repulsions(table.prototype, anions=table.variant.anion_repulsion)
    lengths = _Lengths(like, lattice_constant, oxygen_parameter, table.prototype)
    radii = table.radius[:, like.first] + table.radius[:, like.second]
    sf = screening_factor[:, None]
    reached = lengths.length < _SCREENED_OUT * sf * radii
    near = np.any(reached, axis=0)
    like, radii, reached = like.only(near), radii[:, near], reached[:, near]
    lengths = _Lengths(like, lattice_constant, oxygen_parameter, table.prototype)
    weights = reached * (like.pairs * table.variant.coulomb_factor)
    charges = table.charge[:, like.first] * table.charge[:, like.second] * weights
    energy, slope, slope_sf = screened_coulomb(lengths.length, charges, radii, sf)
    per_r2, per_rho2 = 1.0 / lengths.length**2, 1.0 / (sf * radii) ** 2
    gauss = slope_sf * sf  # k q q'/rho 2/sqrt(pi) exp(-(R/rho)^2): no further transcendental function is needed
    curvature = 2.0 * (energy * per_r2 + gauss * (per_r2 + per_rho2))
    gradient, hessian = lengths.gathered(slope, curvature)
    gradient_sf = lengths.gathered_slope(-2.0 * slope_sf * lengths.length * per_rho2)
    return Derivatives(_over_shells(energy), gradient, hessian, gradient_sf)


def instability(table: PairTable, lattice_constant: Array, oxygen_parameter: Array, scope: str = "cations") -> Array:
    """Return the global instability index (n,) in valence units, of the cations or of "all" ions.

    Parameters
    ----------
    table
        n ion pairs.
    lattice_constant, oxygen_parameter
        (n,) each; angstrom; the oxygen parameter of a perovskite is not used.
    scope
        "cations" (Kameda et al. 2024, Eq. 7) or "all" (as crystallographers define it).

    Raises
    ------
    UserInputError
        If the scope is neither.
    """
    if scope not in SCOPES:
        raise UserInputError(f"there is no instability index of {scope!r}; use one of {', '.join(SCOPES)}")
    bond = bonds(table.prototype)
    length = _Lengths(bond, lattice_constant, oxygen_parameter, table.prototype).length
    ends = bond.first
    valence = bond_valence(length, table.r0[:, ends], table.b[:, ends]) * bond.pairs
    valence *= length <= table.r_cut[:, ends]
    sums = np.stack([_over_shells(valence[:, ends == kind]) for kind in (0, 1)], axis=1)  # of all A and all B
    counts = np.array(STOICHIOMETRY[table.prototype], dtype=np.float64)
    deviation = (sums - table.valence * counts[:2]) ** 2 / counts[:2]
    if scope == "cations":
        return np.asarray(np.sqrt(deviation.sum(axis=1) / counts[:2].sum()))
    oxygens = (sums.sum(axis=1) - 2 * counts[2]) ** 2 / counts[2]
    return np.asarray(np.sqrt((deviation.sum(axis=1) + oxygens) / counts.sum()))


def _over_shells(terms: Array) -> Array:
    """Return the sums (n,) of (n, m) terms, one after the other: the same to the last bit, whoever shares the chunk."""
    if not terms.shape[1]:
        return np.zeros(len(terms))
    return np.cumsum(terms, axis=1)[:, -1]


class _Lengths:
    """Lengths (n, m) of the m shells of n crystals and their derivatives in ln a and u."""

    def __init__(self, shells: Shells, lattice_constant: Array, oxygen_parameter: Array, prototype: str) -> None:
        a = lattice_constant[:, None]
        self.free = prototype == "spinel"
        if not self.free:
            self.length: Array = a * np.sqrt(shells.constant)
            return
        u = oxygen_parameter[:, None]
        self.length = a * np.sqrt(shells.constant + u * (shells.linear + u * shells.square))
        self._in_u = a**2 * (0.5 * shells.linear + u * shells.square) / self.length
        self._in_uu = a**2 * shells.square / self.length - self._in_u**2 / self.length

    def gathered_slope(self, slope: Array) -> Array:
        """Return (n, d): the sum over shells of slope dR/dx."""
        in_a = _over_shells(slope * self.length)
        if not self.free:
            return in_a[:, None]
        return np.stack([in_a, _over_shells(slope * self._in_u)], axis=1)

    def gathered(self, slope: Array, curvature: Array) -> tuple[Array, Array]:
        """Return the gradient (n, d) and Hessian (n, d, d) of slopes and curvatures in R, (n, m) each."""
        gradient = self.gathered_slope(slope)
        in_aa = gradient[:, 0] + _over_shells(curvature * self.length**2)
        if not self.free:
            return gradient, in_aa[:, None, None]
        in_au = gradient[:, 1] + _over_shells(curvature * self.length * self._in_u)
        in_uu = _over_shells(curvature * self._in_u**2 + slope * self._in_uu)
        return gradient, np.stack([np.stack([in_aa, in_au], axis=1), np.stack([in_au, in_uu], axis=1)], axis=1)
