"""CPU seconds of both for the profiles of the same crystals, in turn, and by how much the profiles differ."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pymatgen.analysis.diffraction
from numpy.typing import NDArray
from pymatgen.analysis.diffraction.core import AbstractDiffractionPatternCalculator
from pymatgen.analysis.diffraction.xrd import DiffractionPattern, XRDCalculator
from pymatgen.core import Structure

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.diffraction.form_factors import LAST_NUMBER
from matsift.diffraction.grid import CU_K_ALPHA, N_BIN, Q_HIGH, Q_LOW, bin_of, two_theta_of
from matsift.diffraction.ideal import amplitude_tables, ideal_profiles, profiles_by_tables
from matsift.diffraction.radiation import lorentz_polarisation
from matsift.diffraction.reflections import B_ISO

_BLOCK = 10
_LEAST_CPU_SECONDS = 0.05
#: Differences above this that cancel in the next bin are one line at the edge of both.
_EDGE = 1e-6


def table(sets: Mapping[str, Sequence[Crystal]]) -> Iterator[str]:
    """Yield the lines of the table: both do a block of crystals in turn, until all are done."""
    ideal_profiles(next(iter(sets.values()))[:1])
    yield (
        "| crystals | atoms a cell | reflections | occupied bins | pymatgen, profiles a CPU second | matsift | ratio | "
        "largest difference, pymatgen's form factors in both |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for name, crystals in sets.items():
        yield _row(name, crystals)


def _row(name: str, crystals: Sequence[Crystal]) -> str:
    theirs, ours, apart = 0.0, 0.0, 0.0
    for start in range(0, len(crystals), _BLOCK):
        block = crystals[start : start + _BLOCK]
        structures = [crystal.to_pymatgen() for crystal in block]
        began = time.process_time()
        for structure in structures:
            _pattern(structure)
        theirs += time.process_time() - began
        ours += _seconds(block)
        apart = max(apart, _largest_difference(block, structures))
    n = len(crystals)
    atoms = np.mean([len(crystal.species) for crystal in crystals])
    reflections = np.mean([4 / 3 * np.pi * (Q_HIGH**3 - Q_LOW**3) * crystal.volume for crystal in crystals])
    occupied = np.diff(ideal_profiles(crystals)[0].offsets).mean()
    return (
        f"| {name}, {n} | {atoms:.1f} | {reflections:,.0f} | {occupied:,.0f} | {n / theirs:,.1f} | {n / ours:,.0f} | "
        f"{theirs / ours:,.0f} | {apart:.1e} |"
    )


def _pattern(structure: Structure) -> DiffractionPattern:
    symbols = {element.symbol: B_ISO for element in structure.composition.elements}
    first, last = two_theta_of([Q_LOW, Q_HIGH], CU_K_ALPHA).tolist()
    calculator = XRDCalculator(CU_K_ALPHA, debye_waller_factors=symbols)
    pattern: DiffractionPattern = calculator.get_pattern(structure, scaled=False, two_theta_range=(first, last))
    return pattern


def _largest_difference(crystals: Sequence[Crystal], structures: Sequence[Structure]) -> float:
    """Return the largest difference of the profiles when both have pymatgen's form factors, and pymatgen all lines."""
    ours, _ = profiles_by_tables(crystals, _pymatgens_tables())
    with patch.object(AbstractDiffractionPatternCalculator, "SCALED_INTENSITY_TOL", 1e-9):
        patterns = [_pattern(structure) for structure in structures]
    return max(
        _difference(np.array(pattern.d_hkls), np.array(pattern.y), dense)
        for pattern, dense in zip(patterns, ours.dense(), strict=True)
    )


def _seconds(crystals: Sequence[Crystal]) -> float:
    """Return CPU seconds for the profiles of the crystals, the mean of as many turns as fill a measurable time."""
    turns, began = 0, time.process_time()
    while (spent := time.process_time() - began) < _LEAST_CPU_SECONDS:
        ideal_profiles(crystals)
        turns += 1
    return spent / turns


def _difference(spacing: NDArray[np.float64], intensity: NDArray[np.float64], ours: NDArray[np.float32]) -> float:
    """Return the largest difference of the bins that we keep; a line may stand on either side of the edge of a bin."""
    q = 1 / spacing
    inside = bin_of(q) >= 0
    free = intensity / lorentz_polarisation(two_theta_of(q, CU_K_ALPHA))
    total = np.bincount(bin_of(q[inside]), free[inside], minlength=N_BIN)
    theirs = total / total.max()
    left = np.where(ours > 0, ours - theirs, 0.0)
    for i in np.flatnonzero(np.abs(ours - theirs)[:-1] > _EDGE):
        if abs(sum(ours[i : i + 2] - theirs[i : i + 2])) < _EDGE:
            left[i : i + 2] = 0.0
    return float(np.abs(left).max())


@cache
def _pymatgens_tables() -> NDArray[np.float64]:
    file = Path(next(iter(pymatgen.analysis.diffraction.__path__))) / "atomic_scattering_params.json"
    known = json.loads(file.read_text())

    def amplitude(s_squared: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = np.zeros((LAST_NUMBER, len(s_squared)))
        for i, symbol in enumerate(ELEMENT_SYMBOLS[:LAST_NUMBER]):
            if symbol in known:
                a, b = np.array(known[symbol]).T[:, :, None]
                rows[i] = i + 1 - 41.78214 * s_squared * (a * np.exp(-b * s_squared)).sum(axis=0)
        return rows * np.exp(-B_ISO * s_squared)

    return amplitude_tables(amplitude)
