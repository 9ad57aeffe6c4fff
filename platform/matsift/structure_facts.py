"""What can be said of a crystal at a glance: formulae, size, density, symmetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import spglib

from matsift.formulae import formulae

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from matsift.crystal import Crystal

#: Distance, in angstrom, within which atoms count as symmetry copies; Materials Project's own choice.
SYMMETRY_TOLERANCE_ANGSTROM = 0.01

_U_PER_ANGSTROM3_TO_G_PER_CM3 = 1.66053906660


@dataclass(frozen=True)
class StructureFacts:
    """Descriptive columns of one structure, all derived from its arrays.

    `formula` counts the whole cell (``Na4 Cl4``), `reduced_formula` is ``NaCl``, `anonymous_formula` is ``AB``,
    `chemical_system` joins the sorted elements by hyphens. The three symmetry fields are None where spglib finds none.
    """

    formula: str
    reduced_formula: str
    anonymous_formula: str
    chemical_system: str
    elements: tuple[str, ...]
    n_site: int
    n_element: int
    volume_angstrom3: float
    density_g_per_cm3: float
    is_ordered: bool
    space_group_number: int | None
    space_group_symbol: str | None
    crystal_system: str | None


def describe(crystal: Crystal) -> StructureFacts:
    """Return the facts of a crystal that passes `Crystal.check`."""
    elements = crystal.elements
    told = formulae(_amounts(crystal))
    number, group_symbol = space_group(crystal)
    volume = crystal.volume
    return StructureFacts(
        formula=told.formula,
        reduced_formula=told.reduced,
        anonymous_formula=told.anonymous,
        chemical_system="-".join(elements),
        elements=elements,
        n_site=crystal.n_site,
        n_element=len(elements),
        volume_angstrom3=volume,
        density_g_per_cm3=told.mass_u / volume * _U_PER_ANGSTROM3_TO_G_PER_CM3,
        is_ordered=crystal.is_ordered,
        space_group_number=number,
        space_group_symbol=group_symbol,
        crystal_system=None if number is None else crystal_system(number),
    )


def density(crystal: Crystal) -> float:
    """Return the mass density in g/cm3 of a crystal that passes `Crystal.check`."""
    return formulae(_amounts(crystal)).mass_u / crystal.volume * _U_PER_ANGSTROM3_TO_G_PER_CM3


def space_group(
    crystal: Crystal, tolerance: float = SYMMETRY_TOLERANCE_ANGSTROM
) -> tuple[int, str] | tuple[None, None]:
    """Return the space group's number, 1 to 230, and short symbol; two Nones where spglib finds no symmetry.

    A shared site is one atom whose type is its set of species with their occupancies.
    """
    positions, types = _sites(crystal)
    cell = (crystal.lattice.tolist(), positions.tolist(), types)
    try:
        dataset = spglib.get_symmetry_dataset(cell, symprec=tolerance)
    except spglib.SpglibError:
        return None, None
    return (None, None) if dataset is None else (int(dataset.number), str(dataset.international))


def crystal_system(number: int) -> str:
    """Return the crystal system, in lower case, of a space group number."""
    last_of_system = {
        2: "triclinic",
        15: "monoclinic",
        74: "orthorhombic",
        142: "tetragonal",
        167: "trigonal",
        194: "hexagonal",
        230: "cubic",
    }
    return next(name for last, name in last_of_system.items() if number <= last)


def _amounts(crystal: Crystal) -> dict[str, float]:
    amounts = dict.fromkeys(crystal.elements, 0.0)  # sorted, so that the order of the sites cannot tell in the formula
    for symbol, occupancy in zip(crystal.species, crystal.occupancies.tolist(), strict=True):
        amounts[symbol] += occupancy
    return amounts


def _sites(crystal: Crystal) -> tuple[NDArray[np.float64], list[int]]:
    """Return coordinates (n_site, 3) and an integer type a site."""
    if crystal.is_ordered and np.array_equal(crystal.site_index, np.arange(crystal.n_site)):
        kinds: dict[str, int] = {}
        return crystal.frac_coords, [kinds.setdefault(symbol, len(kinds) + 1) for symbol in crystal.species]
    contents: list[list[tuple[str, float]]] = [[] for _ in range(crystal.n_site)]
    positions = np.zeros((crystal.n_site, 3))
    rows = zip(
        crystal.species, crystal.occupancies.tolist(), crystal.site_index.tolist(), crystal.frac_coords, strict=True
    )
    for symbol, occupancy, site, coords in rows:
        contents[site].append((symbol, round(occupancy, 4)))
        positions[site] = coords
    type_of: dict[tuple[tuple[str, float], ...], int] = {}
    return positions, [type_of.setdefault(tuple(sorted(c)), len(type_of) + 1) for c in contents]
