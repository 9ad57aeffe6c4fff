"""As many distinct crystals as wanted, made of real ones: strained, atoms moved a little, elements exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from matsift.crystal import Crystal

_ELEMENTS = (
    "Li Be B C N O F Na Mg Al Si P S Cl K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Rb Sr Y Zr Nb Mo Ru Rh Pd Ag "
    "Cd In Sn Sb Te I Cs Ba La Ce Nd Sm Gd Er Yb Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi"
).split()
_LARGEST_STRAIN, _MOVE_ANGSTROM = 0.03, 0.03


def variants(templates: Sequence[Crystal], n: int, seed: int) -> Iterator[Crystal]:
    """Yield n crystals, no two alike: templates in turn, each with new elements, a strain and small displacements.

    The volume follows the radii of nobody: what counts here is that cells, coordination and sizes are those of real
    crystals while every structure is another.
    """
    rng = np.random.default_rng(seed)
    for i in range(n):
        template = templates[i % len(templates)]
        strain = rng.uniform(-_LARGEST_STRAIN, _LARGEST_STRAIN, (3, 3))
        lattice = template.lattice @ (np.eye(3) + (strain + strain.T) / 2)
        moves = rng.normal(0, _MOVE_ANGSTROM, (template.n_site, 3)) @ np.linalg.inv(lattice)
        new = rng.choice(_ELEMENTS, len(template.elements), replace=False).tolist()
        exchanged = dict(zip(template.elements, new, strict=True))
        yield Crystal.ordered(lattice, [exchanged[symbol] for symbol in template.species], template.frac_coords + moves)
