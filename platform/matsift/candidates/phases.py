"""Formation energies and distances to the convex hull inside a set of computed phases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: A hull needs the corners of its chemical system; with more elements than this it grows too slow to build.
_MOST_ELEMENTS = 6


def formation_energies(
    compositions: Sequence[Mapping[str, float]], energies_per_atom: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) the energy of each phase against the elements, eV/atom.

    The reference of an element is its lowest phase in the set; NaN where an element has none.

    Parameters
    ----------
    compositions
        n mappings from element to amount.
    energies_per_atom
        (n,), eV/atom.
    """
    reference: dict[str, float] = {}
    for composition, energy in zip(compositions, energies_per_atom, strict=True):
        if len(composition) == 1:
            element = next(iter(composition))
            reference[element] = min(float(energy), reference.get(element, np.inf))
    formation = np.full(len(compositions), np.nan)
    for i, composition in enumerate(compositions):
        if all(element in reference for element in composition):
            amount = sum(composition.values())
            formation[i] = energies_per_atom[i] - sum(n * reference[e] for e, n in composition.items()) / amount
    return formation


def hull_distances(
    compositions: Sequence[Mapping[str, float]], energies_per_atom: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) the distance of each phase to the convex hull of the set, eV/atom, 0 on the hull.

    NaN where an element has no elemental phase in the set. The hull knows the phases given and no others, so the
    distance is a lower bound of the one to all phases known to science.

    Parameters
    ----------
    compositions
        n mappings from element to amount.
    energies_per_atom
        (n,), eV/atom.
    """
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram  # noqa: PLC0415  slow to import
    from pymatgen.core import Composition  # noqa: PLC0415  slow to import

    reduced = [Composition(c) for c in compositions]
    members: dict[frozenset[str], list[int]] = defaultdict(list)
    for i, composition in enumerate(compositions):
        members[frozenset(composition)].append(i)
    entries = [PDEntry(c, float(e) * c.num_atoms) for c, e in zip(reduced, energies_per_atom, strict=True)]
    distances = np.full(len(entries), np.nan)
    for system, rows in members.items():
        if len(system) > _MOST_ELEMENTS or any(frozenset((e,)) not in members for e in system):
            continue
        inside = [i for other, indices in members.items() if other <= system for i in indices]
        diagram = PhaseDiagram([entries[i] for i in inside])
        for i in rows:
            distances[i] = max(0.0, float(diagram.get_e_above_hull(entries[i], allow_negative=True) or 0.0))
    return distances
