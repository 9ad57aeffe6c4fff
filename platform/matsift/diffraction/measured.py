"""From a measured powder pattern to its lines: background, noise, K-alpha2, peak search, 1/d."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.peaks import PeakList


@dataclass(frozen=True, eq=False)
class MeasuredPattern:
    """One measured scan of n points.

    Parameters
    ----------
    two_theta_deg
        (n,), strictly ascending, degrees.
    intensity
        (n,), counts or counts a second; finite.
    wavelength_angstrom
        Wavelength that the file states, None where it states none.
    name
        Name of the sample or of the file.
    notes
        What the reader mended or left out, one sentence each.
    """

    two_theta_deg: NDArray[np.float64]
    intensity: NDArray[np.float64]
    wavelength_angstrom: float | None = None
    name: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ProcessedPattern:
    """A measured pattern and what was found in it.

    Parameters
    ----------
    pattern
        The pattern as it was read.
    background
        (n,), on the points of the pattern, in its units.
    net
        (n,), smoothed pattern without background and K-alpha2: what the lines were looked for in.
    peaks
        The lines.
    k_alpha2
        Whether a K-alpha2 component was taken away.
    notes
        The pattern's notes and what the processing has to say, one sentence each.
    """

    pattern: MeasuredPattern
    background: NDArray[np.float64]
    net: NDArray[np.float64]
    peaks: PeakList
    k_alpha2: bool
    notes: tuple[str, ...] = ()


def process(pattern: MeasuredPattern, wavelength: str | float | None = None) -> ProcessedPattern:
    """Return the lines of a measured pattern, and the background and net pattern that they were found in.

    Parameters
    ----------
    pattern
        The scan.
    wavelength
        Name ("CuKa", "CuKa1", "MoKa") or angstrom; None takes the one that the file states.

    Raises
    ------
    UserInputError
        If no wavelength is known, or the pattern holds no line.
    """
    raise NotImplementedError
