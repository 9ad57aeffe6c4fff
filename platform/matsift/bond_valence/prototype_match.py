"""Whether a crystal is a cubic perovskite or a normal spinel of oxygen, and such crystals from their few numbers.

Any cell, origin and orientation is understood. Both structures are settled by symmetry up to one or two numbers:

==========  ===========  ==================================================================  ================
prototype   space group  sites (origin on the A site, or choice 2)                           free
==========  ===========  ==================================================================  ================
perovskite  Pm-3m 221    A 1a (0, 0, 0); B 1b (1/2, 1/2, 1/2); O 3c (0, 1/2, 1/2)            a
spinel      Fd-3m 227    A 8a (1/8, 1/8, 1/8); B 16d (1/2, 1/2, 1/2); O 32e (u, u, u)        a, u
==========  ===========  ==================================================================  ================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import spglib
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.errors import UserInputError
from matsift.structure_facts import SYMMETRY_TOLERANCE_ANGSTROM
from matsift.suggestions import meant

#: Names of the prototypes.
PROTOTYPES = ("perovskite", "spinel")

#: Oxygen parameter of a spinel whose anions are close packed.
IDEAL_OXYGEN_PARAMETER = 0.25

_SPACE_GROUPS = {221: "perovskite", 227: "spinel"}
_ATOMS = {"perovskite": (1, 1, 3), "spinel": (8, 16, 32)}
_CHOICE_2 = 526  # number of Fd-3m:2 among the 530 settings of the space groups


class NoPrototypeError(UserInputError):
    """There is no prototype of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no prototype {name!r}{meant(name, PROTOTYPES)}; use one of {', '.join(PROTOTYPES)}")
        self.name = name


@dataclass(frozen=True)
class PrototypeMatch:
    """A crystal as a perovskite ABO3 or a normal spinel AB2O4.

    Parameters
    ----------
    prototype
        One of `PROTOTYPES`.
    a_element, b_element
        Element of the twelvefold and sixfold sites (perovskite), of the tetrahedral and octahedral ones (spinel).
    lattice_constant
        Edge of the conventional cubic cell, angstrom.
    oxygen_parameter
        u of a spinel in origin choice 2; None for a perovskite.
    """

    prototype: str
    a_element: str
    b_element: str
    lattice_constant: float
    oxygen_parameter: float | None


def match(crystal: Crystal, tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM) -> PrototypeMatch | None:
    """Return what a crystal is as a prototype; None if it is neither a cubic perovskite nor a normal spinel oxide.

    Space group and primitive cell come from spglib; then every site has to be where the prototype has it. A spinel
    whose octahedral cations also sit on the tetrahedral sites (Co3O4) is one; an inverse or a disordered one is not.

    Parameters
    ----------
    crystal
        Any cell of it.
    tolerance_angstrom
        How far an atom may be from its site.
    """
    if not crystal.is_ordered or len(crystal.elements) > 3 or not _has_the_oxygen(crystal):
        return None
    numbers = [ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in crystal.species]
    cell = crystal.lattice.tolist(), crystal.frac_coords.tolist(), numbers
    found = spglib.get_symmetry_dataset(cell, symprec=tolerance_angstrom)
    if found is None or found.number not in _SPACE_GROUPS:
        return None
    orbit_of = dict(zip(found.mapping_to_primitive.tolist(), found.crystallographic_orbits.tolist(), strict=True))
    orbits = np.array([orbit_of[atom] for atom in found.std_mapping_to_primitive.tolist()])
    edge = float(np.cbrt(np.linalg.det(found.std_lattice)))
    species = np.array([ELEMENT_SYMBOLS[n - 1] for n in found.std_types])
    return _on_sites(
        _SPACE_GROUPS[found.number],
        edge,
        species,
        np.asarray(found.std_positions, dtype=np.float64),
        orbits,
        tolerance_angstrom / edge,
    )


def _has_the_oxygen(crystal: Crystal) -> bool:
    """Return whether the share of oxygen is that of a prototype; it costs nothing beside the search for symmetry."""
    n_atom, n_oxygen = len(crystal.species), crystal.species.count("O")
    return any(n_oxygen * sum(atoms) == n_atom * atoms[2] for atoms in _ATOMS.values())


