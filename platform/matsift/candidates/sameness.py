"""Which relaxed crystals are the same one: different starts often end in one minimum."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import spglib
from numpy.typing import NDArray

#: (lattice (3, 3) angstrom, species, fractional coordinates (n, 3)).
Cell = tuple[NDArray[np.float64], Sequence[str], NDArray[np.float64]]

_ENERGY_TOLERANCE = 0.002  # eV/atom
_VOLUME_TOLERANCE = 0.01  # relative
_SYMMETRY_TOLERANCE = 0.02  # angstrom


def earlier_same(cells: Sequence[Cell], energies_per_atom: NDArray[np.float64]) -> list[int | None]:
    """Return, for each relaxed crystal, the index of the first earlier one that is the same, or None.

    The same means: composition, space group and number of atoms agree, energies lie within 2 meV/atom, volumes within
    1 %, and pymatgen's structure matcher maps one on the other.

    Parameters
    ----------
    cells
        n primitive cells.
    energies_per_atom
        (n,), eV/atom.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher  # noqa: PLC0415  slow to import
    from pymatgen.core import Structure  # noqa: PLC0415  slow to import

    matcher = StructureMatcher(ltol=0.1, stol=0.1, angle_tol=2, primitive_cell=False, scale=False)
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    answer: list[int | None] = []
    for i, (lattice, species, coords) in enumerate(cells):
        same = None
        bucket = alike[(tuple(sorted(species)), _space_group(lattice, species, coords))]
        for j in bucket:
            volumes = [abs(float(np.linalg.det(cells[k][0]))) for k in (i, j)]
            if (
                abs(energies_per_atom[i] - energies_per_atom[j]) < _ENERGY_TOLERANCE
                and abs(volumes[0] / volumes[1] - 1) < _VOLUME_TOLERANCE
                and matcher.fit(Structure(lattice, species, coords), Structure(*cells[j]))
            ):
                same = j
                break
        if same is None:
            bucket.append(i)
        answer.append(same)
    return answer


def _space_group(lattice: NDArray[np.float64], species: Sequence[str], coords: NDArray[np.float64]) -> int:
    kinds = sorted(set(species))
    found = spglib.get_symmetry_dataset(
        (lattice, coords, [kinds.index(s) for s in species]), symprec=_SYMMETRY_TOLERANCE
    )
    return 0 if found is None else int(found.number)
