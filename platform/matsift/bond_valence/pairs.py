"""The interacting pairs of a chunk of oxides, flat, with the parameters that the pair functions need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.charges import fractional_charges
from matsift.bond_valence.neighbours import Neighbours, neighbours
from matsift.bond_valence.pair_energy import SCREENED_OUT, Variant
from matsift.bond_valence.parameters import OXYGEN_N, shannon_radius
from matsift.bond_valence.stability import cation_columns
from matsift.crystal import Crystal

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of one kind, each once: the structure (n,), its two atoms (n,) counted through the chunk, the vector.

    Parameters
    ----------
    structure, first, second
        (n,), position of the crystal, and of the atoms among all atoms of the chunk.
    vector
        (n, 3), from the first to the second, angstrom.
    distance
        (n,), angstrom.
    columns
        (n_column, n): r_min (angstrom), b (angstrom), d0 (eV) of a bond; product of the charges and sum of the radii
        (angstrom) of a repulsion.
    """

    structure: Integers
    first: Integers
    second: Integers
    vector: Floats
    distance: Floats
    columns: Floats


@dataclass(frozen=True, eq=False)
class ChunkPairs:
    """All pairs of a chunk of m crystals up to the cutoffs of a variant and a longest screening factor.

    Parameters
    ----------
    starts
        (m + 1,), where the atoms of each crystal start in the chunk.
    volumes
        (m,), cubic angstrom.
    bonds, repulsions
        Cation-oxygen pairs, and pairs of like charge.
    """

    starts: Integers
    volumes: Floats
    bonds: Pairs
    repulsions: Pairs


def collect(
    crystals: Sequence[Crystal], valences: Sequence[Integers], variant: Variant, longest_sf: float | Floats
) -> ChunkPairs:
    """Return the pairs of crystals with known oxidation states.

    Parameters
    ----------
    valences
        Oxidation states (n_atom,) of each crystal, -2 for oxygen.
    longest_sf
        The largest screening factor that the pairs will be evaluated at, one for all or (m,) one a crystal.

    Raises
    ------
    NoIonParametersError
        If a cation is not in the table, or lacks the radius that the variant takes.
    BadStructureError
        If two atoms stand on one place.
    """
    starts = np.concatenate([[0], np.cumsum([len(crystal.species) for crystal in crystals])]).astype(np.int64)
    reach = SCREENED_OUT * np.broadcast_to(np.asarray(longest_sf, dtype=np.float64), (len(crystals),))
    bonds, repulsions = [], []
    for number, (crystal, states) in enumerate(zip(crystals, valences, strict=True)):
        bonds.append((number, *_bonds(crystal, states)))
        repulsions.append((number, *_repulsions(crystal, states, variant, float(reach[number]))))
    volumes = np.array([crystal.volume for crystal in crystals])
    return ChunkPairs(starts, volumes, _joined(bonds, starts, 3), _joined(repulsions, starts, 2))


def _bonds(crystal: Crystal, valences: Integers) -> tuple[Neighbours, Floats]:
    """Return the cation-oxygen pairs within the cations' cutoffs, with r_min, b and d0."""
    r_min, b, d0, r_cut = cation_columns(crystal, valences, ("r_min", "b", "d0", "r_cut"))
    found = neighbours(crystal, np.flatnonzero(valences > 0), np.flatnonzero(valences < 0), float(r_cut.max()))
    found = found.where(found.distance <= r_cut[found.centre])
    return found, np.stack([r_min, b, d0])[:, found.centre]


def _repulsions(crystal: Crystal, valences: Integers, variant: Variant, reach: float) -> tuple[Neighbours, Floats]:
    """Return the pairs of like charge within `reach` sums of their radii, with products of charges and these sums."""
    radius, n = cation_columns(crystal, valences, ("r_cov" if variant.radii == "covalent" else "r_shannon", "n"))
    for atom in np.flatnonzero(np.isnan(radius)):
        shannon_radius(crystal.species[atom], int(valences[atom]))  # it says which ion has none
    cation = valences > 0
    radius = np.where(cation, radius, variant.anion_radius)
    charge = fractional_charges(valences.astype(np.float64), np.where(cation, n, OXYGEN_N), np.ones(len(valences)))
    found = []
    for chosen in (cation, ~cation) if variant.anion_repulsion else (cation,):
        atoms = np.flatnonzero(chosen)
        longest = min(variant.coulomb_cutoff, 2 * reach * float(radius[atoms].max()))
        pairs = neighbours(crystal, atoms, atoms, longest, once=True)
        found.append(pairs.where(pairs.distance <= reach * (radius[pairs.centre] + radius[pairs.other])))
    like = Neighbours(*(np.concatenate(column) for column in zip(*found, strict=True)))
    i, j = like.centre, like.other
    return like, np.stack([charge[i] * charge[j], radius[i] + radius[j]])


def _joined(parts: list[tuple[int, Neighbours, Floats]], starts: Integers, n_column: int) -> Pairs:
    if not parts:
        none = np.zeros(0, dtype=np.int64)
        return Pairs(none, none, none, np.zeros((0, 3)), np.zeros(0), np.zeros((n_column, 0)))
    return Pairs(
        np.concatenate([np.full(len(pairs.centre), number) for number, pairs, _ in parts]),
        np.concatenate([pairs.centre + starts[number] for number, pairs, _ in parts]),
        np.concatenate([pairs.other + starts[number] for number, pairs, _ in parts]),
        np.concatenate([pairs.vector for _, pairs, _ in parts]),
        np.concatenate([pairs.distance for _, pairs, _ in parts]),
        np.concatenate([columns for _, _, columns in parts], axis=1),
    )