def build(
    prototype: str,
    a_element: str,
    b_element: str,
    lattice_constant: float,
    oxygen_parameter: float | None = None,
    *,
    primitive: bool = True,
) -> Crystal:
    """Return the oxide of a prototype, by default its primitive cell (5 atoms of a perovskite, 14 of a spinel).

    Parameters
    ----------
    prototype
        One of `PROTOTYPES`.
    a_element, b_element
        As in `PrototypeMatch`.
    lattice_constant
        Edge of the conventional cubic cell, angstrom.
    oxygen_parameter
        u of a spinel; `IDEAL_OXYGEN_PARAMETER` where None. A perovskite has none.
    primitive
        Whether to give the primitive cell rather than the conventional one (they are the same for a perovskite).

    Raises
    ------
    NoPrototypeError
        If there is no such prototype.
    """
    u = IDEAL_OXYGEN_PARAMETER if oxygen_parameter is None else oxygen_parameter
    a_sites, b_sites, oxygens = sites(prototype, u)
    species = [a_element] * len(a_sites) + [b_element] * len(b_sites) + ["O"] * len(oxygens)
    coords = np.concatenate([a_sites, b_sites, oxygens])
    if prototype == "perovskite" or not primitive:
        return Crystal.ordered(np.eye(3) * lattice_constant, species, coords)
    cell = np.array([(0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])
    fractions = coords @ np.linalg.inv(cell)
    _, first = np.unique(np.round(fractions % 1.0, 6) % 1.0, axis=0, return_index=True)
    kept = np.sort(first)
    return Crystal.ordered(cell * lattice_constant, [species[i] for i in kept], fractions[kept] % 1.0)


def sites(
    prototype: str, oxygen_parameter: float = IDEAL_OXYGEN_PARAMETER
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the fractional coordinates (n, 3) of the A, B and oxygen sites of the conventional cell.

    Raises
    ------
    NoPrototypeError
        If there is no such prototype.
    """
    if prototype == "perovskite":
        return np.zeros((1, 3)), np.full((1, 3), 0.5), np.array([(0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])
    if prototype != "spinel":
        raise NoPrototypeError(prototype)
    constant, slope = spinel_oxygens()
    return _orbit(0.125)[0], _orbit(0.5)[0], (constant + slope * oxygen_parameter) % 1.0


@cache
def spinel_oxygens() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return c and s, (32, 3) each, of the oxygen sites c + s u of a spinel's conventional cell."""
    return _orbit(0.2617)[1]  # any number that is not special


@cache
def _orbit(x: float) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the copies of (x, x, x) in Fd-3m:2, and c and s of each as c + s x."""
    operations = spglib.get_symmetry_from_database(_CHOICE_2)
    assert operations is not None
    constant = np.asarray(operations["translations"], dtype=np.float64) % 1.0
    slope = np.asarray(operations["rotations"], dtype=np.float64).sum(axis=2)
    copies = (constant + slope * x) % 1.0
    _, first = np.unique(np.round(copies, 6) % 1.0, axis=0, return_index=True)
    kept = np.sort(first)
    return copies[kept], (constant[kept], slope[kept])


def _on_sites(
    prototype: str,
    edge: float,
    species: NDArray[np.str_],
    coords: NDArray[np.float64],
    orbits: NDArray[np.int64],
    tolerance: float,
) -> PrototypeMatch | None:
    """Return the match of a conventional cell with its symmetry orbits, if every atom is on its site."""
    n_a, n_b, n_oxygen = _ATOMS[prototype]
    oxygens = coords[species == "O"]
    cations = [orbits == orbit for orbit in np.unique(orbits[species != "O"])]
    if len(oxygens) != n_oxygen or len(cations) != 2 or len(coords) != n_a + n_b + n_oxygen:
        return None
    for a_sites, b_sites in (cations, cations[::-1]):
        if a_sites.sum() != n_a or b_sites.sum() != n_b:
            continue
        for sign in (1.0, -1.0):
            start = coords[a_sites][0]
            moved = (sign * (coords[a_sites] - start), sign * (coords[b_sites] - start), sign * (oxygens - start))
            u = _placed(prototype, moved, tolerance)
            if u is not None:
                a_element, b_element = str(species[a_sites][0]), str(species[b_sites][0])
                return PrototypeMatch(prototype, a_element, b_element, edge, u if prototype == "spinel" else None)
    return None


def _placed(prototype: str, found: tuple[NDArray[np.float64], ...], tolerance: float) -> float | None:
    """Return u (0 for a perovskite) if the A, B and oxygen sites, seen from an A site, are those of the prototype."""
    u = 0.0
    start = sites(prototype)[0][0]
    if prototype == "spinel":
        nearest = np.linalg.norm(found[2] - np.rint(found[2]), axis=1).min()
        u = 0.125 + float(nearest) / math.sqrt(3)
    wanted = sites(prototype, u)
    same = all(_same_sites(f + start, w, tolerance) for f, w in zip(found, wanted, strict=True))
    return u if same else None


def _same_sites(found: NDArray[np.float64], wanted: NDArray[np.float64], tolerance: float) -> bool:
    apart = found[:, None, :] - wanted[None, :, :]
    distance = np.linalg.norm(apart - np.rint(apart), axis=2)
    return bool((distance.min(axis=0) < tolerance).all() and (distance.min(axis=1) < tolerance).all())
