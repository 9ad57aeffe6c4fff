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
        "gii_cations_vu",
        "gii_all_vu",
        "cation_deviation_mean_vu",
        "cation_deviation_min_vu",
        "cation_deviation_max_vu",
        "anion_deviation_mean_vu",
    ),
    description="global instability index of an oxide over its cations and over all ions, and bond valence sum less "
    "oxidation state of its cations and of its oxygen, in valence units",
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
    deviation = sums - np.abs(valences)
    cations = deviation[valences > 0]
    return [
        global_instability_index(sums, valences),
        global_instability_index(sums, valences, "all"),
        float(cations.mean()),
        float(cations.min()),
        float(cations.max()),
        float(deviation[valences < 0].mean()),
    ]
