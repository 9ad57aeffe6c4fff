"""Descriptors that come with a database entry: size, density, symmetry, band gap, and as an option energies.

The first eight descriptors of Jo et al. (the Na solid electrolyte study), in two sets: six that a candidate always
has or that screening asks for, and two energies that their ablation dropped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.composition import compositions_of, readable
from matsift.descriptors.elements import atomic_masses
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.structure_facts import crystal_system, space_group

_U_PER_ANGSTROM3_IN_G_PER_CM3 = 1.66053906660
_SYSTEMS = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic")

Facts = Mapping[str, NDArray[np.float64]]

MP = DescriptorSet(
    name="mp",
    version="1",
    columns=(
        "volume_angstrom3",
        "density_g_per_cm3",
        "band_gap_ev",
        "n_site",
        "n_element",
        "crystal_system_number",
    ),
    description="volume of the cell as given, density, Kohn-Sham band gap, sites, elements, and crystal system from 1 "
    "(triclinic) to 7 (cubic)",
)
MP_ENERGY = DescriptorSet(
    name="mp_energy",
    version="1",
    columns=("formation_energy_per_atom", "energy_above_hull"),
    description="formation energy and distance to the convex hull as the source states them, eV/atom",
)


def compute_mp(crystals: Sequence[Crystal], facts: Facts | None = None) -> DescriptorChunk:
    """Return the `MP` descriptors of crystals.

    The band gap is the fact ``band_gap``, NaN where unknown. The fact ``space_group_number``, where known, spares the
    search for symmetry, which takes most of the time.
    """
    started = time.perf_counter()
    computed, failures = readable(crystals)
    chosen = [crystals[i] for i in computed]
    compositions = compositions_of(chosen)
    volume = np.array([crystal.volume for crystal in chosen])
    mass = np.zeros(len(chosen))
    np.add.at(mass, compositions.row, compositions.amount * atomic_masses()[compositions.number])
    columns = (
        volume,
        mass / volume * _U_PER_ANGSTROM3_IN_G_PER_CM3,
        _fact(facts, "band_gap", len(crystals))[computed],
        np.array([crystal.n_site for crystal in chosen], dtype=np.float64),
        np.bincount(compositions.row, minlength=len(chosen)),
        _crystal_systems(chosen, _fact(facts, "space_group_number", len(crystals))[computed]),
    )
    seconds = time.perf_counter() - started
    values = np.stack(columns, axis=1)
    return DescriptorChunk.scatter(computed, values, failures, seconds=seconds)


def compute_mp_energy(crystals: Sequence[Crystal], facts: Facts | None = None) -> DescriptorChunk:
    """Return the `MP_ENERGY` descriptors: the facts of these names, NaN where unknown."""
    values = np.stack([_fact(facts, column, len(crystals)) for column in MP_ENERGY.columns], axis=1)
    return DescriptorChunk(values, {}, np.zeros(len(crystals)))


def _crystal_systems(crystals: Sequence[Crystal], space_groups: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 (triclinic) to 7 (cubic); where the space group is not known spglib looks, NaN where it finds none."""
    numbers = [
        space_group(crystal)[0] if np.isnan(known) else int(known)
        for crystal, known in zip(crystals, space_groups, strict=True)
    ]
    return np.array([np.nan if n is None else _SYSTEMS.index(crystal_system(n)) + 1 for n in numbers], dtype=np.float64)


def _fact(facts: Facts | None, name: str, n: int) -> NDArray[np.float64]:
    if facts is None or name not in facts:
        return np.full(n, np.nan)
    return np.asarray(facts[name], dtype=np.float64)
