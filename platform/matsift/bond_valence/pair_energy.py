"""The pair functions of the soft bond-valence force field, with their derivatives, on arrays of any shape.

A cation and an anion attract one another by a Morse form of the bond valence; ions of like charge repel by a Coulomb
term that the screening factor `sf` shortens (Adams and Rao, Phys. Status Solidi A 208, 1746 (2011); Kameda et al.,
Digital Discovery 3, 1967 (2024), Eq. 1)::

    E = w [ sum_cation-anion D0 (x^2 - 2 x)  +  v sum_like k q q'/R erfc(R / (sf (r + r'))) ],   x = exp((Rmin - R)/b)

with w `Variant.morse_weight`, v `Variant.coulomb_weight`, every pair counted once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from matsift.errors import UserInputError

#: Coulomb constant e^2/(4 pi eps0) in eV angstrom, as the parameters D0 were derived with it.
COULOMB = 14.4
#: Radius of O2- among the covalent radii of the parameter set, and as an ion of six neighbours (Shannon), angstrom.
OXYGEN_RADIUS = {"covalent": 1.33, "ionic": 1.40}
#: Beyond this many screening lengths a repulsion is below 1e-11 of the unscreened one.
SCREENED_OUT = 5.0

_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)

Array = NDArray[np.float64]
Numbers = float | Array


@dataclass(frozen=True)
class Variant:
    """What the literature leaves open in the force field; the default is the calibrated choice of docs/softbv.md.

    Parameters
    ----------
    coulomb_weight
        Weight of the repulsion relative to the Morse term; alone it decides where a crystal is at rest.
    morse_weight
        Factor before the whole energy: 0.5 halves D0 as softBV and bvlain do; no stationary point depends on it.
    anion_repulsion
        Whether oxygen ions repel one another; if not, only cations repel cations.
    radii
        The radii in the screening length: "covalent" of the parameter set, or "ionic" (Shannon, six neighbours).
    oxygen_radius
        Radius of O2- in angstrom; None is that of `OXYGEN_RADIUS` for the kind of radii.
    coulomb_cutoff
        Longest distance of a repulsion in angstrom; converged for screening factors up to 0.8.
    """

    coulomb_weight: float = 2.0
    morse_weight: float = 0.5
    anion_repulsion: bool = True
    radii: Literal["covalent", "ionic"] = "covalent"
    oxygen_radius: float | None = None
    coulomb_cutoff: float = 14.0

    def __post_init__(self) -> None:
        if self.radii not in OXYGEN_RADIUS:
            raise UserInputError(f"there are no {self.radii!r} radii; use covalent or ionic")
        for name in ("coulomb_weight", "morse_weight", "coulomb_cutoff", "anion_radius"):
            if not getattr(self, name) > 0:
                raise UserInputError(
                    f"{name} of a bond-valence variant is {getattr(self, name)}; use a positive number"
                )

    @property
    def coulomb_factor(self) -> float:
        """Factor before k q q'/R erfc(...) in the energy."""
        return self.morse_weight * self.coulomb_weight

    @property
    def anion_radius(self) -> float:
        """Radius of O2- in the screening length, angstrom."""
        return OXYGEN_RADIUS[self.radii] if self.oxygen_radius is None else self.oxygen_radius

    @property
    def name(self) -> str:
        """Short name of the variant in a method, such as ``covalent-1.33-2to1``."""
        weight = f"{self.coulomb_weight:g}to1" + ("" if self.morse_weight == 0.5 else f"-times{self.morse_weight:g}")
        ends = ("" if self.anion_repulsion else "-no-anions") + (
            "" if self.coulomb_cutoff == 14.0 else f"-cut{self.coulomb_cutoff:g}"
        )
        return f"{self.radii}-{self.anion_radius:g}-{weight}{ends}"


def bond_valence(R: Numbers, r0: Numbers, b: Numbers) -> Array:
    """Return the valence of a bond, exp((r0 - R)/b), in valence units; R, r0, b in angstrom."""
    return np.exp((np.asarray(r0, dtype=np.float64) - R) / b)


def morse(R: Numbers, r_min: Numbers, b: Numbers, d0: Numbers) -> tuple[Array, Array]:
    """Return the Morse form D0 (x^2 - 2 x), -D0 at `r_min`, and its slope.

    Parameters
    ----------
    R, r_min, b
        Distance, distance of lowest energy and softness of the bond, angstrom.
    d0
        Depth in eV; no weight of a variant is in it.

    Returns
    -------
    energy, de_dR
        eV and eV/angstrom, of the broadcast shape.
    """
    energy, slope, _ = morse_with_curvature(R, r_min, b, d0)
    return energy, slope


def morse_with_curvature(R: Numbers, r_min: Numbers, b: Numbers, d0: Numbers) -> tuple[Array, Array, Array]:
    """Return `morse` and its second derivative in R (eV/angstrom^2)."""
    x = np.exp((np.asarray(r_min, dtype=np.float64) - R) / b)
    scaled = np.asarray(d0, dtype=np.float64) * x
    return scaled * (x - 2.0), -2.0 * scaled * (x - 1.0) / b, 2.0 * scaled * (2.0 * x - 1.0) / np.square(b)


def screened_coulomb(R: Numbers, qq: Numbers, rho_over_sf: Numbers, sf: Numbers) -> tuple[Array, Array, Array]:
    """Return the screened repulsion k q q'/R erfc(R/(sf (r + r'))) and its slopes.

    Parameters
    ----------
    R
        Distance, angstrom.
    qq
        Product of the fractional charges (`charges.fractional_charges`); no weight of a variant is in it.
    rho_over_sf
        Sum of the radii r + r', angstrom.
    sf
        Screening factor.

    Returns
    -------
    energy, de_dR, de_dsf
        eV, eV/angstrom and eV, of the broadcast shape.
    """
    r = np.asarray(R, dtype=np.float64)
    rho = np.asarray(sf, dtype=np.float64) * rho_over_sf
    u = r / rho
    strength = COULOMB * np.asarray(qq, dtype=np.float64)
    energy = strength * erfc(u) / r
    gauss = _TWO_OVER_ROOT_PI * strength * np.exp(-u * u) / rho
    return energy, -(energy + gauss) / r, gauss / sf


def screened_coulomb_curvature(R: Numbers, qq: Numbers, rho_over_sf: Numbers, sf: Numbers) -> tuple[Array, Array]:
    """Return the second derivatives of `screened_coulomb`: d2E/dR2 (eV/angstrom^2) and d2E/dR dsf (eV/angstrom)."""
    r = np.asarray(R, dtype=np.float64)
    rho = np.asarray(sf, dtype=np.float64) * rho_over_sf
    u = r / rho
    strength = COULOMB * np.asarray(qq, dtype=np.float64)
    gauss = _TWO_OVER_ROOT_PI * strength * np.exp(-u * u) / rho
    curvature = 2.0 * strength * erfc(u) / r**3 + 2.0 * gauss * (1.0 / r**2 + 1.0 / rho**2)
    return curvature, -2.0 * gauss * r / (rho**2 * sf)
