"""Structure prototypes: the ordered structures of the AFLOW library that pymatgen ships, as primitive cells.

AFLOW prototype library: Mehl et al., Comput. Mater. Sci. 136, S1 (2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal

#: The largest primitive cell taken.
LARGEST_CELL = 16


@dataclass(frozen=True, eq=False)
class Prototype:
    """A structure type: its AFLOW label, the crystal that it is named after, and a charge for each element of it.

    `charges` is empty where no whole-numbered, balanced assignment is known: an element, an alloy, a mixed valence.
    """

    label: str
    mineral: str
    crystal: Crystal
    charges: dict[str, int]

    @property
    def formula(self) -> str:
        """Reduced formula of the crystal that the prototype is named after."""
        return str(self.crystal.to_pymatgen().composition.reduced_formula)

    @property
    def counts(self) -> dict[str, int]:
        """Atoms of each element in the cell."""
        return {e: self.crystal.species.count(e) for e in self.crystal.elements}


@cache
def load_prototypes() -> tuple[Prototype, ...]:
    """Return the ordered prototypes with at most `LARGEST_CELL` atoms, without repeats, by cell size and label."""
    from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY  # noqa: PLC0415  slow to import

    found: dict[tuple[str, str], Prototype] = {}
    for entry in AFLOW_PROTOTYPE_LIBRARY:
        whole = entry["snl"].structure
        if not whole.is_ordered:
            continue
        structure = whole.get_primitive_structure()
        key = (str(entry["tags"]["aflow"]), str(structure.composition.reduced_formula))
        if len(structure) > LARGEST_CELL or key in found:
            continue
        crystal = Crystal.from_pymatgen(structure)
        found[key] = Prototype(key[0], str(entry["tags"]["mineral"]).strip(), crystal, _charges(structure.composition))
    return tuple(sorted(found.values(), key=lambda p: (len(p.crystal.species), p.label, p.crystal.elements)))


def substituted(prototype: Prototype, mapping: dict[str, str], scale: float) -> Crystal:
    """Return the prototype with elements renamed by a mapping and every length multiplied by a factor."""
    species = [mapping.get(symbol, symbol) for symbol in prototype.crystal.species]
    return Crystal.ordered(prototype.crystal.lattice * scale, species, prototype.crystal.frac_coords)


@cache
def shortest_bonds(prototype: Prototype) -> tuple[tuple[str, str, float], ...]:
    """Return `shortest_bonds_of` a prototype, which is asked about thousands of times."""
    return shortest_bonds_of(prototype.crystal)


def shortest_bonds_of(crystal: Crystal) -> tuple[tuple[str, str, float], ...]:
    """Return (element, element, angstrom) of each atom's bonds: neighbours within a tenth of the nearest one.

    Neighbours are looked for in the cell and the 26 around it: right for cells that are not far from reduced.
    """
    lattice, coords = crystal.lattice, crystal.frac_coords
    images = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)], dtype=np.float64)
    bonds: list[tuple[str, str, float]] = []
    for i, symbol in enumerate(crystal.species):
        lengths: NDArray[np.float64] = np.linalg.norm(
            (coords[None, :, :] + images[:, None, :] - coords[i]) @ lattice, axis=2
        )
        lengths[lengths < 1e-3] = np.inf
        nearest = float(lengths.min())
        for _, j in np.argwhere(lengths < 1.1 * nearest):
            bonds.append((symbol, crystal.species[j], nearest))
    return tuple(bonds)


def _charges(composition: object) -> dict[str, int]:
    from pymatgen.core import Composition  # noqa: PLC0415  slow to import

    assert isinstance(composition, Composition)
    if len(composition) < 2:
        return {}
    guesses = composition.oxi_state_guesses(max_sites=-LARGEST_CELL)
    if not guesses or any(abs(q) < 0.5 or q != round(q) for q in guesses[0].values()):
        return {}
    return {str(symbol): round(q) for symbol, q in guesses[0].items()}
