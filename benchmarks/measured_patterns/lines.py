"""The lines of measured patterns; finding them takes a second a pattern, so they are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from benchmarks.measured_patterns.patterns import Case
from benchmarks.repro_002.code_mark import code_hash
from benchmarks.repro_002.crystals import in_processes

from matsift.diffraction.measured import process
from matsift.diffraction.peaks import PeakList
from matsift.errors import MatsiftError

_CODE = "background doublet line_fit line_search line_shape measured peaks positions radiation grid".split()

#: Lines, or the sentence that says why there are none.
Lines = PeakList | str


def lines_of(cases: Sequence[Case], home: Path, *, n_worker: int, tell: Callable[[str], None]) -> list[Lines]:
    """Return the lines of patterns; kept for the patterns and the code that finds them."""
    path = home / f"lines-{_key(cases)}.npz"
    if not path.exists():
        tell(f"lines of {len(cases)} patterns of {cases[0].kind}")
        found = list(in_processes(_lines, cases, n_worker))
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, allow_pickle=False, **_packed(found))
        part.replace(path)
    with np.load(path, allow_pickle=False) as file:
        return _unpacked(dict(file), len(cases))


def _lines(case: Case) -> Lines:
    try:
        return process(case.pattern, case.wavelength).peaks
    except MatsiftError as error:
        return str(error)


def _packed(found: Sequence[Lines]) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    for i, one in enumerate(found):
        if isinstance(one, str):
            arrays[f"{i}.why"] = np.array(one)
            continue
        arrays |= {f"{i}.{field.name}": np.asarray(getattr(one, field.name)) for field in fields(PeakList)}
    return arrays


def _unpacked(arrays: dict[str, np.ndarray], n: int) -> list[Lines]:
    found: list[Lines] = []
    for i in range(n):
        if f"{i}.why" in arrays:
            found.append(str(arrays[f"{i}.why"]))
            continue
        columns = [arrays[f"{i}.{name}"] for name in ("q", "intensity", "two_theta_deg", "fwhm_deg")]
        numbers = [float(arrays[f"{i}.{name}"]) for name in ("wavelength_angstrom", "q_low", "q_high")]
        found.append(PeakList(columns[0], columns[1], columns[2], columns[3], numbers[0], numbers[1], numbers[2]))
    return found


def _key(cases: Sequence[Case]) -> str:
    digest = hashlib.sha256(code_hash(_CODE).encode())
    for case in cases:
        digest.update(f"{case.name} {case.wavelength}".encode())
        digest.update(np.ascontiguousarray(case.pattern.intensity).tobytes())
    return digest.hexdigest()[:12]
