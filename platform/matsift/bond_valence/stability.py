"""Bond valence sums and the global instability index of oxides.

The sum of an ion's bond valences should be its oxidation state (Brown, Chem. Rev. 109, 6858 (2009)); the root mean
square of the misfits is the global instability index, GII (Salinas-Sanchez et al., J. Solid State Chem. 100, 201
(1992)). Valences are those of the parameters in use here and count all oxygen within an ion's cutoff.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.neighbours import Neighbours, neighbours
from matsift.bond_valence.pair_energy import bond_valence
from matsift.bond_valence.parameters import ion, known_ions
from matsift.crystal import Crystal

Scope = Literal["cations", "all"]

#: GII in valence units: below the first an oxide reads as stable, above the second as suspicious.
STABLE, SUSPICIOUS = 0.1, 0.2


def oxygen_bonds(crystal: Crystal) -> Neighbours:
    """Return the oxygen (other) around all cations (centre) within the longest cutoff of any ion of the elements."""
    is_oxygen = np.array([symbol == "O" for symbol in crystal.species])
    present = set(crystal.species)
    cutoff = max((ion(*known).r_cut for known in known_ions() if known[0] in present), default=0.0)
    return neighbours(crystal, np.flatnonzero(~is_oxygen), np.flatnonzero(is_oxygen), cutoff)


def bond_valence_sums(
    crystal: Crystal, valences: NDArray[np.int64], bonds: Neighbours | None = None
) -> NDArray[np.float64]:
    """Return the bond valence sum of each atom (n_atom,), in valence units, positive for cations and oxygen alike.

    Parameters
    ----------
    valences
        (n_atom,) oxidation states, -2 for oxygen (`charges.assign_valences`).
    bonds
        `oxygen_bonds` of the crystal, where they are at hand.

    Raises
    ------
    NoIonParametersError
        If a cation is not in the table.
    """
    centre, other, _, distance = oxygen_bonds(crystal) if bonds is None else bonds
    r0, b, r_cut = cation_columns(crystal, valences, ("r0", "b", "r_cut"))
    valence = np.where(distance <= r_cut[centre], bond_valence(distance, r0[centre], b[centre]), 0.0)
    n_atom = len(crystal.species)
    sums: NDArray[np.float64] = np.zeros(n_atom)
    np.add.at(sums, centre, valence)
    np.add.at(sums, other, valence)
    return sums


def global_instability_index(sums: NDArray[np.float64], valences: NDArray[np.int64], scope: Scope = "cations") -> float:
    """Return the root mean square of (bond valence sum - oxidation state), in valence units.

    Parameters
    ----------
    sums, valences
        (n_atom,), of `bond_valence_sums`.
    scope
        The ions that count: "cations" as Kameda et al. (Eq. 7), or "all" as crystallographers do.
    """
    misfit = sums - np.abs(valences)
    return float(np.sqrt(np.mean(np.square(misfit[valences > 0] if scope == "cations" else misfit))))


def cation_columns(crystal: Crystal, valences: NDArray[np.int64], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Return parameters by name (n_name, n_atom) of a crystal's cations; 0 for oxygen.

    Raises
    ------
    NoIonParametersError
        If a cation is not in the table.
    """
    kinds = list(zip(crystal.species, np.asarray(valences).tolist(), strict=True))
    known = {kind: [float(getattr(ion(*kind), name)) for name in names] for kind in set(kinds) if kind[1] > 0}
    return np.array([known.get(kind, [0.0] * len(names)) for kind in kinds]).T
