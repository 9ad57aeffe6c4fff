"""Energy, forces, stress and screening-factor slope of the soft bond-valence force field for a chunk of oxides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.pair_energy import Variant, morse, screened_coulomb
from matsift.bond_valence.pairs import ChunkPairs, Pairs, collect
from matsift.crystal import Crystal

Floats = NDArray[np.float64]


class Evaluation(NamedTuple):
    """What the force field says of m crystals.

    Parameters
    ----------
    energies
        (m,), eV a cell.
    forces
        One (n_atom, 3) a crystal, eV/angstrom.
    stresses
        (m, 3, 3), dE/dstrain over the volume, eV/angstrom^3; tension positive.
    de_dsf
        (m,), slope of the energy in the screening factor at fixed atoms and cell, eV.
    """

    energies: Floats
    forces: tuple[Floats, ...]
    stresses: Floats
    de_dsf: Floats


def evaluate(
    crystals: Sequence[Crystal],
    valences: Sequence[NDArray[np.int64]],
    sf: float | Floats,
    variant: Variant | None = None,
) -> Evaluation:
    """Return energies, forces, stresses and screening-factor slopes of crystals with known oxidation states.

    Parameters
    ----------
    valences
        Oxidation states (n_atom,) of each crystal, -2 for oxygen (`charges.assign_valences`).
    sf
        Screening factor, one for all or (m,) one a crystal.
    variant
        The calibrated variant where None.

    Raises
    ------
    NoIonParametersError
        If a cation is not in the table.
    BadStructureError
        If two atoms stand on one place.
    """
    chosen = variant or Variant()
    factors = np.broadcast_to(np.asarray(sf, dtype=np.float64), (len(crystals),))
    return evaluate_pairs(collect(crystals, valences, chosen, factors), factors, chosen)


def evaluate_pairs(pairs: ChunkPairs, sf: Floats, variant: Variant) -> Evaluation:
    """Return `evaluate` of pairs that are at hand, at screening factors (m,) up to the one they were collected for."""
    bonds, repulsions = pairs.bonds, pairs.repulsions
    r_min, b, d0 = bonds.columns
    bond_energy, bond_slope = morse(bonds.distance, r_min, b, d0)
    charges, radii = repulsions.columns
    repulsion, slope, de_dsf = screened_coulomb(repulsions.distance, charges, radii, sf[repulsions.structure])
    shares = (
        (bonds, variant.morse_weight * bond_energy, variant.morse_weight * bond_slope),
        (repulsions, variant.coulomb_factor * repulsion, variant.coulomb_factor * slope),
    )
    m = len(pairs.volumes)
    energies, virials, forces = np.zeros(m), np.zeros((m, 9)), np.zeros((pairs.starts[-1], 3))
    for kind, energy, pull in shares:
        _add(kind, energy, pull, energies, virials, forces)
    slopes = np.asarray(variant.coulomb_factor * np.bincount(repulsions.structure, de_dsf, m), dtype=np.float64)
    return Evaluation(
        energies,
        tuple(np.split(forces, pairs.starts[1:-1])) if m else (),
        virials.reshape(m, 3, 3) / pairs.volumes[:, None, None],
        slopes,
    )


def _add(kind: Pairs, energy: Floats, slope: Floats, energies: Floats, virials: Floats, forces: Floats) -> None:
    """Add what pairs of one kind contribute to energies (m,), virials (m, 9) and forces (n_atom, 3)."""
    along = (slope / kind.distance)[:, None] * kind.vector
    energies += np.bincount(kind.structure, energy, len(energies))
    for axis in range(3):
        forces[:, axis] += np.bincount(kind.first, along[:, axis], len(forces))
        forces[:, axis] -= np.bincount(kind.second, along[:, axis], len(forces))
        for other in range(axis, 3):
            share = np.bincount(kind.structure, along[:, axis] * kind.vector[:, other], len(energies))
            virials[:, 3 * axis + other] += share
            if other != axis:
                virials[:, 3 * other + axis] += share
