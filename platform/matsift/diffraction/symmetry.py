"""Space group, primitive cell and Wyckoff positions of a crystal, ordered or disordered, by spglib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.structure_facts import SYMMETRY_TOLERANCE_ANGSTROM

#: What a shared site holds: (symbol, occupancy to four decimals), sorted.
SiteContent = tuple[tuple[str, float], ...]

_SMALLEST_VOLUME_ANGSTROM3 = 1e-3


@dataclass(frozen=True, eq=False)
class Symmetry:
    """The symmetry of one crystal at a tolerance.

    Parameters
    ----------
    space_group_number
        1 to 230.
    primitive_volume_angstrom3
        Volume of the primitive cell.
    n_atom_primitive
        Atoms in the primitive cell: the sum of the occupancies, so that a vacancy is no atom.
    primitive_lattice
        (3, 3), angstrom; rows are the vectors of a primitive cell, in the orientation of the crystal.
    multiplicities
        (n_site,) how many sites of the conventional cell are copies of each site.
    site_symmetries
        (n_site,) symbol of the site symmetry group of each site, oriented, as in ``m-3m`` or ``.m.``.
    orbits
        (n_site,) the first site of which each one is a copy.
    contents
        (n_site,) what each site holds.
    """

    space_group_number: int
    primitive_volume_angstrom3: float
    n_atom_primitive: float
    primitive_lattice: NDArray[np.float64]
    multiplicities: tuple[int, ...]
    site_symmetries: tuple[str, ...]
    orbits: tuple[int, ...]
    contents: tuple[SiteContent, ...]

    @property
    def log_volume(self) -> float:
        """U, the natural logarithm of the primitive cell's volume in cubic angstrom."""
        return float(np.log(self.primitive_volume_angstrom3))

    @property
    def log_density(self) -> float:
        """eta, the natural logarithm of the number of atoms per cubic angstrom."""
        return float(np.log(self.n_atom_primitive / self.primitive_volume_angstrom3))


def symmetry_of(crystal: Crystal, tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM) -> Symmetry:
    """Return the symmetry of a crystal; a shared site is one atom whose type is what it holds.

    Raises
    ------
    BadStructureError
        If a number is not finite, the cell is flat, or spglib finds no symmetry at the tolerance.
    """
    _check(crystal)
    positions, types, contents = _sites(crystal)
    found = _dataset((crystal.lattice.tolist(), positions.tolist(), types), tolerance_angstrom)
    if found is None:
        raise BadStructureError(
            f"spglib finds no space group at {tolerance_angstrom:g} angstrom: two atoms may stand on one place"
        )
    primitive = np.asarray(found.primitive_lattice, dtype=np.float64)
    share = abs(float(np.linalg.det(primitive))) / crystal.volume
    orbits = np.asarray(found.crystallographic_orbits)
    in_standard = abs(float(np.linalg.det(np.asarray(found.std_lattice)))) / crystal.volume
    sizes = np.bincount(orbits, minlength=len(orbits))[orbits] * in_standard
    return Symmetry(
        int(found.number),
        crystal.volume * share,
        float(crystal.occupancies.sum()) * share,
        primitive,
        tuple(int(size) for size in np.rint(sizes)),
        tuple(str(symbol) for symbol in found.site_symmetry_symbols),
        tuple(int(orbit) for orbit in orbits),
        contents,
    )


def symmetries_of(
    crystals: Sequence[Crystal], tolerance_angstrom: float = SYMMETRY_TOLERANCE_ANGSTROM
) -> tuple[list[Symmetry | None], Mapping[int, tuple[str, str]]]:
    """Return the symmetry of each crystal, None where there is none, and position -> error class and sentence."""
    found: list[Symmetry | None] = []
    failures: dict[int, tuple[str, str]] = {}
    for i, crystal in enumerate(crystals):
        try:
            found.append(symmetry_of(crystal, tolerance_angstrom))
        except BadStructureError as error:
            found.append(None)
            failures[i] = type(error).__name__, str(error)
    return found, failures


def _check(crystal: Crystal) -> None:
    """Raise BadStructureError where spglib would crash or answer nonsense."""
    if not crystal.species:
        raise BadStructureError("the structure has no atoms")
    if not (np.isfinite(crystal.lattice).all() and np.isfinite(crystal.frac_coords).all()):
        raise BadStructureError("a lattice vector or a coordinate is not a finite number")
    if crystal.volume < _SMALLEST_VOLUME_ANGSTROM3:
        raise BadStructureError(f"the cell is flat: its volume is {crystal.volume:.2g} cubic angstrom")


def _dataset(cell: tuple[Any, Any, Any], tolerance_angstrom: float) -> Any:
    try:
        return spglib.get_symmetry_dataset(cell, symprec=tolerance_angstrom)
    except spglib.SpglibError:
        return None


def _sites(crystal: Crystal) -> tuple[NDArray[np.float64], list[int], tuple[SiteContent, ...]]:
    """Return coordinates (n_site, 3), an integer type a site, and what each site holds."""
    contents: list[list[tuple[str, float]]] = [[] for _ in range(crystal.n_site)]
    positions = np.zeros((crystal.n_site, 3))
    rows = zip(
        crystal.species, crystal.occupancies.tolist(), crystal.site_index.tolist(), crystal.frac_coords, strict=True
    )
    for symbol, occupancy, site, coords in rows:
        contents[site].append((symbol, round(occupancy, 4)))
        positions[site] = coords
    held = tuple(tuple(sorted(content)) for content in contents)
    type_of: dict[SiteContent, int] = {}
    return positions, [type_of.setdefault(content, len(type_of) + 1) for content in held], held
