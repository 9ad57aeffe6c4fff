"""Measured-like patterns of published crystals and what is found in them, kept: half a second each to make."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kept_lines import KeptLines

from matsift.crystal import Crystal
from matsift.diffraction import measured, simulate
from matsift.diffraction.measured import MeasuredPattern, process
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.simulate import Instrument, simulate_mixture
from matsift.diffraction.trial_patterns import strained
from matsift.errors import UserInputError


def found_peaks(home: Path, mixtures: Sequence[tuple[Crystal, ...]], seed: int) -> list[PeakList | None]:
    """Return the lines that the project finds in a pattern of each mixture; None where there are none.

    The first of two phases has two thirds of the volume. Cells are strained by 0.6 % in size and 0.3 % in their
    proportions, the sample is textured (March parameter 0.6 to 1), its angles are off by 0.04 degrees.
    """
    kept = KeptLines(home / "found_peaks.jsonl")
    known = dict(kept)
    code = "".join(inspect.getsource(module) for module in (simulate, measured))
    found = []
    for number, mixture in enumerate(mixtures):
        text = f"{code} {seed} {number} {[crystal.content_hash for crystal in mixture]}"
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in known:
            known[key] = _plain(_lines(mixture, np.random.default_rng([seed, number])))
            kept.keep(key, known[key])
        found.append(_peaks(known[key]))
    return found


def _lines(mixture: tuple[Crystal, ...], rng: np.random.Generator) -> PeakList | None:
    axes = [(0, 0, 1), (1, 0, 0), (1, 1, 1)]
    instrument = Instrument(
        two_theta_first=rng.uniform(5, 15),
        two_theta_last=rng.uniform(70, 100),
        peak_counts=float(np.exp(rng.uniform(np.log(1e3), np.log(3e4)))),
        zero_shift_deg=rng.normal(0, 0.04),
        background=rng.uniform(0.02, 0.15),
        march=rng.uniform(0.6, 1.0),
        texture_axis=axes[rng.integers(3)],
        b_iso=rng.uniform(0.3, 1.5),
    )
    try:
        made = simulate_mixture([strained(c, rng) for c in mixture], [2.0, 1.0][: len(mixture)], instrument, rng)
        return process(MeasuredPattern(made.two_theta_deg, made.intensity, None, "simulated"), "CuKa").peaks
    except UserInputError:
        return None


def _plain(peaks: PeakList | None) -> dict[str, Any] | None:
    if peaks is None:
        return None
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(peaks).items()}


def _peaks(values: dict[str, Any] | None) -> PeakList | None:
    if values is None:
        return None
    return PeakList(
        q=np.array(values["q"]),
        intensity=np.array(values["intensity"]),
        two_theta_deg=np.array(values["two_theta_deg"]),
        fwhm_deg=np.array(values["fwhm_deg"]),
        wavelength_angstrom=values["wavelength_angstrom"],
        q_low=values["q_low"],
        q_high=values["q_high"],
    )
