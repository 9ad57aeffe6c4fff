"""The descriptor set `density`: statistics of the promolecule, the superposed densities of neutral atoms."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from matsift.crystal import Crystal
from matsift.density.promolecule_statistics import COLUMNS, density_statistics
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.errors import BadStructureError

DENSITY = DescriptorSet(
    name="density",
    version="1",
    columns=COLUMNS,
    description="promolecule of ordered crystals (neutral atoms of nine-parameter form factors): moments, quantiles, "
    "gradients, electron-gas energies and localisation outside the cores, lowest points on bonds with their "
    "curvatures, density of the neighbours at each atom",
)


def compute_density(crystals: Sequence[Crystal]) -> DescriptorChunk:
    """Return the `DENSITY` descriptors of crystals; a disordered one is a failure."""
    values = np.full((len(crystals), len(COLUMNS)), np.nan)
    failures: dict[int, tuple[str, str]] = {}
    seconds = np.zeros(len(crystals))
    for i, crystal in enumerate(crystals):
        started = time.perf_counter()
        try:
            values[i] = density_statistics(crystal)
        except BadStructureError as error:
            failures[i] = type(error).__name__, str(error)
        seconds[i] = time.perf_counter() - started
    return DescriptorChunk(values, failures, seconds)
