"""Crystals as arrays: the one structure record that every wing of the platform exchanges."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from matsift.errors import BadStructureError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pymatgen.core import Structure

#: Decimal places of lattice vectors (angstrom) and fractional coordinates that count for the identity of a structure.
HASH_DECIMALS = 5

#: No cell of a crystal is longer, no coordinate farther off in cells: beyond, hash and volume are no numbers.
LONGEST_ANGSTROM = 10_000.0
_FARTHEST = 1e6

#: Symbols of the 118 elements, hydrogen to oganesson.
_SYMBOLS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts "
    "Og"
)
ELEMENT_SYMBOLS = tuple(_SYMBOLS.split())


@dataclass(frozen=True, eq=False)
class Crystal:
    """A periodic crystal, ordered or disordered, as flat arrays of virtual atoms.

    A site that several species share (or that is partly vacant) stands as one virtual atom a species.

    Parameters
    ----------
    lattice
        (3, 3), angstrom; rows are the lattice vectors.
    species
        (n_atom,) element symbols of the virtual atoms; an ordered crystal has one a site.
    frac_coords
        (n_atom, 3), fractional coordinates.
    occupancies
        (n_atom,), 0 to 1.
    site_index
        (n_atom,), which site a virtual atom stands on, 0 to n_site - 1.
    """

    lattice: NDArray[np.float64]
    species: tuple[str, ...]
    frac_coords: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    site_index: NDArray[np.int64]

    @classmethod
    def ordered(cls, lattice: NDArray[np.float64], species: list[str], frac_coords: NDArray[np.float64]) -> Crystal:
        """Return an ordered crystal: one fully occupied species a site."""
        n_site = len(species)
        return cls(
            np.asarray(lattice, dtype=np.float64).reshape(3, 3),
            tuple(species),
            np.asarray(frac_coords, dtype=np.float64).reshape(n_site, 3),
            np.ones(n_site),
            np.arange(n_site),
        )

    @classmethod
    def from_pymatgen(cls, structure: Structure) -> Crystal:
        """Return the crystal of a pymatgen structure; oxidation states are dropped.

        Raises
        ------
        BadStructureError
            If there is no site, the cell is flat, or a coordinate is not finite.
        """
        species, coords, occupancies, index = [], [], [], []
        for i, site in enumerate(structure):
            occupants: dict[str, float] = {}  # Fe2+ and Fe3+ on one site are one Fe
            for specie, occupancy in site.species.items():
                symbol = getattr(specie, "symbol", str(specie))
                occupants[symbol] = occupants.get(symbol, 0.0) + float(occupancy)
            for symbol, occupancy in sorted(occupants.items()):
                species.append(symbol)
                coords.append(site.frac_coords)
                occupancies.append(occupancy)
                index.append(i)
        crystal = cls(
            np.array(structure.lattice.matrix, dtype=np.float64),
            tuple(species),
            np.array(coords, dtype=np.float64).reshape(len(species), 3),
            np.array(occupancies, dtype=np.float64),
            np.array(index, dtype=np.int64),
        )
        crystal.check()
        return crystal

    def to_pymatgen(self) -> Structure:
        """Return the pymatgen structure of this crystal."""
        from pymatgen.core import Lattice, Structure  # noqa: PLC0415  pymatgen takes a second to import

        sites: list[dict[str, float]] = [{} for _ in range(self.n_site)]
        coords = np.zeros((self.n_site, 3))
        for symbol, xyz, occupancy, i in zip(
            self.species, self.frac_coords, self.occupancies, self.site_index, strict=True
        ):
            sites[i][symbol] = sites[i].get(symbol, 0.0) + float(occupancy)
            coords[i] = xyz
        return Structure(Lattice(self.lattice), sites, coords)

    def check(self) -> None:
        """Raise BadStructureError, with the reason, if this is not a crystal."""
        if not self.species:
            raise BadStructureError("the structure has no atoms")
        if strangers := sorted(set(self.species) - set(ELEMENT_SYMBOLS)):
            raise BadStructureError(f"not a chemical element: {', '.join(strangers)}")
        if not (np.isfinite(self.lattice).all() and np.isfinite(self.frac_coords).all()):
            raise BadStructureError("a lattice vector or a coordinate is not a finite number")
        if (longest := float(np.abs(self.lattice).max())) > LONGEST_ANGSTROM:
            raise BadStructureError(f"a lattice vector is {longest:g} angstrom long")
        if np.abs(self.frac_coords).max() > _FARTHEST:
            raise BadStructureError("a coordinate lies more than a million cells away")
        if self.volume < 1e-3:
            raise BadStructureError(f"the cell is flat: its volume is {self.volume:.2g} cubic angstrom")
        if not ((self.occupancies > 0) & (self.occupancies <= 1 + 1e-6)).all():
            raise BadStructureError("an occupancy lies outside 0 to 1")

    @property
    def n_site(self) -> int:
        """Number of sites in the cell."""
        return int(self.site_index.max()) + 1 if len(self.site_index) else 0

    @property
    def is_ordered(self) -> bool:
        """Whether every site holds one fully occupied species."""
        return len(self.species) == self.n_site and bool(np.all(self.occupancies > 1 - 1e-6))

    @property
    def volume(self) -> float:
        """Cell volume in cubic angstrom."""
        return float(abs(np.linalg.det(self.lattice)))

    @property
    def elements(self) -> tuple[str, ...]:
        """Element symbols present, sorted."""
        return tuple(sorted(set(self.species)))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the cell and its contents, the same for any order of the sites.

        Lattice vectors and wrapped fractional coordinates are rounded to `HASH_DECIMALS`. Another choice of
        cell or origin is another hash: likeness beyond identity is a matter for structure matching.
        """
        coords = _written(self.frac_coords)
        rows = sorted(
            f"{symbol} {occupancy:.4f} {xyz}"
            for symbol, occupancy, xyz in zip(self.species, self.occupancies.tolist(), coords, strict=True)
        )
        cell = " ".join(
            f"{v:.{HASH_DECIMALS}f}" for v in (np.round(self.lattice, HASH_DECIMALS) + 0.0).ravel().tolist()
        )
        return hashlib.sha256("\n".join([cell, *rows]).encode()).hexdigest()


def _written(frac_coords: NDArray[np.float64]) -> list[str]:
    """Return the (n, 3) coordinates, wrapped into the cell, as n texts of three numbers with `HASH_DECIMALS`.

    The digits of all coordinates are found at once: formatting them one by one takes four times as long.
    """
    scaled = np.rint(frac_coords % 1.0 * 10**HASH_DECIMALS)
    if not np.isfinite(scaled).all():
        wrapped = np.round(frac_coords % 1.0, HASH_DECIMALS) % 1.0
        return [" ".join(f"{v:.{HASH_DECIMALS}f}" for v in xyz) for xyz in wrapped.tolist()]
    whole = scaled.astype(np.int64) % 10**HASH_DECIMALS  # 0.999999 is 0
    text = np.full((len(whole), 3, len("0.") + HASH_DECIMALS + len(" ")), ord(" "), dtype=np.uint8)
    text[:, :, :2] = [ord("0"), ord(".")]
    text[:, :, 2:-1] = whole[:, :, None] // 10 ** np.arange(HASH_DECIMALS)[::-1] % 10 + ord("0")
    joined, width = text.tobytes().decode("ascii"), text.shape[1] * text.shape[2]
    return [joined[start : start + width - 1] for start in range(0, len(joined), width)]
