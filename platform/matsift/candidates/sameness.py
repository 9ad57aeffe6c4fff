"""Which relaxed crystals are the same one: different starts often end in one minimum."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.elasticity.symmetry import space_group_number

_ENERGY_TOLERANCE = 0.002  # eV/atom
_VOLUME_TOLERANCE = 0.01  # relative


def earlier_same(crystals: Sequence[Crystal], energies_per_atom: NDArray[np.float64]) -> list[int | None]:
    """Return, for each relaxed crystal, the index of the first earlier one that is the same, or None.

    The same means: composition, space group and number of atoms agree, energies lie within 2 meV/atom, volumes within
    1 %, and pymatgen's structure matcher maps one on the other.

    Parameters
    ----------
    crystals
        n ordered crystals, primitive cells.
    energies_per_atom
        (n,), eV/atom.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher  # noqa: PLC0415  slow to import

    matcher = StructureMatcher(ltol=0.1, stol=0.1, angle_tol=2, primitive_cell=False, scale=False)
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    answer: list[int | None] = []
    for i, crystal in enumerate(crystals):
        same = None
        bucket = alike[(tuple(sorted(crystal.species)), space_group_number(crystal))]
        for j in bucket:
            if (
                abs(energies_per_atom[i] - energies_per_atom[j]) < _ENERGY_TOLERANCE
                and abs(crystal.volume / crystals[j].volume - 1) < _VOLUME_TOLERANCE
                and matcher.fit(crystal.to_pymatgen(), crystals[j].to_pymatgen())
            ):
                same = j
                break
        if same is None:
            bucket.append(i)
        answer.append(same)
    return answer
