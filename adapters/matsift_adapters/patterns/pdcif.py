"""Measured patterns in powder CIF: one a block that holds measured intensities."""

from __future__ import annotations

import numpy as np
from gemmi import cif
from numpy.typing import NDArray

from matsift.errors import SourceError

_ANGLES = ("_pd_proc_2theta_corrected", "_pd_meas_2theta_scan", "_pd_meas_2theta_corrected")
_INTENSITIES = (
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_proc_intensity_total",
    "_pd_proc_intensity_net",
    "_pd_meas_intensity_net",
)
_RANGES = ("_pd_proc_2theta_range", "_pd_meas_2theta_range")
_WAVELENGTHS = ("_diffrn_radiation_wavelength", "_pd_proc_wavelength")

Block = tuple[str, NDArray[np.float64], NDArray[np.float64], float | None]


def read_pdcif(text: str, path: str) -> list[Block]:
    """Return name, angles, intensities and wavelength (angstrom) of each block with a measured pattern.

    Raises
    ------
    SourceError
        If the CIF is damaged, or holds no measured pattern.
    """
    try:
        document = cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        raise SourceError(path, f"as a CIF it is damaged ({str(error)[:120]})", "mend it") from None
    blocks: list[Block] = []
    for block in document:
        columns = _columns(block)
        if columns is not None:
            blocks.append((block.name, *columns, _wavelength(block)))
    if not blocks:
        raise SourceError(
            path, "the CIF holds no measured powder pattern", "give one with _pd_meas or _pd_proc intensities"
        )
    stated = next((wavelength for *_, wavelength in blocks if wavelength), None)
    elsewhere = stated or next((found for block in document if (found := _wavelength(block))), None)
    return [(name, angles, counts, wavelength or elsewhere) for name, angles, counts, wavelength in blocks]


def _columns(block: cif.Block) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    for tag in _INTENSITIES:
        counts = _numbers(block, tag)
        if len(counts) < 2 or not np.isfinite(counts).any():
            continue
        for angle in _ANGLES:
            angles = _numbers(block, angle)
            if len(angles) == len(counts):
                return angles, counts
        for stem in _RANGES:
            ends = [_numbers(block, f"{stem}_{end}") for end in ("min", "inc")]
            if all(len(end) == 1 and np.isfinite(end[0]) for end in ends):
                return ends[0][0] + ends[1][0] * np.arange(len(counts)), counts
    return None


def _numbers(block: cif.Block, tag: str) -> NDArray[np.float64]:
    return np.array([cif.as_number(value) for value in block.find_values(tag)], dtype=np.float64)


def _wavelength(block: cif.Block) -> float | None:
    for tag in _WAVELENGTHS:
        values = _numbers(block, tag)
        if len(values) and np.isfinite(values[0]) and 0.1 < values[0] < 3.0:
            return float(values[0])
    return None
