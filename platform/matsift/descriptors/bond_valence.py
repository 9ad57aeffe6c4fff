"""How far the bond valence sums of an oxide are from the oxidation states of its ions.

The sums and the global instability index of `matsift.bond_valence.stability`, over the oxygen within each cation's
cutoff; oxidation states as `matsift.bond_valence.charges.assign_valences` tells them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from matsift.bond_valence.charges import NoValencesError, assign_valences
from matsift.bond_valence.parameters import NoIonParametersError
from matsift.bond_valence.stability import bond_valence_sums, global_instability_index
from matsift.crystal import Crystal
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.errors import BadStructureError

BOND_VALENCE = DescriptorSet(
    name="bond_valence",
    version="1",
    columns=(
        "cation_misfit_mean",
        "cation_misfit_min",
        "cation_misfit_max",
        "anion_misfit_mean",
        "anion_misfit_min",
        "anion_misfit_max",
        "gii_cations",
        "gii_all",
    ),
    description="bond valence sum less oxidation state of the cations and of the oxygen, and the global instability "
    "index over cations and over all ions, of an oxide, in valence units",
)


def compute_bond_valence(crystals: Sequence[Crystal]) -> DescriptorChunk:
    """Return the `BOND_VALENCE` descriptors of crystals; one that is no oxide with known ions is a failure."""
    started = time.perf_counter()
    computed, rows, failures = [], [], {}
    for position, crystal in enumerate(crystals):
        try:
            rows.append(_row(crystal))
            computed.append(position)
        except (NoValencesError, NoIonParametersError, BadStructureError) as error:
            failures[position] = (type(error).__name__, str(error))
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(BOND_VALENCE.columns))
    return DescriptorChunk.scatter(
        np.array(computed, dtype=np.int64), values, failures, seconds=time.perf_counter() - started
    )


def _row(crystal: Crystal) -> list[float]:
    valences = assign_valences(crystal)
    sums = bond_valence_sums(crystal, valences)
    misfit = sums - np.abs(valences)
    ends = [
        number
        for chosen in (misfit[valences > 0], misfit[valences < 0])
        for number in (chosen.mean(), chosen.min(), chosen.max())
    ]
    return [*ends, global_instability_index(sums, valences), global_instability_index(sums, valences, "all")]
